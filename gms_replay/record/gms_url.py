"""The URL of the GMS that is recorded, taken apart for the proxy and for the app."""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from mitmproxy.proxy.mode_specs import ProxyMode

from gms_replay.errors import OptionError


@dataclass(frozen=True, slots=True)
class GmsUrl:
    """Where the GMS is: `origin` ("http://gms.example:8080") is dialled, `path` ("/genesys") is the app's business."""

    origin: str
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Raises OptionError, with what is wrong and how to write it."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise _wrong(url, str(error)) from None
        if parts.scheme not in ("http", "https") or not url.partition(":")[2].startswith("//"):
            raise _wrong(url, "it must begin with http:// or https://")
        if not host:
            raise _wrong(url, "it names no host")
        if parts.username is not None or parts.query or parts.fragment:
            raise _wrong(url, "a user, a query or a fragment has no place in it")
        found = cls(f"{parts.scheme}://{parts.netloc}", parts.path)
        try:
            ProxyMode.parse(found.mode)
        except ValueError as error:
            raise _wrong(url, str(error)) from None
        return found

    @property
    def mode(self) -> str:
        """mitmproxy's name for standing in front of it."""
        return f"reverse:{self.origin}"

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


def _wrong(url: str, reason: str) -> OptionError:
    return OptionError(f"--gms {url}: {reason}; write it like http://gms.example:8080/genesys")
