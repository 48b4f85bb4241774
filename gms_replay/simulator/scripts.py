"""Callback polling: a page adds a script whose URL is the request, and which calls one of its functions."""

import re
from typing import NamedTuple
from urllib.parse import parse_qs

from gms_replay import bayeux
from gms_replay.bayeux import Parsed
from gms_replay.errors import BayeuxError

SCRIPT_TYPE = "text/javascript;charset=UTF-8"

_FUNCTION = re.compile(r"[\w.\-]{1,64}", re.ASCII)
# To JSON they are letters; scripts of old end a line at them.
_ENDS_OF_LINE = str.maketrans({0x2028: "\\u2028", 0x2029: "\\u2029"})


class Script(NamedTuple):
    """What such a request asks: the function to call, and the messages that it brings."""

    function: str
    messages: tuple[Parsed, ...]


def asked(query: str) -> Script:
    """Read `jsonp=NAME&message=JSON`, with as many messages as there are. Raises BayeuxError."""
    fields = parse_qs(query, keep_blank_values=True)
    function = fields.get("jsonp", [""])[-1]
    if not _FUNCTION.fullmatch(function):
        raise BayeuxError("jsonp must name the function to call")
    if "message" not in fields:
        raise BayeuxError("message is missing")
    frames = (bayeux.parse(text.encode("utf-8", "surrogatepass")) for text in fields["message"])
    return Script(function, tuple(message for frame in frames for message in frame))


def call(function: str, frame: bytes) -> bytes:
    """The script that calls the function with a frame."""
    return f"{function}({frame.decode().translate(_ENDS_OF_LINE)})".encode()
