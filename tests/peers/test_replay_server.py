"""aiocometd, a client that nobody here wrote, against our server: a recorded chat, over either transport."""

import asyncio
import json
from itertools import product

import factories
import httpx
import pytest
from factories import CHAT_DIALOG, CHAT_PATH, Tape, frame, over_socket
from serving import Served, served

from gms_replay.model import Recording, Transport
from gms_replay.verify.comet_client import CometClient


def quick_chat() -> Tape:
    """The agent joins soon after the chat's dialog, and answers what the app sends."""
    tape = Tape()
    tape.ask(0, "POST", factories.CALLBACK, b"", {"_id": factories.SERVICE}, takes_s=0.01)
    tape.ask(
        0.1, "POST", CHAT_DIALOG, b"", factories.start_chat(factories.URL, f"{factories.URL}/cometd"), takes_s=0.01
    )
    tape.open_comet(0.2)
    tape.poll(0.5, 0.1, frame(1, factories.JOINED))
    tape.ask(0.7, "POST", f"{CHAT_PATH}/send", {"message": "Hello."}, takes_s=0.01)
    tape.poll(0.6, 0.2, frame(2, factories.HELLO), frame(3, factories.WRITES))
    tape.poll(0.8, 0.3, frame(4, factories.REPLY))
    return tape


def lines(messages: list[dict[str, object]]) -> list[str]:
    told = [json.loads(json.dumps(message))["data"]["message"] for message in messages]
    return [message["transcriptToShow"][0][2] for message in told]


async def begin(http: httpx.AsyncClient, server: Served) -> str:
    """Starts the visit; gives the Comet URL that the app is told."""
    await http.post(server.origin + factories.CALLBACK)
    return str((await http.post(server.origin + CHAT_DIALOG)).json()["_comet_url"])


RECORDED = pytest.mark.parametrize(
    "recording", [quick_chat().recording(), over_socket(quick_chat().recording())], ids=["polled", "over-socket"]
)
TRANSPORTS = pytest.mark.parametrize("transport", [Transport.LONG_POLLING, Transport.WEBSOCKET])


@RECORDED
@TRANSPORTS
def test_whole_chat_arrives_in_order(recording: Recording, transport: Transport) -> None:
    async def chat(server: Served) -> list[dict[str, object]]:
        async with httpx.AsyncClient(headers={"gms_user": "bob"}, trust_env=False) as http:
            url = await begin(http, server)
            async with CometClient(url, headers={"gms_user": "bob"}, transports=[transport]) as comet:
                await comet.subscribe("/_genesys")
                told = [await comet.next_message(20)]
                await http.post(f"{server.origin}{CHAT_PATH}/send", json={"message": "Hi."})
                return told + [await comet.next_message(20) for _ in range(3)]

    with served(recording) as server:
        messages = asyncio.run(chat(server))

    assert lines(messages) == ["has joined the session", "Hi.", "is typing", "How may I help?"]
    assert [message["channel"] for message in messages] == ["/_genesys"] * 4


@pytest.mark.parametrize("transports", list(product((Transport.LONG_POLLING, Transport.WEBSOCKET), repeat=2)), ids=str)
def test_late_subscriber_misses_nothing(transports: tuple[Transport, Transport]) -> None:
    """Nor does one that comes back over another transport."""
    before, after = transports

    async def chat(server: Served) -> list[dict[str, object]]:
        async with httpx.AsyncClient(headers={"gms_user": "bob"}, trust_env=False) as http:
            url = await begin(http, server)
            await http.post(f"{server.origin}{CHAT_PATH}/send", json={"message": "Hi."})
            async with CometClient(url, headers={"gms_user": "bob"}, transports=[before]) as first:
                await first.subscribe("/_genesys")
                told = [await first.next_message(20)]
            async with CometClient(url, headers={"gms_user": "bob"}, transports=[after]) as second:
                await second.subscribe("/_genesys")
                return told + [await second.next_message(20) for _ in range(3)]

    with served(quick_chat().recording()) as server:
        messages = asyncio.run(chat(server))

    assert lines(messages) == ["has joined the session", "Hi.", "is typing", "How may I help?"]


@TRANSPORTS
def test_two_apps_hear_their_own(transport: Transport) -> None:
    async def chat(server: Served, user: str) -> tuple[str, list[dict[str, object]]]:
        async with httpx.AsyncClient(headers={"gms_user": user}, trust_env=False) as http:
            answer = await http.post(server.origin + factories.CALLBACK)
            service = answer.json()["_id"]
            path = CHAT_DIALOG.replace(factories.SERVICE, service)
            dialog = (await http.post(server.origin + path)).json()
            async with CometClient(dialog["_comet_url"], headers={"gms_user": user}, transports=[transport]) as comet:
                await comet.subscribe("/_genesys")
                told = [await comet.next_message(20)]
                await http.post(f"{dialog['_start_chat_url']}/send", json={"message": f"Hi from {user}"})
                return service, told + [await comet.next_message(20) for _ in range(3)]

    async def both(server: Served) -> list[tuple[str, list[dict[str, object]]]]:
        return await asyncio.gather(chat(server, "bob"), chat(server, "carol"))

    with served(quick_chat().recording()) as server:
        [(one, told), (other, told_too)] = asyncio.run(both(server))

    assert one != other
    for user, heard in (("bob", told), ("carol", told_too)):
        assert lines(heard) == ["has joined the session", f"Hi from {user}", "is typing", "How may I help?"]
    assert one in json.dumps(told)
    assert one not in json.dumps(told_too)
