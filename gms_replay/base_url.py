"""The URL of a GMS, taken apart: where it is dialled, and what the paths of its requests begin with."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from gms_replay.errors import OptionError

DEFAULT_PORTS = {"http": 80, "https": 443}
"""The ports that go without saying."""


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """`path` is as it was written: "/genesys", or "" where there is none."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str, option: str) -> Self:
        """Raises OptionError, which names the option that has the URL, what is wrong, and how to write it."""
        try:
            return cls._parse(url)
        except ValueError as error:
            raise OptionError(f"{option} {url}: {error}; write it like http://gms.example:8080/genesys") from None

    @classmethod
    def _parse(cls, url: str) -> Self:
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not url.partition(":")[2].startswith("//"):
            raise ValueError("it must begin with http:// or https://")
        if not parts.hostname:
            raise ValueError("it names no host")
        if not url.isprintable() or " " in url:
            raise ValueError("no space has a place in it")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("a user, a query or a fragment has no place in it")
        if parts.port == 0:
            raise ValueError("nobody listens at port 0")
        return cls(parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme], parts.path)

    @property
    def origin(self) -> str:
        """As apps write it: without the port that goes without saying."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}")

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"
