"""Any bytes as an HTTP archive are refused by FormatError, or hold facts that are the same, written and read again."""

import io
import json
import runpy
from collections.abc import Iterator
from pathlib import Path

import factories

from gms_replay.errors import FormatError
from gms_replay.formats import har, incoming
from gms_replay.model import Recording

_told = runpy.run_path(str(Path(__file__).parents[1] / "tests" / "formats" / "returning.py"))["told"]


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever is raised beside FormatError."""
    refusal = ""
    try:
        recording = _read(data)
    except FormatError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert refusal or _told(_read(_written(recording))) == _told(recording)


def seeds() -> Iterator[bytes]:
    """A recorded visit as we write it, and one exchange as browsers do."""
    yield _written(factories.visit())
    chat = "http://gms.example:8080/genesys/1/service/X/ixn/chat"
    entry = {
        "startedDateTime": "2026-03-04T09:00:00.000Z",
        "time": 12.5,
        "request": {
            "method": "POST", "url": chat, "httpVersion": "HTTP/1.1", "cookies": [], "queryString": [],
            "headersSize": -1, "headers": [{"name": "gms_user", "value": "bob"}], "bodySize": 5,
            "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "a=b", "params": []},
        },
        "response": {
            "status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "cookies": [], "redirectURL": "",
            "headers": [{"name": "content-type", "value": "application/json"}], "headersSize": -1, "bodySize": 2,
            "content": {"size": 2, "mimeType": "application/json", "text": "e30=", "encoding": "base64"},
        },
        "cache": {},
        "timings": {"send": 0.5, "wait": 10, "receive": 2},
        "_webSocketMessages": [{"type": "send", "time": 1772614800.5, "opcode": 1, "data": "{}"}],
    }  # fmt: skip
    yield json.dumps({"log": {"version": "1.2", "creator": {"name": "a", "version": "1"}, "entries": [entry]}}).encode()


def _read(content: bytes) -> Recording:
    return incoming.load(content, "visit.har", None, "1").recording


def _written(recording: Recording) -> bytes:
    file = io.BytesIO()
    har.dump(recording, file, "1")
    return file.getvalue()
