"""Headers that a user gives for the app's: a redacted cassette has stand-ins where credentials stood."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from gms_replay import privacy
from gms_replay.errors import OptionError
from gms_replay.forwards import Said
from gms_replay.leaks import is_secret
from gms_replay.model import Headers, end_to_end
from gms_replay.privacy import Kind

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of HTTP's (RFC 9110, section 5.6.2)."""
_COOKIE = "cookie"
_CREDENTIALS = frozenset({Kind.CREDENTIAL, Kind.BASIC})


def read(said: Iterable[str]) -> Headers:
    """The headers that a user gives: each as `parse` reads it, or @FILE with one a line. Raises OptionError."""
    return tuple(header for one in said for header in (_in_file(one[1:]) if one.startswith("@") else [parse(one)]))


def _in_file(name: str) -> Headers:
    try:
        lines = Path(name).expanduser().read_text("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise OptionError(f"--header @{name}: cannot be read: {error.strerror}") from None
    return tuple(parse(line) for line in lines if line.strip())


def parse(text: str) -> tuple[str, str]:
    """A header as a user writes it, "NAME: VALUE"; the name in lower case, the value a character for each byte.

    Raises OptionError.
    """
    name, colon, said = text.partition(":")
    name, said = name.strip().lower(), said.strip()
    # What follows the name may be the secret itself: it is not said again.
    if not colon or not _NAME.fullmatch(name):
        raise OptionError("--header: there is no name before a colon; write it like --header 'apikey: 1234'")
    if not said.isprintable():
        raise OptionError(f"--header {name}: its value has a control character; write it in one line")
    if name == "host" or not end_to_end(((name, said),)):
        raise OptionError(f"--header {name}: it is set anew for each request; leave it out")
    return name, said.encode("utf-8", "surrogateescape").decode("latin-1")


def put(said: Said, own: Iterable[tuple[str, str]]) -> Said:
    """A request with a user's headers in place of all of the same names; cookies in place of those of the app's own."""
    own = tuple(own)
    if not own:
        return said
    names = {name for name, _ in own}
    kept: Headers = tuple(header for header in said.headers if header[0].lower() not in names)
    headers = (*kept, *(header for header in own if header[0] != _COOKIE))
    cookies = "; ".join(value for name, value in own if name == _COOKIE)
    return replace(said, headers=headers, cookies=cookies if _COOKIE in names else said.cookies)


def unknown(headers: Headers) -> tuple[str, ...]:
    """The names of those headers that hold stand-ins where credentials were: no live GMS takes them."""
    names = []
    for name, value in headers:
        parts = privacy.in_header(name, value)
        told = [(part.kind, value[part.start : part.end]) for part in parts if part.kind in _CREDENTIALS]
        if told and not any(is_secret(kind, text) for kind, text in told):
            names.append(name.lower())
    return tuple(dict.fromkeys(names))
