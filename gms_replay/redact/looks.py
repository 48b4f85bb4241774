"""What is secret in a text in which nothing has its place: by its looks, or by its place in a URL."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from gms_replay import leaks, privacy
from gms_replay.privacy import Part

_HINT = re.compile(rf"[@?+;=]|%40|%2[Bb]|/3/device/|eyJ|(?i:bearer|basic) |\d(?:[{privacy.BLANKS}]?\d){{12}}")
_PAIR = re.compile(r"(?:^|(?<=[?&#;]))(?P<name> ?[^\s\"'<>?&=#;]+(?: [^\s\"'<>?&=#;]+)*)=(?P<value>[^\s\"'<>&#]*)")
"""In a query or fragment of a URL, or in a text that is a form."""


def may_be_in(text: str) -> bool:
    """Whether a text may hold any; a quick look, which finds too much."""
    return _HINT.search(text) is not None


def parts(text: str) -> Iterator[Part]:
    """What is secret by its looks, or in a URL's path or before its host; some may stand in others."""
    placed = (*privacy.userinfo(text), *privacy.in_path(text))
    yield from placed
    # A password before a host looks like an address.
    starts = {part.start for part in placed}
    yield from (part for part in privacy.looks(text) if part.start not in starts)
    for leak in leaks.tokens(text):
        yield Part(leak.start, leak.end, leak.kind)


def pairs(text: str) -> Iterator[tuple[str, int, int]]:
    """Names, decoded, of what queries and forms in a text hold; and where their values stand."""
    for found in _PAIR.finditer(text) if "=" in text else ():
        start, end = found.span("value")
        if text.endswith(";", 0, found.start()):
            # In a path, which the query ends.
            end = start + len(found["value"].partition("?")[0])
        yield unquote_plus(found["name"]), start, end
