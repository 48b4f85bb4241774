"""Comet over HTTP requests: long polling, and callback polling (Bayeux 1.0, sections 6.1 and 6.2).

Callback polling is for pages that cannot ask otherwise: the request is the URL of a script with the frames in its
query, and the answer that script, which calls a function of the page with the messages.
"""

import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from gms_replay import bayeux
from gms_replay.bayeux import Parsed
from gms_replay.errors import BayeuxError
from gms_replay.model import Headers, header
from gms_replay.simulator.call import JSON_TYPE, Answer, Call
from gms_replay.simulator.comet import Comet, Gone
from gms_replay.simulator.ids import Ids

_SCRIPT_TYPE = "text/javascript;charset=UTF-8"
# What CometD's JSONPTransport lets pass.
_FUNCTION = re.compile(r"[A-Za-z0-9._-]{1,64}")


async def poll(comet: Comet, ids: Ids, call: Call, gone: Gone) -> Answer | None:
    """The answer to a request for Comet, when it is time; None where the peer has gone before."""
    if call.method == "OPTIONS":
        return Answer(200, b"")
    try:
        function = _function(call)
        frames = bayeux.posted(call.body) if function is None else _queried(call)
        if not frames:
            raise BayeuxError("Parameter message is missing")
        messages = tuple(message for frame in frames for message in bayeux.parse(frame))
    except BayeuxError as error:
        return Answer(400, str(error).encode(), content_type="text/plain;charset=UTF-8")
    answers = await comet.answer(messages, call.caller, gone)
    if answers is None:
        return None
    frame, cookies = bayeux.frame(answers), _cookies(ids, call, messages)
    if function is None:
        return Answer(200, frame, cookies, JSON_TYPE)
    return Answer(200, _script(function, frame), cookies, _SCRIPT_TYPE)


def _function(call: Call) -> str | None:
    """The function that the answer is to call; None for long polling. Raises BayeuxError."""
    if call.method == "POST":
        return None
    function = parse_qs(call.query, keep_blank_values=True).get("jsonp", [""])[0]
    if call.method != "GET" or not _FUNCTION.fullmatch(function):
        raise BayeuxError("Unknown Bayeux transport: POST a frame, or GET with jsonp=FUNCTION and message=FRAME")
    return function


def _queried(call: Call) -> tuple[bytes, ...]:
    return tuple(frame.encode() for frame in parse_qs(call.query, keep_blank_values=True).get("message", ()))


def _script(function: str, frame: bytes) -> bytes:
    # JSON may hold these two as they are; in scripts before ECMAScript 2019 they end the line.
    for end_of_line in ("\u2028", "\u2029"):
        frame = frame.replace(end_of_line.encode(), end_of_line.encode("ascii", "backslashreplace"))
    return function.encode() + b"(" + frame + b")"


def _cookies(ids: Ids, call: Call, messages: Sequence[Parsed]) -> Headers:
    """CometD's server knows a browser by a cookie, which it gives with the first handshake."""
    shaken = any(message.channel == bayeux.HANDSHAKE for message in messages)
    if not shaken or "BAYEUX_BROWSER=" in (header(call.headers, "cookie") or ""):
        return ()
    return (("set-cookie", f"BAYEUX_BROWSER={ids.browser()}; Path=/; HttpOnly"),)
