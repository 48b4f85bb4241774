"""Identities in the shapes that the seed and CometD's servers show."""

import string
from collections.abc import Callable
from random import Random
from uuid import UUID

_UPPER = string.ascii_uppercase + string.digits
_LOWER = string.ascii_lowercase + string.digits
_ANY = string.ascii_letters + string.digits


class Ids:
    """A source of identities for each kind; each starts with a digit or a prefix that holds one."""

    def __init__(self, source: Callable[[str], Random]) -> None:
        kinds = ("service", "chat", "comet client", "browser", "cookie", "user", "secure key")
        self._randoms = {kind: source(kind) for kind in kinds}

    def service(self) -> str:
        """Like `3SQI3S31693JL9L3R0O5O6T4OC000U73`."""
        return "3" + self._some("service", _UPPER, 31)

    def chat_session(self) -> str:
        """Like `000FRa9NYM9A001K`."""
        return "000" + self._some("chat", _ANY, 13)

    def comet_client(self) -> str:
        """Like `21lt5ov9gd1v3z1u0u5xkv3b0m8`."""
        return "2" + self._some("comet client", _LOWER, 26)

    def browser(self) -> str:
        """The value of `BAYEUX_BROWSER`, in the shape of a client's."""
        return "2" + self._some("browser", _LOWER, 26)

    def cookie(self) -> str:
        """Like `node01k2ab9zq7x4ml`."""
        return "node0" + self._some("cookie", _LOWER, 13)

    def chat_user(self) -> str:
        """Like `007354D0C8A10012`."""
        return "007" + self._some("user", "0123456789ABCDEF", 13)

    def secure_key(self) -> str:
        """Like `4ec14bb6f1ad22`."""
        return "4" + self._some("secure key", "0123456789abcdef", 13)

    def _some(self, kind: str, alphabet: str, count: int) -> str:
        return "".join(self._randoms[kind].choices(alphabet, k=count))


def frame_id(random: Random) -> str:
    """Like `b2e607a0d21611e3000010932938a0ff`; the source is a chat's own, because agents write at any time."""
    return f"{random.getrandbits(128):032x}"


def push_id(random: Random) -> str:
    """Like `123e4567-e89b-42d3-a456-426614174000`, as Apple wants it; the source is a push's own."""
    return str(UUID(int=random.getrandbits(128), version=4))
