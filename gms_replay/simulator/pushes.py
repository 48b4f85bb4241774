"""The notice that wakes an app: an HTTP POST to a URL that the app named as its device (`_device_os` `httpcb`).

The body is the message as a plain string, `{"_id": …, "_action": …}`, as the vendor's article shows a push's
`message`; GMS's exact wording of this notice was never seen in public.
"""

import asyncio
import json
import logging
from collections.abc import Callable

import httpx

from gms_replay.simulator.clock import Pace
from gms_replay.simulator.services import Service
from gms_replay.simulator.tasks import Tasks

_TIMEOUT_S = 5.0
_PAUSES_S = (1.0, 3.0, 9.0)
_HEADERS = {"content-type": "text/plain;charset=UTF-8"}

_log = logging.getLogger(__name__)


class Pushes:
    """Sends notices in the background. Only a 200 counts as delivered; after the last try it says so in the log."""

    def __init__(self, tasks: Tasks, pace: Callable[[Service], Pace]) -> None:
        self._tasks = tasks
        self._pace = pace

    def send(self, service: Service, action: str, wanted: Callable[[], bool]) -> None:
        """Tell a service's device, if it is one of ours, for as long as the news is `wanted`."""
        url = service.fields.get("_device_notification_id", "")
        if service.says("_device_os", "httpcb") and _is_http(url):
            message = json.dumps({"_id": service.id, "_action": action}, separators=(",", ":"))
            self._tasks.begin(self._deliver(url, message.encode(), self._pace(service), wanted))

    async def _deliver(self, url: str, message: bytes, pace: Pace, wanted: Callable[[], bool]) -> None:
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_TIMEOUT_S) as client:
            why = await _post(client, url, message)
            for pause_s in _PAUSES_S:
                if not why:
                    return
                await pace.pause(pause_s)
                if not wanted():
                    return
                why = await _post(client, url, message)
        if why:
            _log.warning("a push to %s was not delivered: %s", url, why)


async def _post(client: httpx.AsyncClient, url: str, message: bytes) -> str:
    """Why a notice was not delivered; "" when it was."""
    try:
        # httpx's own timeout starts anew with each chunk of an answer.
        async with asyncio.timeout(_TIMEOUT_S):
            answer = await client.post(url, content=message, headers=_HEADERS)
        return "" if answer.status_code == httpx.codes.OK else f"answered with {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # Beside httpx's own: names that no resolver can take raise UnicodeError.
        return f"{type(error).__name__} {error}".strip()


def _is_http(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host) and 0 < (parsed.port or 80) < 65536
