"""Files that are written whole or not at all."""

import pytest

from resnets.atomic_files import replacing, write


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write(path, "ä\n")
    assert path.read_bytes() == b"\xc3\xa4\n"
    write(path, b"\0")
    assert path.read_bytes() == b"\0" and names(path.parent) == ["b.txt"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_was_there_stays_until_the_new_file_is_whole(tmp_path, error):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as part:
        part.write_text("half")
        assert part.suffix == ".keras" and path.read_text() == "old"
        raise error
    assert path.read_text() == "old" and names(tmp_path) == ["model.keras"]


def test_a_block_that_wrote_nothing_is_an_error(tmp_path):
    path = tmp_path / "b.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_no_file_is_begun_without_room(tmp_path):
    with pytest.raises(OSError, match="MB are needed"), replacing(tmp_path / "a.h5", 10**18):
        pytest.fail("it began")
    assert names(tmp_path) == []
