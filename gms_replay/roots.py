"""Where the URLs that a visit tells lead: to its own GMS, whatever that is called, or to somebody else."""

import re
from dataclasses import dataclass
from typing import Self

from gms_replay import gms
from gms_replay.addresses import SEGMENT
from gms_replay.model import header
from gms_replay.sessions import Session

_URL = re.compile(r"https?://([^/\s\"?#]+)([^\s\"?#]*)")
_PORT = re.compile(r":\d+$")


@dataclass(frozen=True, slots=True)
class Roots:
    """What the GMS of a visit is called: `hosts`, without ports."""

    hosts: frozenset[str]

    @classmethod
    def of(cls, session: Session) -> Self:
        names = {one.exchange.request.host for one in session}
        said = (header(one.exchange.request.headers, "host") for one in session)
        return cls(frozenset(names | {_PORT.sub("", one) for one in said if one}))

    def unrooted(self, text: str) -> str:
        """A text whose URLs of GMS's lead where they lead, whichever host serves it. Others stay as they are."""
        return SEGMENT.sub("", _URL.sub(self._shortened, text))

    def _shortened(self, found: re.Match[str]) -> str:
        # A GMS behind others names itself otherwise than it was called.
        is_ours = _PORT.sub("", found[1]) in self.hosts or gms.recognise("POST", found[2] or "/", b"") is not None
        return f"origin:{found[2]}" if is_ours else found[0]
