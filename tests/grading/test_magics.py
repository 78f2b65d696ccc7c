"""grading/magics.py: no cell stops at a magic or a command of the shell; what stops says why."""

from small_course import MARKS, handed_in, marks

pytestmark = MARKS
LINES = [
    "%matplotlib inline",
    "%matplotlib notebook",
    "%pylab inline",
    "%config InlineBackend.figure_format = 'retina'",
    "%load_ext tensorboard",
    "%load_ext autoreload\n%autoreload 2",
    "%tensorflow_version 2.x",
    "%tensorboard --logdir logs",
    "!pip install numpy",
    "!ls -l | head {2 + 2}",
    "!python train.py &",
    "%pip install numpy",
    "%conda install numpy",
    "%ls",
    "%cd nowhere",
    "%env A=1",
    "%gui qt",
    "%alias all ls",
    "%who",
    "%store x",
    "%notebook x.ipynb",
    "files = !ls\nassert not list(files)",
    "text = %sx ls",
    "print?",
    "get_ipython().system('ls')",
    "get_ipython().getoutput('ls')",
    "get_ipython().run_line_magic('matplotlib', 'inline')",
    "if True:\n    !ls\n    %matplotlib inline",
]
CELLS = ["%%bash\nls", "%%sh\nls", "%%!\nls", "%%script bash\nls", "%%python\n1 / 0"]


def test_the_rest_of_a_cell_with_magics_runs(graded):
    double = "\n".join([*LINES, "def double(x):\n    !ls {x}\n    return 2 * x"])
    timed = "%%time\n%matplotlib inline\ndef triple(x):\n    return 3 * x"
    out, _ = graded({"ann.ipynb": handed_in(*CELLS, double=double, triple=timed)})
    page = (out / "feedback" / "ann.html").read_text(encoding="utf-8")
    assert "Cells of yours that stopped" not in page, page
    assert sum(marks(out).values()) == 5


def test_each_line_by_itself(graded):
    """A cell for each, so that a failure names its line."""
    out, _ = graded({"ann.ipynb": handed_in(*(f"{line}\ndone = 1" for line in LINES))})
    page = (out / "feedback" / "ann.html").read_text(encoding="utf-8")
    assert "code cell" not in page, page


STOPPED = {
    "%matplotlib inline\n1 / 0": "ZeroDivisionError",
    "%time 1 / 0": "ZeroDivisionError",
    "%%capture\n1 / 0": "ZeroDivisionError",
    "%%no_such_magic\nx = 1": "UsageError",
    "raise NotImplementedError('by my own code')": "NotImplementedError: by my own code",
    "import abc\nraise NotImplementedError": "NotImplementedError",
    'raise NotImplementedError("not written yet")\nx = 1': "not written yet",
    "input()": "Error",
    "import subprocess\nsubprocess.run(['/bin/ls'])": "Error",
}


def test_a_stopped_cell_says_why(graded):
    out, _ = graded({"ann.ipynb": handed_in(*STOPPED)})
    page = (out / "feedback" / "ann.html").read_text(encoding="utf-8")
    for number, (cell, why) in enumerate(STOPPED.items(), 2):
        told = page.partition(f"code cell {number}: ")[2].partition("</pre>")[0]
        assert why in told, cell
    assert sum(marks(out).values()) == 5


def test_an_empty_blank_is_no_stopped_cell(graded):
    blank = '# Your code here\nraise NotImplementedError("not written yet")'
    out, _ = graded({"ann.ipynb": handed_in(double=blank)})
    page = (out / "feedback" / "ann.html").read_text(encoding="utf-8")
    assert "not written yet: double" in page and "code cell" not in page
