"""Who replaces secrets as a user wants it, or nobody; what that takes is loaded only then."""

import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gms_replay.cassette import writer as plain
from gms_replay.model import Redaction
from gms_replay.redact.wishes import Wish

if TYPE_CHECKING:
    from gms_replay.redact.redactor import Redactor

_DRAWN_KEY_BYTES = 32


def redactor(wish: Wish) -> "Redactor | None":
    """Who replaces secrets, by a key that is drawn where the user has none; None where nothing is to be replaced."""
    if wish.mode is Redaction.OFF:
        return None
    from gms_replay.redact.redactor import Redactor

    return Redactor(wish if wish.key else replace(wish, key=secrets.token_bytes(_DRAWN_KEY_BYTES)))


def writer(who: "Redactor | None", path: Path, **run: Any) -> plain.Writer:
    """A writer of one run, which replaces what is secret where somebody does; `run` is what `plain.Writer` takes."""
    if who is None:
        return plain.Writer(path, **run)
    from gms_replay.redact.writer import Writer

    return Writer(path, who, **run)
