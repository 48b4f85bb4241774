"""Whether, and how, secrets are replaced, as a user wants it."""

from dataclasses import dataclass, field
from pathlib import Path

from gms_replay.errors import OptionError
from gms_replay.model import Redaction
from gms_replay.rules import Rules

SHORTEST_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Wish:
    """What a recording is to be without. `key`: the user's own, None for one that is drawn, and kept nowhere."""

    mode: Redaction = Redaction.ON
    key: bytes | None = field(default=None, repr=False)
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        """Raises OptionError for what contradicts itself, and for a country that there is not."""
        if self.mode is Redaction.OFF and self.key is not None:
            raise OptionError("redact off replaces nothing, so a redact key says nothing: leave one of them out")
        if self.rules.region is not None:
            _require_country(self.rules.region)

    @property
    def redaction(self) -> Redaction:
        """What a run says of itself that is recorded so: a rules file may want what people type to be replaced, too."""
        return Redaction.TYPED if self.mode is Redaction.ON and self.rules.types else self.mode


def _require_country(region: str) -> None:
    # Takes long to import, and only few name one.
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise OptionError(f'redact.region: {region!r}: no country has this code; write one of ISO 3166, like "DE"')


def options(redact: str = Redaction.ON, key: Path | None = None, rules: Path | None = None) -> dict[str, str]:
    """The recorder's options that say the same; `key` and `rules` are files."""
    files = {"gms_redact_key": key, "gms_rules": rules}
    return {"gms_redact": str(redact)} | {name: str(file.absolute()) for name, file in files.items() if file}


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
