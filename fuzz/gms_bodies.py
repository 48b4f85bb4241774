"""Of any request and any body, values stand where `spans` says, and a body told with nothing changed has its bytes.

An input is a request or an answer: METHOD PATH, a line's end, a header, a line's end, and a body.
"""

from collections.abc import Iterator
from itertools import pairwise

import fuzz_inputs
from factories import SERVICE

from gms_replay import carriage, fields
from gms_replay.model import Headers
from gms_replay.rewrite import Compiler, Recorded, Telling
from gms_replay.rules import Rules
from gms_replay.spans import Sort, leaves, spans

ORIGIN = "http://gms.example:8080"
BASE = "/genesys"
_COMPILER = Compiler(Recorded(frozenset({"gms.example:8080"}), BASE, frozenset({SERVICE})), Rules())


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever the modules raise."""
    method, target, (name, value), body = fuzz_inputs.read(data)
    headers: Headers = ((name.lower(), value),)
    carriage.operation(method, target, lambda: (headers, body))
    fields.read(target, headers, body)

    found = list(spans(body))
    assert all(0 <= one.start <= one.end <= len(body) for one in found)
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert len(list(leaves(body, found))) >= sum(one.sort is not Sort.KEY for one in found)

    if b"http" in body.lower():
        # URLs of GMS are told with the host that the app came to, in one spelling.
        return
    template = _COMPILER.body(body)
    same = Telling({instant: instant[1] for instant in template.instants}, ORIGIN, BASE, "", {})
    assert template.render(same) == body


def seeds() -> Iterator[bytes]:
    """What was asked and answered in a recorded visit, and forms."""
    yield from fuzz_inputs.of_a_visit()
    form = b'--b\r\nContent-Disposition: form-data; name="_id"\r\n\r\n1\r\n--b--\r\n'
    yield b"POST /genesys/1/service/callback/a\ncontent-type: multipart/form-data; boundary=b\n" + form
    yield b"POST /genesys/2/chat/a\ncontent-type: application/x-www-form-urlencoded\nnickname=Bob&userId=%41+1&&=x"
