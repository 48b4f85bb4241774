"""Which hosts are played to apps that keep the real name: those of the cassette, and those that the user names."""

import re
from collections.abc import Iterable
from enum import StrEnum


class Others(StrEnum):
    """What becomes of what goes to any other host."""

    BLOCK = "block"
    PASS = "pass"


class Hosts:
    """Tells whether a host is played. `recorded`: names, with their port or without, as requests had them."""

    def __init__(self, recorded: Iterable[str], wanted: re.Pattern[str] | None) -> None:
        self._names = frozenset(map(_bare, recorded)) - {""}
        self._wanted = wanted

    def __str__(self) -> str:
        if self._wanted is not None:
            return f"any host whose host:port has {self._wanted.pattern!r}"
        return ", ".join(sorted(self._names)) or "no host: the cassette names none"

    def are(self, host: str, port: int) -> bool:
        """Whether it is one of them. What the user names counts alone; else the port may be any."""
        if self._wanted is not None:
            return self._wanted.search(f"{host}:{port}") is not None
        return _bare(host) in self._names


def _bare(host: str) -> str:
    """The name without port, brackets or a final dot, in lower case."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    name, _, port = host.rpartition(":")
    return (name if name and ":" not in name and port.isdigit() else host).rstrip(".")
