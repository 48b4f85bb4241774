"""What the recorder can be told, and what it takes for an answer."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gms_replay.cassette.extent import Limits
from gms_replay.errors import OptionError
from gms_replay.mitmdump import options
from gms_replay.mitmdump.options import one, pattern

CASSETTE = "gms_cassette"
HOSTS = "gms_hosts"
REDACT = "gms_redact"
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
    REDACT: ("off", "Whether secrets and personal data are replaced before they are stored; only off exists yet."),
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
    is_durable: bool = False


def settings(
    cassette: Sequence[str],
    hosts: Sequence[str],
    redact: Sequence[str],
    max_mib: Sequence[str],
    max_minutes: Sequence[str],
    durable: Sequence[str],
) -> Settings:
    """The options as they were given, each a list of values. Raises OptionError."""
    file = one(CASSETTE, cassette)
    if not file:
        raise OptionError(f"{CASSETTE} is missing: name the file to record into, --set {CASSETTE}=visit.sqlite")
    _require_off(one(REDACT, redact))
    limits = Limits(
        size_bytes=_whole(MAX_MIB, one(MAX_MIB, max_mib), "MiB", _MIB_BYTES),
        age_us=_whole(MAX_MINUTES, one(MAX_MINUTES, max_minutes), "minutes", _MINUTE_US),
    )
    is_durable = _yes_or_no(DURABLE, one(DURABLE, durable))
    return Settings(Path(file).expanduser(), pattern(HOSTS, one(HOSTS, hosts)), limits, is_durable)


def require_known(names: Iterable[str]) -> None:
    """Raise OptionError for a name, of those that mitmproxy could not place, that was meant for us."""
    options.require_known(names, OPTIONS)


def require_whole_bodies(stream_large_bodies: str | None) -> None:
    """Raise OptionError where mitmproxy is told to let bodies pass in pieces, for it keeps none of those."""
    if stream_large_bodies:
        raise OptionError(
            "stream_large_bodies is set: leave it out, such bodies could not be recorded (Comet streams anyway)"
        )


def _require_off(redact: str) -> None:
    if redact == "on":
        raise OptionError(
            f"{REDACT}=on does not exist yet: record with {REDACT}=off, and keep the cassette to yourself"
        )
    if redact != "off":
        raise OptionError(f"{REDACT} is on or off, not {redact!r}")


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
