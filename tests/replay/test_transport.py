import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import factories
import httpx
import pytest

from gms_replay.cassette.copy import write
from gms_replay.errors import NotACassetteError, OptionError
from gms_replay.replay.transport import ReplayTransport

ORIGIN = "https://gms.test"
COMET = f"{ORIGIN}/genesys/cometd"
NOWHERE = f"{ORIGIN}/genesys/1/nowhere"
SENDING = f"{ORIGIN}{factories.CHAT_PATH}/send"
HELLO = {"message": "Hello."}


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A callback, and a message that comes at once, and one that waits for what the app says."""
    tape = factories.Tape()
    tape.ask(0, "POST", factories.CALLBACK, b"", {"_id": factories.SERVICE})
    tape.ask(0.1, "POST", factories.CHAT_DIALOG, b"", factories.start_chat(factories.URL, f"{factories.URL}/cometd"))
    tape.open_comet(0.2)
    tape.poll(0.5, 0.1, factories.frame(1, factories.JOINED))
    tape.ask(0.7, "POST", f"{factories.CHAT_PATH}/send", HELLO)
    tape.poll(0.6, 0.4, factories.frame(2, factories.HELLO))
    write(tmp_path / "visit.sqlite", tape.recording())
    return tmp_path / "visit.sqlite"


@pytest.fixture
def transport(cassette: Path) -> Iterator[ReplayTransport]:
    with ReplayTransport(cassette, clock="virtual", missing_act="wait") as transport:
        yield transport


def subscribed(app: httpx.Client) -> dict[str, Any]:
    """A poll of an app that listens, and has heard the first message."""
    app.post(f"{ORIGIN}{factories.CALLBACK}")
    app.post(f"{ORIGIN}{factories.CHAT_DIALOG}")
    [shaken] = app.post(COMET, json=[{"channel": "/meta/handshake", "version": "1.0"}]).json()
    poll = {"channel": "/meta/connect", "clientId": shaken["clientId"], "connectionType": "long-polling"}
    app.post(COMET, json=[poll])
    app.post(COMET, json=[poll | {"channel": "/meta/subscribe", "subscription": "/_genesys"}])
    first, *_ = app.post(COMET, json=[poll]).json()
    assert first["channel"] == "/_genesys"
    return poll


def test_any_host_is_answered(transport: ReplayTransport) -> None:
    with httpx.Client(transport=transport) as app:
        app.post(f"{ORIGIN}{factories.CALLBACK}")
        dialog = app.post(f"{ORIGIN}{factories.CHAT_DIALOG}").json()

    assert dialog["_comet_url"] == COMET


def test_held_poll_lets_others_ask(transport: ReplayTransport) -> None:
    told: list[Any] = []
    with httpx.Client(transport=transport, timeout=60) as app:
        poll = subscribed(app)
        listening = threading.Thread(target=lambda: told.extend(app.post(COMET, json=[poll]).json()))
        listening.start()
        app.post(SENDING, json=HELLO).raise_for_status()
        listening.join()

    assert [message["channel"] for message in told] == ["/_genesys", "/meta/connect"]


def test_tasks_share_it_with_threads(transport: ReplayTransport) -> None:
    app = httpx.Client(transport=transport, timeout=60)
    poll = subscribed(app)

    async def listen_and_send() -> list[dict[str, Any]]:
        async with httpx.AsyncClient(transport=transport.shared(), timeout=60) as other:
            held = asyncio.create_task(other.post(COMET, json=[poll]))
            # It has been handed in when the task stands still for the first time.
            await asyncio.sleep(0)
            sent = await other.post(SENDING, json=HELLO)
            assert sent.status_code == 200
            messages: list[dict[str, Any]] = (await held).json()
            return messages

    told = asyncio.run(listen_and_send())
    app.close()

    assert [message["channel"] for message in told] == ["/_genesys", "/meta/connect"]


def test_client_that_waits_no_longer_hangs_up(transport: ReplayTransport) -> None:
    with httpx.Client(transport=transport, timeout=60) as app:
        poll = subscribed(app)
        with pytest.raises(httpx.ReadTimeout, match="read timeout"):
            app.post(COMET, json=[poll], timeout=0.05)
        # What it did not take comes with the next.
        app.post(SENDING, json=HELLO)
        told = app.post(COMET, json=[poll]).json()

    assert [message["channel"] for message in told] == ["/_genesys", "/meta/connect"]


def test_task_that_waits_no_longer_hangs_up(transport: ReplayTransport) -> None:
    app = httpx.Client(transport=transport, timeout=60)
    poll = subscribed(app)

    async def wait() -> None:
        async with httpx.AsyncClient(transport=transport, timeout=0.05) as impatient:
            await impatient.post(COMET, json=[poll])

    with pytest.raises(httpx.ReadTimeout):
        asyncio.run(wait())
    # The async client has closed it.
    with pytest.raises(httpx.ConnectError, match="the replay transport is closed"):
        app.get(NOWHERE)


def test_further_client_ends_nothing(transport: ReplayTransport) -> None:
    with httpx.Client(transport=transport) as app:
        with httpx.Client(transport=transport.shared()) as other:
            started = other.post(f"{ORIGIN}{factories.CALLBACK}").json()
        assert app.post(f"{ORIGIN}{factories.CHAT_DIALOG}").json()["_id"] == started["_id"]
        with httpx.Client(transport=transport.shared()) as other:
            assert other.get(NOWHERE).status_code == 404
        kept = transport.shared()

    with pytest.raises(httpx.ConnectError, match="the replay transport is closed"):
        httpx.Client(transport=kept).get(NOWHERE)


def test_close_answers_what_is_held(cassette: Path) -> None:
    transport = ReplayTransport(cassette, clock="virtual", missing_act="wait")
    poll = subscribed(httpx.Client(transport=transport, timeout=60))

    async def wait() -> httpx.Response:
        app = httpx.AsyncClient(transport=transport, timeout=60)
        held = asyncio.create_task(app.post(COMET, json=[poll]))
        await asyncio.sleep(0)
        await transport.aclose()
        await transport.aclose()
        return await held

    assert asyncio.run(wait()).status_code == 503


STREAM = {"url": "http://localhost/__gms_replay__/pushes", "headers": {"accept": "text/event-stream"}}


def test_stream_is_read_as_it_comes(transport: ReplayTransport) -> None:
    with httpx.Client(transport=transport, timeout=60) as app, app.stream("GET", **STREAM) as answer:
        pieces = answer.iter_text()
        assert (answer.status_code, next(pieces)) == (200, ": nothing yet\n\n")
        # What is held here holds nobody else, and ends with the player.
        assert app.get(NOWHERE).status_code == 404
        transport.close()
        assert list(pieces) == []


def test_stream_is_waited_for_as_long_as_the_client_says(transport: ReplayTransport) -> None:
    with (
        httpx.Client(transport=transport, timeout=0.05) as app,
        pytest.raises(httpx.ReadTimeout),
        app.stream("GET", **STREAM) as answer,
    ):
        answer.read()


def test_task_reads_a_stream_and_hangs_up(transport: ReplayTransport) -> None:
    async def read() -> str:
        async with httpx.AsyncClient(transport=transport, timeout=60) as app:
            async with app.stream("GET", **STREAM) as answer:
                first = await anext(answer.aiter_text())
            async with app.stream("GET", **STREAM, timeout=0.05) as answer:
                with pytest.raises(httpx.ReadTimeout):
                    await answer.aread()
            return first

    assert asyncio.run(read()) == ": nothing yet\n\n"


def test_head_has_no_body(transport: ReplayTransport) -> None:
    with httpx.Client(transport=transport) as app:
        asked, told = app.head(NOWHERE), app.get(NOWHERE)

    assert (asked.status_code, asked.content) == (404, b"")
    assert told.content


def test_bodies_may_come_in_pieces(transport: ReplayTransport) -> None:
    with httpx.Client(transport=transport) as app:
        told = app.post(COMET, content=iter([b'[{"channel": "/meta/', b'handshake", "version": "1.0"}]'])).json()

    assert told[0]["successful"]


def test_miss_is_told(transport: ReplayTransport) -> None:
    with httpx.Client(transport=transport) as app:
        answer = app.get(f"{NOWHERE}?a=%20b")

    assert (answer.status_code, answer.json()["asked"]["target"]) == (404, "/genesys/1/nowhere?a=%20b")


def test_equal_runs_are_told_equal_bytes(cassette: Path) -> None:
    def visit() -> list[tuple[int, list[tuple[bytes, bytes]], bytes]]:
        with httpx.Client(transport=ReplayTransport(cassette, clock="virtual", now="2014-05-02T16:27:38Z")) as app:
            subscribed(app)
            answers = [app.post(SENDING, json=HELLO), app.get(NOWHERE)]
            return [(answer.status_code, answer.headers.raw, answer.content) for answer in answers]

    assert visit() == visit()


def test_session_is_the_one_that_was_named(cassette: Path) -> None:
    with httpx.Client(transport=ReplayTransport(cassette, session="alice")) as app:
        app.post(f"{ORIGIN}{factories.CALLBACK}")
        app.post(f"{ORIGIN}{factories.CALLBACK}", params={"gms_session": "bob"})
        told = json.loads(app.get(f"{ORIGIN}/__gms_replay__/sessions", headers={"host": "localhost"}).content)

    assert [session["session"] for session in told["sessions"]] == ["alice", "bob"]


def test_wrong_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotACassetteError, match=r"none\.sqlite"):
        ReplayTransport(tmp_path / "none.sqlite")
    with pytest.raises(OptionError, match="clock is one of"):
        ReplayTransport(tmp_path / "none.sqlite", clock="sun")


def test_faults_are_told_in_words_of_httpx(cassette: Path) -> None:
    rules = [
        {"on": "start callback", "do": "reset", "times": 1},
        {"on": "start callback", "do": "cut", "times": 2, "after_bytes": 3},
        {"on": "start callback", "do": "error", "times": 3},
    ]
    with (
        ReplayTransport(cassette, clock="virtual", faults=rules) as transport,
        httpx.Client(transport=transport, base_url=ORIGIN) as app,
    ):
        with pytest.raises(httpx.ReadError, match="reset by a fault"):
            app.post(factories.CALLBACK)
        with pytest.raises(httpx.RemoteProtocolError, match="cut short by a fault"):
            app.post(factories.CALLBACK)
        assert app.post(factories.CALLBACK).status_code == 503
        assert app.post(factories.CALLBACK).json() == {"_id": factories.SERVICE}


def test_faults_are_told_to_tasks_too(cassette: Path) -> None:
    async def ask() -> None:
        rules = [{"on": "start callback", "do": do, "times": n} for n, do in ((1, "reset"), (2, "cut"), (3, "hang"))]
        transport = ReplayTransport(cassette, clock="virtual", faults=rules)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, timeout=0.2) as app:
            for error in (httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout):
                with pytest.raises(error):
                    await app.post(factories.CALLBACK)

    asyncio.run(ask())


def test_wrong_faults_name_their_field(cassette: Path) -> None:
    with pytest.raises(OptionError, match=r"^faults\[1\]\.on: 'sned': nothing is called so"):
        ReplayTransport(cassette, faults=[{"on": "sned", "do": "reset"}])
