"""Clients that nobody here wrote survive a bad GMS as they would a real server's faults, and hear the whole chat."""

import asyncio
from collections.abc import Callable
from typing import Any

import comet_clients
import factories
import httpx
import pytest
from factories import CHAT_DIALOG, CHAT_PATH, Tape, frame
from faulty import rule
from serving import Served, served

from gms_replay.errors import BayeuxError
from gms_replay.verify.comet_client import CometClient

CONNECT = "/meta/connect"
LINES = ["has joined the session", "Hi.", "is typing", "How may I help?"]
CLIENTS = ("aiocometd long-polling", "cometd long-polling", "cometd websocket --ack")


def quick_chat() -> Tape:
    """The agent joins soon after the chat's dialog, and answers what the app sends."""
    tape = Tape()
    tape.ask(0, "POST", factories.CALLBACK, b"", {"_id": factories.SERVICE}, takes_s=0.01)
    dialog = factories.start_chat(factories.URL, f"{factories.URL}/cometd")
    tape.ask(0.1, "POST", CHAT_DIALOG, b"", dialog, takes_s=0.01)
    tape.open_comet(0.2)
    tape.poll(0.5, 0.5, frame(1, factories.JOINED))
    tape.ask(1.1, "POST", f"{CHAT_PATH}/send", {"message": "Hello."}, takes_s=0.01)
    tape.poll(1.05, 0.3, frame(2, factories.HELLO))
    tape.poll(1.4, 0.2, frame(3, factories.WRITES))
    tape.poll(1.65, 0.2, frame(4, factories.REPLY))
    return tape


async def heard(server: Served, opened: comet_clients.Opener) -> list[str]:
    """The lines of the chat, until all have come."""
    async with httpx.AsyncClient(headers={"gms_user": "bob"}, trust_env=False, base_url=server.origin) as http:
        await http.post(factories.CALLBACK)
        url = (await http.post(CHAT_DIALOG)).json()["_comet_url"]
        async with opened(url, "bob") as comet:
            told: list[str] = []
            while len(told) < len(LINES):
                message = await comet.next_message(20)
                told.append(message["data"]["message"]["transcriptToShow"][0][2])
                if len(told) == 1:
                    await http.post(f"{CHAT_PATH}/send", json={"message": "Hi."})
            return told


def played(name: str, program: Callable[..., str], fault: dict[str, Any]) -> list[str]:
    async def play(server: Served) -> list[str]:
        async with comet_clients.started(name, program) as opened:
            return await heard(server, opened)

    with served(quick_chat().recording(), faults=[fault]) as server:
        told = asyncio.run(play(server))
        assert server.player.missed == 0
        assert "struck nobody" not in "".join(server.player.unused)
    return told


@pytest.mark.parametrize("name", CLIENTS)
def test_forgotten_client_goes_on(name: str, program: Callable[..., str]) -> None:
    # By the third connect it has heard a line, so it has subscribed: what it asks beside the second may come later.
    assert played(name, program, rule(CONNECT, "forget", 3)) == LINES


@pytest.mark.parametrize(
    ("name", "do"),
    [
        ("aiocometd long-polling", "reset"),
        ("aiocometd long-polling", "garbage"),
        ("cometd long-polling", "reset"),
        ("cometd long-polling", "cut"),
        ("cometd long-polling --ack", "garbage"),
        ("cometd long-polling --ack", "error"),
    ],
)
def test_client_survives_a_poll_that_fails(name: str, do: str, program: Callable[..., str]) -> None:
    assert played(name, program, rule(CONNECT, do, 3)) == LINES


def test_client_survives_a_socket_that_breaks(program: Callable[..., str]) -> None:
    """Having heard something: what it has not acknowledged is told again, and nothing twice."""
    assert played("cometd websocket --ack", program, rule(CONNECT, "reset", 2, delay_ms=800)) == LINES


@pytest.mark.parametrize("advice", [{}, {"advice": "none"}])
def test_refused_handshake_opens_nothing(advice: dict[str, str]) -> None:
    async def shake(server: Served) -> None:
        async with CometClient(f"{server.base}/cometd"):
            pass

    with (
        served(quick_chat().recording(), faults=[rule("/meta/handshake", "refuse", **advice)]) as server,
        pytest.raises(BayeuxError),
    ):
        asyncio.run(shake(server))
