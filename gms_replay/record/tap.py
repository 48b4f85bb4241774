"""A tap on an answer's body: passes each piece on at once, and keeps it."""


class Tap:
    """What mitmproxy calls with each piece of a streamed body, and with b"" at its end."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def __call__(self, piece: bytes) -> bytes:
        self._pieces.append(piece)
        return piece

    @property
    def body(self) -> bytes:
        """All that has passed so far."""
        return b"".join(self._pieces)
