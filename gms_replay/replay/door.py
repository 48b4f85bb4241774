"""How a request came that mitmproxy brings: it says so in a header, with a secret of this run that no app knows.

Without it, mitmproxy itself would be the app, and the URLs in answers would lead past it.
"""

import secrets
from enum import StrEnum

from gms_replay.events import NOBODY, Asked
from gms_replay.model import Headers

HEADER = "x-gms-replay-door"


class Fate(StrEnum):
    """What a fault does to an app's connection: ends it before the answer, or in the middle of it."""

    RESET = "reset"
    CUT = "cut"


class Door:
    """One run's way in. Whoever lacks its secret comes in as he is, without that header."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(16)

    def note(self, scheme: str, host: str, http_version: str, peer: str) -> str:
        """The header's value for a request that came so; `host`: with the port, as the app said it."""
        # The host stands last: it may be anything.
        return " ".join((self._secret, scheme, http_version, peer or NOBODY, host or NOBODY))

    def brings(self, asked: Asked) -> bool:
        """Whether a request came this way."""
        notes = [value for name, value in asked.headers if name == HEADER]
        return bool(notes) and self._is_ours(notes[-1])

    def end(self, fate: Fate) -> Headers:
        """The header of an answer that says what is to become of the app's connection."""
        return ((HEADER, f"{self._secret} {fate}"),)

    def fate(self, note: str | None) -> Fate | None:
        """What an answer's header of that value says; None where it says nothing."""
        known = {f"{self._secret} {fate}": fate for fate in Fate}
        return known.get(note or "")

    def entered(self, asked: Asked) -> Asked:
        """A request as its app sent it."""
        notes = [value for name, value in asked.headers if name == HEADER]
        if not notes:
            return asked
        others = tuple(pair for pair in asked.headers if pair[0] != HEADER)
        said = notes[-1].partition(" ")[2]
        if not self._is_ours(notes[-1]):
            return asked._replace(headers=others)
        # Where a server on the way has taken off a host of blanks, there is none.
        scheme, http_version, peer, host = [*said.split(" ", 3), NOBODY][:4]
        if not http_version.startswith("HTTP/1"):
            # HTTP/2 has no such header: mitmproxy's own.
            others = tuple(pair for pair in others if pair[0] != "transfer-encoding")
        headers = (("host", host), *(pair for pair in others if pair[0] != "host"))
        return asked._replace(
            scheme=scheme,
            headers=others if host == NOBODY else headers,
            peer=peer,
            http_version=http_version,
        )

    def _is_ours(self, note: str) -> bool:
        return secrets.compare_digest(note.partition(" ")[0].encode(), self._secret.encode())
