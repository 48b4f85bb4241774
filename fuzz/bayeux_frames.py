"""Whatever comes as a frame is refused by BayeuxError, or is messages that say alone what they said in the frame."""

from collections.abc import Callable, Iterator

import factories

from gms_replay import bayeux, jsonp
from gms_replay.bayeux import Parsed
from gms_replay.errors import BayeuxError


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever else than BayeuxError is raised."""
    for frame in (*bayeux.posted(data), jsonp.frame(data)):
        strict, lenient = _messages(bayeux.parse, frame), _messages(bayeux.parse_recorded, frame)
        streamed = _messages(bayeux.parse_streamed, frame)
        if strict is not None:
            assert lenient == strict, "the lenient reader reads otherwise"
            assert streamed == strict, "one frame is no stream"
        for message in strict or ():
            assert message.raw in frame
            assert bayeux.parse(message.raw) == (message,)
        for message in lenient or ():
            assert message.raw in frame.decode("utf-8", "replace").encode()
            assert bayeux.parse_recorded(message.raw) == (message,)


def seeds() -> Iterator[bytes]:
    """Frames as apps and servers send them, the vendor's printed one with its spare commas, and a stream."""
    yield b'[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["websocket"],"ext":{"ack":true}}]'
    yield b'{"channel":"/meta/connect","clientId":"1x","connectionType":"long-polling","advice":{"timeout":0}}'
    yield b'[{"channel":"/_genesys","data":{"message":{"transcriptToShow":[["Message.Text","Bob","Hi","1","A"]]}}},]'
    yield b'[{"a":1}][{"b":2}] {"c":3}'
    yield b"message=%5B%7B%22channel%22%3A%22%2Fa%22%7D%5D&message=%5B%5D"
    yield b'/**/cb([{"channel":"/a","data":"line\nbreak"}]);'
    for exchange in factories.visit().exchanges:
        yield exchange.request.body.plain


def _messages(read: Callable[[bytes], tuple[Parsed, ...]], frame: bytes) -> tuple[Parsed, ...] | None:
    try:
        return read(frame)
    except BayeuxError:
        return None
