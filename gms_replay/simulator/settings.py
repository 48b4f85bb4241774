"""What can be chosen about the simulated GMS."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gms_replay.errors import OptionError
from gms_replay.simulator.clock import OfficeHours, wall_us
from gms_replay.simulator.versions import CURRENT, Version

_BUNDLE_ID = re.compile(r"[A-Za-z0-9.-]+")
_PROJECT = re.compile(r"[A-Za-z0-9.:_-]+")


@dataclass(frozen=True, slots=True)
class PushSettings:
    """Where pushes go. Nothing is dialled that is not named here, or by an app as its device (`httpcb`).

    `apns` and `fcm` are URLs of whatever stands for Apple and Google, to which the path of each push is added;
    `customhttp` is the URL that notices are posted to, GMS's option `customhttp.url`. Devices whose provider is None
    get nothing. `proxy` is the URL of an HTTP proxy that all pushes go through, `ca` a PEM file with whom alone to
    trust. Who has not answered within `timeout_s` is given up. Raises OptionError, which names the option of the
    command line.
    """

    apns: str | None = None
    fcm: str | None = None
    customhttp: str | None = None
    apns_topic: str = "com.example.app"
    fcm_project: str = "example-project"
    proxy: str | None = None
    ca: Path | None = None
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        _check_url("--apns", self.apns, "https://127.0.0.1:8443")
        _check_url("--fcm", self.fcm, "https://127.0.0.1:8443")
        _check_url("--customhttp", self.customhttp, "http://127.0.0.1:8090/notices")
        _check_url("--push-proxy", self.proxy, "http://127.0.0.1:8010", schemes=("http",))
        if not _BUNDLE_ID.fullmatch(self.apns_topic):
            raise OptionError(f"--apns-topic {self.apns_topic}: it is no bundle ID; write it like com.example.app")
        if not _PROJECT.fullmatch(self.fcm_project):
            raise OptionError(f"--fcm-project {self.fcm_project}: it is no project ID; write it like example-project")


@dataclass(frozen=True, slots=True)
class Settings:
    """How the simulated GMS behaves.

    `quick` turns people's seconds into tens of milliseconds. `trailing_comma` tells one dialog as the vendor's article
    prints it, which no JSON parser takes. With a `seed` identities, names, words, queues and delays repeat, and differ
    from those of other seeds; without, the agent is the article's. `services` are the names of callbacks that are
    configured; any, where there are none. `office_hours` are those of appointments. `now_us` is its clock. `version` is
    that of the GMS.
    """

    quick: bool = False
    trailing_comma: bool = False
    seed: int | None = None
    services: frozenset[str] = frozenset()
    office_hours: OfficeHours = field(default_factory=OfficeHours)
    poll_timeout_s: float = 30.0
    max_interval_s: float = 10.0
    now_us: Callable[[], int] = wall_us
    pushes: PushSettings = field(default_factory=PushSettings)
    version: Version = CURRENT


def _check_url(option: str, url: str | None, example: str, schemes: tuple[str, ...] = ("https", "http")) -> None:
    if url is not None and (wrong := _wrong_with(url, schemes)):
        raise OptionError(f"{option} {url}: {wrong}; write it like {example}")


def _wrong_with(url: str, schemes: tuple[str, ...]) -> str:
    """What is wrong with a URL; "" where nothing is."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in schemes or not url.partition(":")[2].startswith("//"):
        return f"it must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}"
    if not host or port == 0 or not url.isprintable() or " " in url:
        return "it names no host"
    if parts.username is not None or parts.query or parts.fragment:
        return "a user, a query or a fragment has no place in it"
    return ""
