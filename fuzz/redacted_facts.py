"""Of any request and its answer, redaction makes a pair of the same shape, without what one names, or fields hold.

An input is METHOD TARGET, a line's end, a header, a line's end, and a body, which is asked and then answered. $S stands
in it for a key that the request shows in a header of its own, of several sorts.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

import fuzz_inputs
from planted import planted

from gms_replay import exposure, model
from gms_replay.leaves import encoded
from gms_replay.mitmdump import codings
from gms_replay.model import (
    Body,
    Direction,
    Exchange,
    Frame,
    Headers,
    Message,
    Outcome,
    Recording,
    Redaction,
    Request,
    Response,
    Transport,
)
from gms_replay.redact.redactor import Redactor
from gms_replay.redact.wishes import Wish
from gms_replay.rules import Rules

_KEY = b"a key of sixteen"
_SECRETS = (
    "kT7sQx2Lw9Rb4Nf8", "kT7s/Qx2L/w9Rb4Nf8", "kT7s%Qx2Lw9Rb4Nf8", "kT7sQx2L w9Rb4Nf8", "Bearer kT7sQx2Lw9Rb4Nf8",
)  # fmt: skip
_Said = TypeVar("_Said", Request, Response)
_SCHEME = re.compile("Bearer ")
_BY_PLACE = frozenset({"field", "header", "segment of the path", "token of a push"})
"""How a check finds what is private by where it stands; by its looks, torn bytes may be anything."""


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever the redactor raises."""
    for secret in _SECRETS:
        _one_secret(data.replace(b"$S", secret.encode()), secret)


def _one_secret(data: bytes, secret: str) -> None:
    whole = re.compile(rb"(?<![0-9A-Za-z])" + re.escape(_SCHEME.sub("", secret).encode()) + rb"(?![0-9A-Za-z])")
    method, target, head, text = fuzz_inputs.read(data)
    headers: Headers = (("apikey", secret), ("content-length", str(len(text))), head)
    body = Body(text, codings.decoded(text, headers))
    request = Request(method, "http", "gms.example", 80, target, "HTTP/1.1", headers, body, 1, 2)
    outcome = Outcome(5, Response(200, "OK", "HTTP/1.1", headers, body, 3, 4))
    for redaction in (Redaction.ON, Redaction.TYPED):
        redactor = Redactor(Wish(redaction, _KEY))
        asked, answered = redactor.request(request), redactor.outcome(outcome)
        assert redactor.request(request).body == asked.body
        for told in (asked, answered.response):
            assert told
            assert [one for one, _ in told.headers] == [one for one, _ in headers]
            shown = [value for name, value in told.headers if not redactor.is_public(name)]
            said = [told.body.plain, *(text.encode() for text in (asked.target, *shown))]
            assert not any(map(whole.search, said)), "what a header names stands elsewhere"
            assert model.header(told.headers, "content-length") == str(len(told.body.wire))
            if (shape := _shape(body.plain)) is not None:
                assert _shape(told.body.plain) == shape
        messages = [
            Message(1, 1, direction, Transport.WEBSOCKET, 6, 0, "", redactor.message(text, direction))
            for direction in Direction
        ]
        frames = [Frame(1, 1, direction, 6, redactor.frame(text, direction)) for direction in Direction]
        assert not any(whole.search(one.raw) for one in (*messages, *frames))
        answer = answered.response
        assert answer
        seen = (_looked_at(redactor, asked), replace(answered, response=_looked_at(redactor, answer)))
        facts = Recording(exchanges=(Exchange(1, 1, *seen),), messages=tuple(messages), frames=tuple(frames))
        found = [one for one in exposure.find(facts, Rules()) if one.is_secret and one.how in _BY_PLACE]
        # What stands for torn bytes may look like no stand-in; but it is not what was there.
        found = [one for one in found if encoded(one.value) in data or encoded(one.value) in body.plain]
        assert not found, found


def _looked_at(redactor: Redactor, said: _Said) -> _Said:
    """A request or an answer without the headers that a redactor does not look at, but for what its body is."""
    told = (one for one in said.headers if one[0].lower() == "content-type" or not redactor.is_public(one[0]))
    return replace(said, headers=tuple(told))


def _shape(text: bytes) -> Any:
    """Of JSON what stands where, whatever it says; None for what is none."""
    try:
        return _of_value(json.loads(text))
    except (ValueError, RecursionError):
        return None


def _of_value(value: Any) -> Any:
    if isinstance(value, dict):
        return [_of_value(each) for each in value.values()]
    return [_of_value(each) for each in value] if isinstance(value, list) else type(value)


def seeds() -> Iterator[bytes]:
    """What is asked and answered in a visit, and in one full of secrets; and a secret in each of the usual clothes."""
    yield from fuzz_inputs.of_a_visit()
    for shot in planted().shots:
        for message in (shot.asked, shot.answered):
            yield f"POST {shot.path}\na: b\n".encode() + message.partition(b"\r\n\r\n")[2]
    form = b'--b\r\nContent-Disposition: form-data; name="_id"\r\n\r\n$S\r\n--b--\r\n'
    yield b"POST /genesys/1/service/callback/a\ncontent-type: multipart/form-data; boundary=b\n" + form
    kind = b"content-type: application/x-www-form-urlencoded"
    yield b"POST /genesys/2/chat/a?b=$S\n" + kind + b"\nnickname=$S&userId=%41+$S&&=x"
    yield b'GET /$S/a\nreferer: http://$S@h/?a=$S#$S\n{"a":"$S","b":["{\\"c\\":\\"$S\\"}",1e3,-04],}'
    yield b"GET /\ncontent-encoding: gzip\n<a href='$S'>token=$S</a>"
