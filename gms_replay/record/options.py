"""What the recorder can be told, and what it takes for an answer."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gms_replay.cassette.extent import Limits
from gms_replay.errors import OptionError
from gms_replay.mitmdump import options
from gms_replay.mitmdump.options import one, pattern
from gms_replay.redact import wishes
from gms_replay.redact.wishes import Wish
from gms_replay.rules import Rules, load

CASSETTE = "gms_cassette"
HOSTS = "gms_hosts"
REDACT = "gms_redact"
REDACT_KEY = "gms_redact_key"
RULES = "gms_rules"
REDACT_HEADERS = "gms_redact_headers"
MAX_MIB = "gms_max_mib"
MAX_MINUTES = "gms_max_minutes"
DURABLE = "gms_durable"

_MIB_BYTES = 1 << 20
_MINUTE_US = 60_000_000

OPTIONS = {
    CASSETTE: ("", "The cassette to record into; a new run is added to one that exists."),
    HOSTS: (
        "",
        "Record all traffic with servers in whose host:port this regular expression is found, and only that. "
        "Default: everything that looks like GMS, APNs, FCM or a notice of GMS's by HTTP.",
    ),
    REDACT: (
        "on",
        "on: credentials and personal data are replaced by stand-ins before they are stored. typed: and what people "
        "type. off: all is stored as it is.",
    ),
    REDACT_KEY: (
        "",
        "A file with a key of your own, so that equal values get equal stand-ins in several cassettes. Default: one is "
        "drawn, and forgotten.",
    ),
    RULES: ("", "A rules file, whose section [redact] says what else is private, or is not."),
    REDACT_HEADERS: (
        "",
        "Names of headers, with commas between them, that hold credentials whatever they are called, and whatever "
        "gms_rules keeps.",
    ),
    MAX_MIB: (
        "",
        "How many MiB a cassette may grow to: what begins after that goes into visit-2.sqlite, visit-3.sqlite and so "
        "on, beside the one that was named. Default: no limit.",
    ),
    MAX_MINUTES: ("", "After how many minutes the next cassette is begun, as with gms_max_mib. Default: no limit."),
    DURABLE: (
        "false",
        "Whether what is recorded must outlive a loss of power: true waits for the disk at each commit. What is not "
        "survives the end of any program, but not of the machine.",
    ),
}
"""Each option's name, to its default and its help."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The options, checked. `hosts` is None where nothing was said: what looks like GMS is recorded."""

    cassette: Path
    hosts: re.Pattern[str] | None
    limits: Limits
    wish: Wish = field(default_factory=Wish)
    is_durable: bool = False


def settings(
    cassette: Sequence[str],
    hosts: Sequence[str],
    redact: Sequence[str],
    redact_key: Sequence[str],
    rules: Sequence[str],
    redact_headers: Sequence[str],
    max_mib: Sequence[str],
    max_minutes: Sequence[str],
    durable: Sequence[str],
) -> Settings:
    """The options as they were given, each a list of values. Raises OptionError."""
    file = one(CASSETTE, cassette)
    if not file:
        raise OptionError(f"{CASSETTE} is missing: name the file to record into, --set {CASSETTE}=visit.sqlite")
    wish = Wish(
        wishes.mode(REDACT, one(REDACT, redact)),
        _key(one(REDACT_KEY, redact_key)),
        replace(_rules(one(RULES, rules)), credentials=_names(one(REDACT_HEADERS, redact_headers))),
    )
    limits = Limits(
        size_bytes=_whole(MAX_MIB, one(MAX_MIB, max_mib), "MiB", _MIB_BYTES),
        age_us=_whole(MAX_MINUTES, one(MAX_MINUTES, max_minutes), "minutes", _MINUTE_US),
    )
    is_durable = _yes_or_no(DURABLE, one(DURABLE, durable))
    return Settings(Path(file).expanduser(), pattern(HOSTS, one(HOSTS, hosts)), limits, wish, is_durable)


def require_known(names: Iterable[str]) -> None:
    """Raise OptionError for a name, of those that mitmproxy could not place, that was meant for us."""
    options.require_known(names, OPTIONS)


def require_whole_bodies(stream_large_bodies: str | None) -> None:
    """Raise OptionError where mitmproxy is told to let bodies pass in pieces, for it keeps none of those."""
    if stream_large_bodies:
        raise OptionError(
            "stream_large_bodies is set: leave it out, such bodies could not be recorded (Comet streams anyway)"
        )


def _key(file: str) -> bytes | None:
    return wishes.read_key(REDACT_KEY, Path(file).expanduser()) if file else None


def _rules(file: str) -> Rules:
    if not file:
        return Rules()
    try:
        text = Path(file).expanduser().read_text("utf-8")
    except OSError as error:
        raise OptionError(f"{RULES}: {file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OptionError(f"{RULES}: {file}: not UTF-8, as TOML is") from None
    return load(text, file)


def _names(said: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in said.split(",") if name.strip())


def _yes_or_no(name: str, given: str) -> bool:
    if given not in ("true", "false"):
        raise OptionError(f"{name} is true or false, not {given!r}")
    return given == "true"


def _whole(name: str, given: str, unit: str, factor: int) -> int | None:
    if not given:
        return None
    if not re.fullmatch("[0-9]{1,9}", given) or not int(given):
        raise OptionError(f"{name} is a whole number of {unit} from 1 on, not {given!r}")
    return int(given) * factor
