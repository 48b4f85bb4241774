import asyncio
import json
from pathlib import Path

import factories
import httpx
import pytest
from asgiref.testing import ApplicationCommunicator

from gms_replay.cassette.copy import write
from gms_replay.cassette.opening import connect, enter_wal_mode
from gms_replay.cassette.reader import hold
from gms_replay.errors import CassetteError, GmsReplayError, OptionError, StoryError
from gms_replay.model import Recording
from gms_replay.replay.plays import Play
from gms_replay.replay.stage import Stage, staged

COMET = "/genesys/cometd"


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    write(tmp_path / "visit.sqlite", factories.visit())
    return tmp_path / "visit.sqlite"


def test_app_is_any_asgi_clients(cassette: Path) -> None:
    async def start() -> httpx.Response:
        async with (
            staged(cassette, clock="virtual") as stage,
            httpx.AsyncClient(transport=httpx.ASGITransport(stage.app), base_url="http://gms.test") as app,
        ):
            return await app.post(factories.CALLBACK, json=factories.ORDER)

    assert asyncio.run(start()).json()["_id"] == factories.SERVICE


def test_facts_may_be_held_already(cassette: Path) -> None:
    notes: list[str] = []
    with hold(cassette) as facts, Stage(Play(cassette), facts, note=notes.append) as stage:
        assert [story.number for story in stage.stories] == [1]


def test_what_is_opened_is_closed_where_the_rest_fails(cassette: Path, tmp_path: Path) -> None:
    new = tmp_path / "no folder" / "new.sqlite"
    with pytest.raises(CassetteError, match="no folder"):
        staged(cassette, record_new=new)
    with pytest.raises(OptionError, match="--on-miss"):
        staged(cassette, on_miss="guess")


@pytest.mark.parametrize("session", ["alice:7", 2])
def test_visit_that_is_not_there_is_refused(cassette: Path, session: str | int) -> None:
    with pytest.raises(OptionError, match=r"^session: there is no visit [72]; \S+visit\.sqlite holds 1$"):
        staged(cassette, session=session)


def test_rules_for_a_visit_that_is_not_there_are_refused(cassette: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[sessions]\nbob = 1\nalice = 9\n")

    with pytest.raises(OptionError, match=r"^rules: sessions\.alice: there is no visit 9; \S+visit\.sqlite holds 1$"):
        staged(cassette, rules=tmp_path / "rules.toml")


def test_cassette_without_a_visit_is_named(tmp_path: Path) -> None:
    write(tmp_path / "rest.sqlite", Recording())

    with pytest.raises(StoryError, match=r"^\S+rest\.sqlite: no app's visit to a GMS is in it; record one$"):
        staged(tmp_path / "rest.sqlite")


def test_cassette_that_has_lost_its_wal_is_told_so(tmp_path: Path) -> None:
    write(tmp_path / "killed.sqlite", Recording())
    with connect(tmp_path / "killed.sqlite", "rw") as connection:
        enter_wal_mode(connection)

    with pytest.raises(StoryError, match=r"is in it; put the file that ends in -wal back beside it$"):
        staged(tmp_path / "killed.sqlite")


def test_cassette_that_is_played_is_not_recorded_into(cassette: Path, tmp_path: Path) -> None:
    (tmp_path / "new.sqlite").symlink_to(cassette)

    with pytest.raises(OptionError, match=r"^--record-new \S+new\.sqlite: that is the cassette that is played"):
        staged(cassette, record_new=tmp_path / "new.sqlite")


def test_app_speaks_websocket_to_any_asgi_client(cassette: Path) -> None:
    shake = [{"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["websocket"]}]
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": "/genesys/cometd",
        "query_string": b"",
        "headers": [(b"host", b"gms.test")],
    }

    async def converse() -> list[dict[str, object]]:
        async with staged(cassette, clock="virtual") as stage:
            socket = ApplicationCommunicator(stage.app, scope)
            await socket.send_input({"type": "websocket.connect"})
            accepted = await socket.receive_output()
            await socket.send_input({"type": "websocket.receive", "text": json.dumps(shake)})
            told = await socket.receive_output()
            await socket.send_input({"type": "websocket.disconnect", "code": 1000})
            await socket.wait()
            return [accepted, *json.loads(told["text"])]

    accepted, reply = asyncio.run(converse())
    assert accepted["type"] == "websocket.accept"
    assert reply["successful"]


def listening(tape: factories.Tape) -> factories.Tape:
    """What an app does until it listens, and a message a moment later."""
    tape.ask(0, "POST", factories.CALLBACK, b"", {"_id": factories.SERVICE})
    tape.ask(0.1, "POST", factories.CHAT_DIALOG, b"", factories.start_chat(factories.URL, f"{factories.URL}/cometd"))
    tape.open_comet(0.2)
    tape.poll(0.5, 0.4, factories.frame(1, factories.JOINED))
    return tape


def asking(stage: Stage) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(stage.app), base_url="http://gms.test")


async def subscribe(stage: Stage) -> dict[str, object]:
    """The poll of an app that listens."""
    async with asking(stage) as app:
        await app.post(factories.CALLBACK)
        await app.post(factories.CHAT_DIALOG)
        [shaken] = (await app.post(COMET, json=[{"channel": "/meta/handshake", "version": "1.0"}])).json()
        poll = {"channel": "/meta/connect", "clientId": shaken["clientId"], "connectionType": "long-polling"}
        await app.post(COMET, json=[poll, poll | {"channel": "/meta/subscribe", "subscription": "/_genesys"}])
    return poll


async def channels(stage: Stage, poll: dict[str, object]) -> list[str]:
    async with asking(stage) as app:
        return [message["channel"] for message in (await app.post(COMET, json=[poll])).json()]


@pytest.mark.parametrize("is_closed", [True, False])
def test_another_loop_takes_over(tmp_path: Path, is_closed: bool) -> None:
    write(tmp_path / "visit.sqlite", listening(factories.Tape()).recording())
    with asyncio.Runner() as first, staged(tmp_path / "visit.sqlite") as stage:
        poll = first.run(subscribe(stage))
        if is_closed:
            first.close()

        assert asyncio.run(channels(stage, poll)) == ["/_genesys", "/meta/connect"]


def test_two_loops_at_once_are_refused(cassette: Path) -> None:
    async def start(stage: Stage) -> int:
        async with asking(stage) as app:
            return (await app.post(factories.CALLBACK, json=factories.ORDER)).status_code

    async def start_twice() -> int:
        async with staged(cassette) as stage:
            status = await start(stage)
            with pytest.raises(GmsReplayError, match=r"in two event loops at once; .* ReplayTransport"):
                await asyncio.to_thread(asyncio.run, start(stage))
            return status

    assert asyncio.run(start_twice()) == 200


def test_poll_that_was_cancelled_loses_nothing(tmp_path: Path) -> None:
    write(tmp_path / "visit.sqlite", listening(factories.Tape()).recording())

    async def listen_again() -> list[str]:
        async with staged(tmp_path / "visit.sqlite") as stage:
            poll = await subscribe(stage)
            held = asyncio.create_task(channels(stage, poll))
            while not stage.player.sessions[0].comet.is_polled:
                await asyncio.sleep(0)
            held.cancel()
            with pytest.raises(asyncio.CancelledError):
                await held
            async with asking(stage) as tester:
                url = "http://localhost/__gms_replay__/clock"
                (await tester.post(url, json={"advance_ms": 5000})).raise_for_status()
            return await channels(stage, poll)

    assert asyncio.run(listen_again()) == ["/_genesys", "/meta/connect"]
