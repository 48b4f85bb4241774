"""Which session a request says that it is for: by a segment of its path, by `?gms_session=`, or by that header."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

from gms_replay.errors import OptionError
from gms_replay.events import Asked
from gms_replay.model import header

PARAMETER = "gms_session"

_NAME = "[0-9A-Za-z_-]{1,64}"
_VISIT = "[1-9][0-9]{0,8}"
_SAID = re.compile(rf"(?P<alone>{_VISIT})|(?P<name>(?!\d+(?::|$)){_NAME})(?::(?P<visit>{_VISIT}))?", re.ASCII)
PATTERN = rf"^({_VISIT}|(?![0-9]+(:|$)){_NAME}(:{_VISIT})?)$"
"""The same, as JSON Schema has it."""
SEGMENT = re.compile(rf"/~(?P<name>{_NAME})~(?=/)")
"""What stands before the recorded path where it names a session. No home directory (`/~bob/`) looks like it."""


@dataclass(frozen=True, slots=True)
class Address:
    """What a request says of its session: its name, and the number of the recorded visit that it plays, from 1."""

    name: str | None = None
    visit: int | None = None


def read(asked: Asked) -> tuple[Address, Asked]:
    """The address, and the request without it.

    `NAME`, `VISIT` (a number) or `NAME:VISIT`. A segment of the path counts before the query, that before the header.
    Raises OptionError for anything else.
    """
    path, _, query = asked.target.partition("?")
    found = SEGMENT.search(path)
    if found is None and PARAMETER not in query:
        wish = header(asked.headers, PARAMETER)
        return (Address() if wish is None else parse(wish)), asked
    path = path.replace(found[0], "", 1) if found else path
    parameters = [pair.partition("=") for pair in query.split("&")] if query else []
    said = [unquote_plus(value) for name, _, value in parameters if name == PARAMETER]
    kept = "&".join("".join(pair) for pair in parameters if pair[0] != PARAMETER)
    asked = asked._replace(target=f"{path}?{kept}" if kept else path)
    if found:
        return Address(found["name"]), asked
    wish = said[0] if said else header(asked.headers, PARAMETER)
    return (Address() if wish is None else parse(wish)), asked


def segment(name: str) -> str:
    """What a session of that name has before its paths."""
    return f"/~{name}~"


def parse(wish: str) -> Address:
    """What `gms_session` says. Raises OptionError for what names no session."""
    found = _SAID.fullmatch(wish)
    if found is None:
        raise OptionError(
            f"{PARAMETER}: {wish[:80]!r} names no session: give a name of letters, digits, - and _, or the number of "
            "a recorded visit, or both as NAME:VISIT"
        )
    visit = found["alone"] or found["visit"]
    return Address(found["name"], int(visit) if visit else None)
