"""Whether, and how, secrets are replaced, as a user wants it. The rest of this room is loaded where they are."""

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gms_replay.errors import OptionError
from gms_replay.model import Redaction
from gms_replay.rules import Rules

if TYPE_CHECKING:
    from gms_replay.cassette.writer import Writer
    from gms_replay.redact.redactor import Redactor

SHORTEST_KEY_BYTES = 16
_DRAWN_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Wish:
    """What a recording is to be without. `key`: the user's own, None for one that is drawn, and kept nowhere.

    `keeps_stand_ins`: whether what looks like a stand-in stays. A secret may look like one, so only for what was told.
    """

    mode: Redaction = Redaction.ON
    key: bytes | None = field(default=None, repr=False)
    rules: Rules = field(default_factory=Rules)
    keeps_stand_ins: bool = False

    @property
    def redaction(self) -> Redaction:
        """What a run says of itself that is recorded so: a rules file may want what people type to be replaced, too."""
        return Redaction.TYPED if self.mode is Redaction.ON and self.rules.types else self.mode

    def redactor(self) -> "Redactor | None":
        """Who replaces secrets, with a key of its own where the user has none; None where nothing is to be replaced."""
        if self.mode is Redaction.OFF:
            return None
        from gms_replay.redact.redactor import Redactor

        return Redactor(self if self.key else replace(self, key=secrets.token_bytes(_DRAWN_KEY_BYTES)))


def writer(redactor: "Redactor | None", path: Path, **run: Any) -> "Writer":
    """A writer of one run, which replaces what is secret where there is a redactor; `run` is what both take."""
    if redactor is None:
        from gms_replay.cassette.writer import Writer

        return Writer(path, **run)
    from gms_replay.redact import writer as redacting

    return redacting.Writer(path, redactor, **run)


def mode(name: str, said: str) -> Redaction:
    """What an option of that name says. Raises OptionError."""
    try:
        return Redaction(said)
    except ValueError:
        raise OptionError(f"{name} is on, typed or off, not {said!r}") from None


def read_key(name: str, file: Path) -> bytes:
    """The key in a file that an option of that name gives; a line's end after it is none of it. Raises OptionError."""
    try:
        key = file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise OptionError(f"{name}: {file}: cannot be read: {error.strerror}") from None
    if len(key) < SHORTEST_KEY_BYTES:
        raise OptionError(
            f"{name}: {file}: a key has {SHORTEST_KEY_BYTES} bytes or more, this one has {len(key)}; "
            "`openssl rand -hex 32` draws one"
        )
    return key
