"""How instants are written: recognised with their notation, and printed back in the same.

What a notation fixes (digits, zone, separator) is kept, so that printing what was parsed gives the same text.
GMS.md, section 5, lists the notations; the vendor documents none for `_expires`, so all are tried. Java's is that of
CometD's TimestampExtension; with another zone than UTC it is no instant, for its name may mean any of several.
Tables of time zones are read here only.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND_US = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
_LAST_US = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)([T ])(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d|)", re.ASCII)
_RFC_1123 = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d?)([ -])(\w{3})[ -](\d{4}) (\d\d):(\d\d):(\d\d) (GMT|UTC|[+-]\d{4})",
    re.ASCII,
)
_JAVA = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\w{3}) (\d\d) (\d\d):(\d\d):(\d\d) (UTC|GMT) (\d{4})", re.ASCII)
_EPOCH_DIGITS = re.compile(
    r"[1-9]\d{9}|[1-9]\d{12}", re.ASCII
)  # from September 2001: less is a duration, a port, a count
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ANYWHERE = re.compile(rf"{_ISO.pattern}|{_RFC_1123.pattern}|{_JAVA.pattern}", re.ASCII)
"""Finds candidates for an instant in words inside a longer text; `parse` decides."""


_LONGEST = 48
"""No instant is written in more characters."""
_KNOWN = 4096
"""So many are kept as read and as written: apps are told the same again and again."""


class Style(StrEnum):
    ISO = "ISO 8601"
    RFC_1123 = "RFC 1123"
    JAVA = "Java's Date"
    EPOCH_S = "epoch seconds"
    EPOCH_MS = "epoch milliseconds"


@dataclass(frozen=True, slots=True)
class Notation:
    """A style with all that a text of it leaves open.

    `separator` stands between date and time (ISO) or inside the date (RFC 1123, "-" in old cookies). `digits` counts
    the digits of the fraction, None where even the seconds are missing. `tail` holds digits beyond the microsecond.
    `day_digits`: how many a day below ten has (RFC 1123, for Java writes one where others write two).
    `region`: the time zone ("Europe/Berlin") whose clocks it shows, whatever `zone` says; "" where `zone` counts.
    """

    style: Style
    separator: str = ""
    digits: int | None = 0
    tail: str = ""
    zone: str = ""
    day_digits: int = 2
    region: str = ""

    def is_like(self, other: "Notation") -> bool:
        """Whether both may write one instant alike: from the tenth of a month on nobody knows `day_digits`."""
        return replace(self, day_digits=2) == replace(other, day_digits=2)


def parse(text: str) -> tuple[int, Notation] | None:
    """The instant that a text is, whole, in microseconds since 1970 UTC, and its notation; None for anything else.

    An ISO text without a zone is read as UTC. A text that would not be printed back the same (a Monday that was none)
    is no instant.
    """
    return _parsed(text) if len(text) <= _LONGEST else None


@lru_cache(_KNOWN)
def _parsed(text: str) -> tuple[int, Notation] | None:
    for style in (_parse_iso, _parse_rfc_1123, _parse_java, _parse_epoch):
        if (found := style(text)) is not None:
            return found if render(*found) == text else None
    return None


def read(text: str) -> int | None:
    """The instant that a text is, whatever its notation; None for anything else."""
    found = parse(text)
    return found[0] if found else None


def parse_local(text: str, region: str, at_us: int) -> Notation | None:
    """The notation in which a text says what the clocks of a time zone show at an instant.

    Without an offset, or with a Z that is none, it is what they show that counts. None where the text says something
    else, and where nobody knows the time zone.
    """
    found = parse(text)
    if found is None or found[1].style is not Style.ISO or _zone(region) is None:
        return None
    notation = replace(found[1], region=region)
    return notation if render(at_us, notation) == text else None


@lru_cache(_KNOWN)
def render(at_us: int, notation: Notation) -> str:
    """An instant in a notation. What the notation cannot hold is cut off; years stay within 1 to 9999."""
    return _RENDER[notation.style](min(max(at_us, _FIRST_US), _LAST_US), notation)


def _parse_iso(text: str) -> tuple[int, Notation] | None:
    if (found := _ISO.fullmatch(text)) is None:
        return None
    year, month, day, separator, hour, minute, second, fraction, zone = found.groups()
    offset = _offset(zone)
    start_us = _instant_us(year, month, day, hour, minute, second or "0")
    if start_us is None or offset is None:
        return None
    digits = fraction or ""
    at_us = start_us + int(digits[:6].ljust(6, "0")) - offset // timedelta(microseconds=1)
    return at_us, Notation(Style.ISO, separator, len(digits[:6]) if second else None, digits[6:], zone)


def _render_iso(at_us: int, notation: Notation) -> str:
    at = _moment(at_us)
    offset, zone = _regional(at, notation) if notation.region else (_offset(notation.zone), notation.zone)
    local = at + (offset or timedelta())
    text = f"{_date(local)}{notation.separator}{local:%H:%M}"
    if notation.digits is not None:
        text += f"{local:%S}".rjust(3, ":")
    if notation.digits:
        text += "." + f"{local.microsecond:06}"[: notation.digits] + notation.tail
    return text + zone


def _regional(at: datetime, notation: Notation) -> tuple[timedelta, str]:
    """How far the clocks of a notation's region are from UTC, and how it writes that."""
    zone = _zone(notation.region)
    assert zone is not None, "no notation has a region that nobody knows"
    offset = zone.fromutc(at.replace(tzinfo=zone)).utcoffset() or timedelta()
    if notation.zone in ("", "Z"):
        return offset, notation.zone
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    sign, colon = "-" if offset < timedelta() else "+", ":" if ":" in notation.zone else ""
    return offset, f"{sign}{hours:02}{colon}{minutes:02}"


def _parse_rfc_1123(text: str) -> tuple[int, Notation] | None:
    if (found := _RFC_1123.fullmatch(text)) is None:
        return None
    day, separator, month, year, hour, minute, second, zone = found.groups()
    at_us, offset = _named_us(year, month, day, hour, minute, second), _offset(zone)
    if at_us is None or offset is None:
        return None
    notation = Notation(Style.RFC_1123, separator, zone=zone, day_digits=len(day))
    return at_us - offset // timedelta(microseconds=1), notation


def _render_rfc_1123(at_us: int, notation: Notation) -> str:
    at = _moment(at_us) + (_offset(notation.zone) or timedelta())
    date = notation.separator.join((f"{at.day:0{notation.day_digits}}", _MONTHS[at.month - 1], f"{at.year:04}"))
    return f"{_DAYS[at.weekday()]}, {date} {at:%H:%M:%S} {notation.zone}"


def _parse_java(text: str) -> tuple[int, Notation] | None:
    if (found := _JAVA.fullmatch(text)) is None:
        return None
    month, day, hour, minute, second, zone, year = found.groups()
    at_us = _named_us(year, month, day, hour, minute, second)
    return None if at_us is None else (at_us, Notation(Style.JAVA, zone=zone))


def _render_java(at_us: int, notation: Notation) -> str:
    at = _moment(at_us)
    return f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:02} {at:%H:%M:%S} {notation.zone} {at.year:04}"


def _parse_epoch(text: str) -> tuple[int, Notation] | None:
    if _EPOCH_DIGITS.fullmatch(text) is None:
        return None
    style, unit_us = (Style.EPOCH_S, SECOND_US) if len(text) == 10 else (Style.EPOCH_MS, 1000)
    return int(text) * unit_us, Notation(style)


_RENDER: dict[Style, Callable[[int, Notation], str]] = {
    Style.ISO: _render_iso,
    Style.RFC_1123: _render_rfc_1123,
    Style.JAVA: _render_java,
    Style.EPOCH_S: lambda at_us, _: str(at_us // SECOND_US),
    Style.EPOCH_MS: lambda at_us, _: str(at_us // 1000),
}


def _instant_us(*fields: str) -> int | None:
    try:
        at = datetime(*(int(field) for field in fields), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    at_us = (at - _EPOCH) // timedelta(microseconds=1)
    return at_us if _FIRST_US <= at_us <= _LAST_US else None


def _named_us(year: str, month: str, *rest: str) -> int | None:
    """The instant of fields whose month has its English name; None where no month is called that."""
    return _instant_us(year, str(_MONTHS.index(month) + 1), *rest) if month in _MONTHS else None


def _moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def _date(at: datetime) -> str:
    return f"{at.year:04}-{at.month:02}-{at.day:02}"


def _offset(zone: str) -> timedelta | None:
    """A zone's distance from UTC; None for one that no clock can show."""
    if zone in ("", "Z", "GMT", "UTC"):
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 23 or minutes > 59:
        return None
    distance = timedelta(hours=hours, minutes=minutes)
    return -distance if zone[0] == "-" else distance


def _zone(region: str) -> ZoneInfo | None:
    """A time zone of the tables; None where they have none of that name, which may be any text."""
    try:
        return ZoneInfo(region)
    except (KeyError, ValueError, OSError):
        # Some names are folders of the tables, some too long for a file.
        return None
