"""Pushes as server-sent events (HTML Living Standard, section 9.2): to the player, one long poll after the other."""

import json
import re
from urllib.parse import parse_qsl, urlencode

from gms_replay.control import PREFIX, PUSHES
from gms_replay.events import Asked
from gms_replay.model import Headers, header

HEADERS: Headers = (("content-type", "text/event-stream;charset=UTF-8"), ("cache-control", "no-store"))

_WAIT_MS = 15_000
"""So often a client hears that we are there."""
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


def is_wanted(asked: Asked) -> bool:
    """Whether a request is for the stream of pushes."""
    if PREFIX not in asked.target or asked.method != "GET":
        return False
    return asked.target.partition("?")[0].endswith(PUSHES) and "text/event-stream" in (
        header(asked.headers, "accept") or ""
    )


def poll(asked: Asked, after: int | None, *, waits: bool) -> Asked:
    """The next poll: for what comes after that push, or, where that is None, after what the client had last.

    `waits`: whether it is held where there is nothing yet.
    """
    path, _, query = asked.target.partition("?")
    said = dict(parse_qsl(query, keep_blank_values=True))
    last = header(asked.headers, "last-event-id") or ""
    if after is not None or _NUMBER.fullmatch(last):
        said["after"] = str(after) if after is not None else last
    return asked._replace(target=f"{path}?{urlencode(said | {'wait_ms': str(_WAIT_MS * waits)})}")


def told(body: bytes, last: int | None) -> tuple[bytes, int | None]:
    """What the player told of pushes as events, and the number of the last one that was told, which was `last`."""
    pushes = json.loads(body)["pushes"]
    events = "".join(f"id: {push['number']}\ndata: {json.dumps(push)}\n\n" for push in pushes)
    return (events or ": nothing yet\n\n").encode(), pushes[-1]["number"] if pushes else last
