"""The alias of a chat's server, which changes when another server takes the chat over (chat version 2).

An app is to show the alias that it was told last; the vendor says no more. Here whatever the chat tells after a
failover tells the new one, and what shows another is refused as soon as the new one was told.
"""

from gms_replay import identities
from gms_replay.spans import Sort, spans

_FIELD = "alias"


class Failovers:
    """The failovers of one session's chats."""

    def __init__(self) -> None:
        self.count = 0
        """How many there were."""
        self._drawn = ""
        self._told: dict[str, str] = {}

    def happen(self, drawn: bytes) -> None:
        """Another server takes over; its alias is drawn by that."""
        self.count += 1
        self._drawn = drawn.hex()
        self._told = {}

    def told(self, text: bytes) -> bytes:
        """A body, or a message, with the new alias wherever it tells one; as it is, where there was no failover."""
        if not self.count:
            return text
        parts, at = [], 0
        for span in spans(text):
            if span.path[-1:] == (_FIELD,) and span.sort in (Sort.STRING, Sort.NUMBER) and span.end > span.start:
                recorded = text[span.start : span.end].decode("utf-8", "replace")
                if recorded not in self._told:
                    self._told[recorded] = identities.stand_in(recorded, self._drawn)
                parts += [text[at : span.start], self._told[recorded].encode()]
                at = span.end
        return b"".join((*parts, text[at:]))

    def outdated(self, alias: str | None) -> bool:
        """Whether an app that shows it was told another since the last failover."""
        return bool(alias and self._told) and alias not in self._told.values()
