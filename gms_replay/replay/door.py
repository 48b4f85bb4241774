"""How a request came that mitmproxy brings: it says so in a header, with a secret of this run that no app knows.

Without it, mitmproxy itself would be the app, and the URLs in answers would lead past it.
"""

import secrets

from gms_replay.events import Asked

HEADER = "x-gms-replay-door"
_NOBODY = "-"
"""Who is not known is not near: without any address it would be this very process."""


class Door:
    """One run's way in. Whoever lacks its secret comes in as he is, without that header."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(16)

    def note(self, scheme: str, host: str, http_version: str, peer: str) -> str:
        """The header's value for a request that came so; `host`: with the port, as the app said it."""
        # The host stands last: it may be anything.
        return " ".join((self._secret, scheme, http_version, peer or _NOBODY, host or _NOBODY))

    def entered(self, asked: Asked) -> Asked:
        """A request as its app sent it."""
        notes = [value for name, value in asked.headers if name == HEADER]
        if not notes:
            return asked
        others = tuple(pair for pair in asked.headers if pair[0] != HEADER)
        secret, _, said = notes[-1].partition(" ")
        if not secrets.compare_digest(secret.encode(), self._secret.encode()):
            return asked._replace(headers=others)
        # Where a server on the way has taken off a host of blanks, there is none.
        scheme, http_version, peer, host = [*said.split(" ", 3), _NOBODY][:4]
        if not http_version.startswith("HTTP/1"):
            # HTTP/2 has no such header: mitmproxy's own.
            others = tuple(pair for pair in others if pair[0] != "transfer-encoding")
        headers = (("host", host), *(pair for pair in others if pair[0] != "host"))
        return asked._replace(
            scheme=scheme,
            headers=others if host == _NOBODY else headers,
            peer=peer,
            http_version=http_version,
        )
