"""Whatever a connection brings, cut anywhere: the same frames come out, joined they are it, and none is half read.

The first byte says in which direction it goes, the second how long the pieces are in which it comes.
"""

from collections.abc import Iterator

from apns_frames import TOKEN, enhanced, item, items, refusal, simple

from gms_replay import apns
from gms_replay.apns import Framer
from gms_replay.model import Direction


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever `apns` raises."""
    direction = Direction.TO_CLIENT if data[:1] == b"C" else Direction.TO_SERVER
    piece_bytes, stream = max(b"\1" + data[1:2]), data[2:]
    whole, rest = _frames(direction, [stream])
    assert b"".join([*whole, rest]) == stream
    assert _frames(direction, _cut(stream, piece_bytes)) == (whole, rest)
    for frame in whole:
        assert all(apns.read(frame[:end]) is None for end in range(len(frame)))
    if direction is Direction.TO_SERVER and apns.is_ours(stream):
        assert whole
        assert apns.is_ours(whole[0]) is True


def seeds() -> Iterator[bytes]:
    """A frame of each command, a connection with several, and what is another protocol."""
    full = items(item(1, TOKEN), item(2, b"{}"), item(3, b"\0\0\0\1"), item(4, b"\0\0\0\2"), item(5, b"\n"))
    yield b"S\x07" + simple() + enhanced(1) + full
    yield b"S\x01" + full + b"GET / HTTP/1.1\r\n\r\n"
    yield b"C\x02" + refusal(8, 1)
    yield b"C\xff" + refusal(10, 2) * 2


def _cut(stream: bytes, piece_bytes: int) -> list[bytes]:
    return [stream[at : at + piece_bytes] for at in range(0, len(stream), piece_bytes)]


def _frames(direction: Direction, pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    """The frames, and what comes from where no frame can be on, or waits for its end."""
    framer = Framer(direction)
    whole, rest = [], b""
    for piece in pieces:
        for given in framer.take(piece):
            if framer.is_broken:
                rest += given
            else:
                whole.append(given)
    return whole, rest + framer.rest()
