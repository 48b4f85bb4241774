"""The rules file, read."""

from pathlib import Path

from gms_replay.errors import OptionError
from gms_replay.rules import Rules, load


def read(path: Path) -> Rules:
    """Raises OptionError, which names the file and the field."""
    try:
        return load(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise OptionError(f"{path}: not UTF-8 at byte {error.start}: a rules file is TOML") from None
    except OSError as error:
        raise OptionError(f"{path}: cannot be read: {error.strerror}") from None
