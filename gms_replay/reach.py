"""How others reach what listens on this machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit

_ANYWHERE = ("", "0.0.0.0", "::")


def is_here(host: str) -> bool:
    """Whether who listens there is reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def authority(host: str, port: int) -> str:
    """Host and port as a URL has them; who listens at any address of this machine's leaves its user to fill one in."""
    if host in _ANYWHERE:
        return f"ADDRESS-OF-THIS-MACHINE:{port}"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def shown(url: str) -> str:
    """The URL of what listens ("http://0.0.0.0:8080/genesys"), as it is put into an app."""
    parts = urlsplit(url)
    return parts._replace(netloc=authority(parts.hostname or "", parts.port or 0)).geturl()
