"""Files that are written whole or not at all."""

from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write a file under a temporary name and move it: it is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
