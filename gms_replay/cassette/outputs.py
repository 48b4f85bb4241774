"""Files that are written beside cassettes: reports, texts, archives. None is ever written over a cassette."""

from pathlib import Path

from gms_replay.errors import OptionError

MAGIC = b"SQLite format 3\x00"
"""The first bytes of a database (SQLite file format, section 1.3)."""
_WAL_MAGICS = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
"""Those of what a database in WAL mode has beside it (section 4.1)."""


def require_folder(path: Path, said: str) -> None:
    """Raise OptionError where a file's folder is missing, as `require_no_cassette` does: said before a long run."""
    if not path.absolute().parent.is_dir():
        raise OptionError(f"{said} {path}: its folder does not exist; make it, or name another file".strip())


def require_no_cassette(path: Path, said: str) -> None:
    """Return for a file that may be written over, or made. `said` is what its user said: an option, or "".

    Raises OptionError for what is a cassette, another database, or the -wal of one. Yesterday's report may be lost; a
    recording cannot be made again.
    """
    # What cannot be read is told by whoever writes; a pipe would give what others are to read.
    try:
        if not path.is_file():
            return
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except OSError:
        return
    if head == MAGIC or head.startswith(_WAL_MAGICS):
        raise OptionError(f"{said} {path}: that is a cassette, and is not written over; name another file".strip())
