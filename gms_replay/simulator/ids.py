"""Identities in the shapes that the seed and CometD's servers show."""

import string
from random import Random

_UPPER = string.ascii_uppercase + string.digits
_LOWER = string.ascii_lowercase + string.digits
_ANY = string.ascii_letters + string.digits


class Ids:
    """A source of identities; each starts with a digit or a prefix that holds one."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def service(self) -> str:
        """Like `3SQI3S31693JL9L3R0O5O6T4OC000U73`."""
        return "3" + self._some(_UPPER, 31)

    def chat_session(self) -> str:
        """Like `000FRa9NYM9A001K`."""
        return "000" + self._some(_ANY, 13)

    def frame(self) -> str:
        """Like `b2e607a0d21611e3000010932938a0ff`."""
        return f"{self._random.getrandbits(128):032x}"

    def comet_client(self) -> str:
        """Like `21lt5ov9gd1v3z1u0u5xkv3b0m8`."""
        return "2" + self._some(_LOWER, 26)

    def cookie(self) -> str:
        """Like `node01k2ab9zq7x4ml`."""
        return "node0" + self._some(_LOWER, 13)

    def _some(self, alphabet: str, count: int) -> str:
        return "".join(self._random.choices(alphabet, k=count))
