"""A tap on an answer's body: passes each piece on at once, and tells of it. It keeps none: a body may never end."""

import time
from collections.abc import Callable

from gms_replay.mitmdump.seen import Piece


class Tap:
    """What mitmproxy calls with each piece of a streamed body, and with b"" at its end. `tell` hears of the pieces."""

    def __init__(self, number: int, tell: Callable[[Piece], None]) -> None:
        self._number = number
        self._tell = tell

    def __call__(self, piece: bytes) -> bytes:
        if piece:
            # By mitmproxy's own clock.
            self._tell(Piece(self._number, time.time(), piece))
        return piece
