"""grading/report.py: tables, pages and nbgrader's book say what a run gave."""

import subprocess
import sys

from small_course import MARKS, WRONG, handed_in, table

pytestmark = MARKS


def test_book_tables_and_pages(graded, tmp_path):
    from nbgrader.api import Gradebook

    book = tmp_path / "book" / "gradebook.db"
    files = {
        "ann/ps1/01_small.ipynb": handed_in(double=WRONG[0]),
        "bob/01_small.ipynb": handed_in(),
    }
    out, _ = graded(files, "--gradebook", str(book))
    with Gradebook(f"sqlite:///{book}") as opened:
        ann = opened.find_submission("ps1", "ann")
        assert (ann.score, ann.max_score, ann.needs_manual_grade) == (3, 5, False)
        assert opened.find_submission("01_small", "bob").score == 5
        comment = opened.find_comment("01-double", "01_small", "ps1", "ann")
        assert comment.comment.startswith("not right yet: found 0")
        given = opened.find_grade("01-double-check", "01_small", "ps1", "ann")
        given.manual_score = 1
        opened.db.commit()
    graded(files, "--gradebook", str(book))  # entered again: a mark given by hand stays
    with Gradebook(f"sqlite:///{book}") as opened:
        assert opened.find_submission("ps1", "ann").score == 4
    page = (out / "feedback" / "ann.html").read_text()
    assert "Small numbers: 3 of 5 points" in page
    assert "Task 1: Write double" in page and "0 of 2" in page
    assert "color-scheme: light dark" in page and "http" not in page
    rows = {row["student"]: row for row in table(out / "totals.csv")}
    assert rows["ann"]["ps1/01_small"] == "3" and rows["bob"]["points"] == "5"


def test_the_book_is_exported_by_nbgrader(graded, tmp_path):
    out, _ = graded({"ann/01_small.ipynb": handed_in()})
    command = [sys.executable, "-m", "nbgrader", "export", "--db", f"sqlite:///{out}/gradebook.db"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (row,) = table(tmp_path / "grades.csv")
    assert (row["student_id"], row["score"], row["max_score"]) == ("ann", "5.0", "5.0")
