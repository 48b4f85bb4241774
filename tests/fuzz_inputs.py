"""Inputs of fuzz targets that are a request or an answer: METHOD TARGET, a header and a body, a line's end between."""

from collections.abc import Iterator
from typing import NamedTuple

import factories


class Input(NamedTuple):
    """What an input says. `header`: its name and value."""

    method: str
    target: str
    header: tuple[str, str]
    body: bytes


def read(data: bytes) -> Input:
    """Any bytes as an input: what they lack is empty."""
    line, _, rest = data.partition(b"\n")
    head, _, body = rest.partition(b"\n")
    method, _, target = line.decode("latin-1").partition(" ")
    name, _, value = head.decode("latin-1").partition(": ")
    return Input(method, target, (name, value), body)


def of_a_visit() -> Iterator[bytes]:
    """What was asked and answered in a recorded visit."""
    for exchange in factories.visit().exchanges:
        request = exchange.request
        yield f"{request.method} {request.target}\ncontent-type: application/json\n".encode() + request.body.plain
        if exchange.response:
            yield b"GET /genesys/1/service/X/chat\na: b\n" + exchange.response.body.plain
