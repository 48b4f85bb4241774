import asyncio
import json
from pathlib import Path

import factories
import httpx
import pytest
from asgiref.testing import ApplicationCommunicator

from gms_replay.cassette.copy import write
from gms_replay.cassette.reader import hold
from gms_replay.errors import CassetteError, OptionError
from gms_replay.replay.plays import Play
from gms_replay.replay.stage import Stage, staged


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
