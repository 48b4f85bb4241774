import json

import httpx
import pytest
from factories import CALLBACK, ORDER, SERVICE, Tape
from serving import served

from gms_replay.events import Asked
from gms_replay.replay import event_stream

PUSHES = "/__gms_replay__/pushes"
STREAM = {"accept": "text/event-stream"}


def recorded(*actions: str) -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    for number, action in enumerate(actions, start=1):
        tape.push(number / 10, action)
    return tape


def read(stream: httpx.Response, count: int) -> list[tuple[str, str]]:
    """So many events, as id and action."""
    found: list[tuple[str, str]] = []
    name = ""
    for line in stream.iter_lines():
        field, _, value = line.partition(": ")
        if field == "id":
            name = value
        elif field == "data":
            found.append((name, json.loads(value)["_action"]))
        if len(found) == count:
            return found
    return found


def test_pushes_are_streamed_as_they_come() -> None:
    with (
        served(recorded("first", "second").recording()) as server,
        httpx.Client(base_url=server.origin, trust_env=False, timeout=60) as client,
        client.stream("GET", PUSHES, headers=STREAM) as stream,
    ):
        assert stream.headers["content-type"] == "text/event-stream;charset=UTF-8"
        client.post(CALLBACK, json=ORDER)

        assert read(stream, 2) == [("1", "first"), ("2", "second")]


def test_client_that_comes_back_goes_on() -> None:
    with (
        served(recorded("first", "second", "third").recording()) as server,
        httpx.Client(base_url=server.origin, trust_env=False, timeout=60) as client,
    ):
        client.post(CALLBACK, json=ORDER)
        with client.stream("GET", PUSHES, headers=STREAM) as stream:
            assert read(stream, 1) == [("1", "first")]
        with client.stream("GET", PUSHES, headers=STREAM | {"last-event-id": "1"}) as stream:
            assert read(stream, 2) == [("2", "second"), ("3", "third")]


def test_stream_ends_with_the_server() -> None:
    with (
        served(recorded("first").recording()) as server,
        httpx.Client(base_url=server.origin, trust_env=False, timeout=60) as client,
        client.stream("GET", PUSHES, headers=STREAM) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == ": nothing yet"
        server.stop()

        assert list(lines) == [""]


def test_wrong_wish_is_refused() -> None:
    with served(recorded("first").recording()) as server:
        answer = httpx.get(f"{server.origin}{PUSHES}?afer=1", headers=STREAM, trust_env=False)

    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "afer: no such field; there are after, session, wait_ms"},
    )


@pytest.mark.parametrize(
    ("method", "target", "accept", "is_wanted"),
    [
        ("GET", f"{PUSHES}?session=a", "text/event-stream, */*", True),
        ("GET", PUSHES, "application/json", False),
        ("POST", PUSHES, "text/event-stream", False),
        ("GET", "/__gms_replay__/sessions", "text/event-stream", False),
        ("GET", f"/genesys/1?{PUSHES}", "text/event-stream", False),
    ],
)
def test_stream_is_told_by_what_is_accepted(method: str, target: str, accept: str, is_wanted: bool) -> None:
    assert event_stream.is_wanted(Asked(method, "http", target, (("accept", accept),), b"")) is is_wanted


def test_polls_follow_each_other() -> None:
    asked = Asked("GET", "http", f"{PUSHES}?session=a&after=3", (("last-event-id", "7"),), b"")

    assert event_stream.poll(asked, None, waits=False).target == f"{PUSHES}?session=a&after=7&wait_ms=0"
    assert event_stream.poll(asked, 9, waits=True).target == f"{PUSHES}?session=a&after=9&wait_ms=15000"


def test_events_are_numbered() -> None:
    assert event_stream.told(b'{"pushes":[{"number":4},{"number":5}]}', 3) == (
        b'id: 4\ndata: {"number": 4}\n\nid: 5\ndata: {"number": 5}\n\n',
        5,
    )
    assert event_stream.told(b'{"pushes":[]}', 3) == (b": nothing yet\n\n", 3)
