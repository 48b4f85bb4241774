"""aiocometd with the shim, bare and inside our client, against CometD's own server."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import aiocometd
import pytest

from gms_replay.errors import BayeuxError
from gms_replay.verify import aiocometd_shim
from gms_replay.verify.comet_client import CometClient

WAIT_S = 30.0


@pytest.fixture(autouse=True)
def _quiet_loop(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def channels(server: Any) -> list[str]:
    return [channel for request in server.seen() for channel in request["channels"]]


def test_bare_client_lives_again(cometd_server: Any) -> None:
    cometd_server.start()
    aiocometd_shim.install()

    async def visit(client: aiocometd.Client, said: str) -> Any:
        async with client:
            await client.subscribe("/_genesys")
            await client.publish("/service/echo", {"said": said})
            return (await client.receive())["data"]

    async def story() -> list[Any]:
        client = aiocometd.Client(cometd_server.url, aiocometd.ConnectionType.LONG_POLLING, auth=_Manners())
        return [await visit(client, "first"), await visit(client, "second")]

    assert asyncio.run(story()) == [{"said": "first"}, {"said": "second"}]


def test_bare_client_outlives_restart(cometd_server: Any) -> None:
    cometd_server.start()
    aiocometd_shim.install()

    async def story() -> Any:
        kind = aiocometd.ConnectionType.LONG_POLLING
        async with aiocometd.Client(cometd_server.url, kind, connection_timeout=WAIT_S, auth=_Manners()) as client:
            await client.subscribe("/_genesys")
            received = asyncio.create_task(client.receive())
            await asyncio.sleep(0)
            cometd_server.stop()
            cometd_server.start()
            await cometd_server.release("after")
            return (await received)["data"]

    assert asyncio.run(story()) == "after"


class _Manners(aiocometd.AuthExtension):
    """What this server wants and bare aiocometd lacks: an IP host's cookie, and a first poll that must not be held."""

    def __init__(self) -> None:
        self._cookie = ""
        self._connects = False

    async def outgoing(self, payload: Any, headers: Any) -> None:
        headers["Cookie"] = self._cookie
        if self._connects:
            payload[0]["advice"] = {"timeout": 0}
        self._connects = payload[0]["channel"] == "/meta/handshake"

    async def incoming(self, payload: Any, headers: Any = None) -> None:
        self._cookie = headers.get("Set-Cookie", self._cookie)


def test_held_events_arrive_released(cometd_server: Any) -> None:
    cometd_server.start()

    async def story() -> list[Any]:
        async with CometClient(cometd_server.url) as client:
            await client.subscribe("/_genesys")
            await cometd_server.release({"n": 1}, {"n": 2})
            await cometd_server.release({"n": 3})
            return [await client.next_message(WAIT_S) for _ in range(3)]

    assert asyncio.run(story()) == [{"channel": "/_genesys", "data": {"n": n}} for n in (1, 2, 3)]


def test_published_text_comes_back(cometd_server: Any) -> None:
    cometd_server.start()

    async def story() -> Any:
        async with CometClient(cometd_server.url) as client:
            await client.publish("/service/echo", {"text": "Grüße, 你好"})
            return await client.next_message(WAIT_S)

    assert asyncio.run(story())["data"] == {"text": "Grüße, 你好"}


def test_iteration_ends_with_close(cometd_server: Any) -> None:
    cometd_server.start()

    async def story() -> list[Any]:
        client = CometClient(cometd_server.url)
        async with client:
            await client.publish("/service/echo", {"n": 1})
        return [[message["data"] async for message in client] for _ in range(2)]

    assert asyncio.run(story()) == [[{"n": 1}], []]


def test_headers_travel_everywhere(cometd_server: Any) -> None:
    cometd_server.start()

    async def story() -> None:
        async with CometClient(cometd_server.url, headers={"gms_user": "jane"}) as client:
            await client.subscribe("/_genesys")
            await cometd_server.release({})
            await client.next_message(WAIT_S)

    asyncio.run(story())
    users = {(request["channels"][0], request["headers"].get("gms_user")) for request in cometd_server.seen()}
    assert users == {(f"/meta/{name}", "jane") for name in ("handshake", "connect", "subscribe", "disconnect")}


def test_cookie_of_ip_returns(cometd_server: Any) -> None:
    cometd_server.start()

    async def story() -> None:
        async with CometClient(cometd_server.url) as client:
            await client.subscribe("/_genesys")

    asyncio.run(story())
    first, *later = [request["headers"].get("cookie", "") for request in cometd_server.seen()]
    assert first == ""
    assert len(set(later)) == 1
    assert later[0].startswith("BAYEUX_BROWSER=")


def test_close_says_goodbye(cometd_server: Any) -> None:
    cometd_server.start()

    async def story() -> None:
        async with CometClient(cometd_server.url) as client:
            await client.subscribe("/_genesys")

    asyncio.run(story())
    assert channels(cometd_server).count("/meta/disconnect") == 1


def test_second_visit_starts_anew(cometd_server: Any) -> None:
    cometd_server.start()

    async def visit(client: CometClient, n: int) -> Any:
        async with client:
            await client.subscribe("/_genesys")
            await cometd_server.release(n)
            return (await client.next_message(WAIT_S))["data"]

    async def story() -> list[Any]:
        client = CometClient(cometd_server.url)
        return [await visit(client, 1), await visit(client, 2)]

    assert asyncio.run(story()) == [1, 2]
    assert channels(cometd_server).count("/meta/handshake") == 2


def test_restarted_server_is_rejoined(cometd_server: Any) -> None:
    cometd_server.start()

    async def story() -> Any:
        async with CometClient(cometd_server.url, timeout_s=WAIT_S) as client:
            await client.subscribe("/_genesys")
            await cometd_server.release("before")
            await client.next_message(WAIT_S)
            cometd_server.stop()
            cometd_server.start()
            await cometd_server.release("after")
            return (await client.next_message(WAIT_S))["data"]

    assert asyncio.run(story()) == "after"
    assert "/meta/subscribe" in channels(cometd_server)


def test_advised_interval_is_milliseconds(cometd_server: Any) -> None:
    cometd_server.start(interval=WAIT_S)

    async def story() -> Any:
        async with CometClient(cometd_server.url) as client:
            await client.subscribe("/_genesys")
            async with asyncio.timeout(WAIT_S):
                await cometd_server.release("in time")
            return (await client.next_message(WAIT_S))["data"]

    assert asyncio.run(story()) == "in time"


def test_vanished_server_is_given_up(cometd_server: Any) -> None:
    cometd_server.start()

    async def story() -> set[Any]:
        async with CometClient(cometd_server.url, timeout_s=2.0) as client:
            cometd_server.stop()
            with pytest.raises(BayeuxError, match=r"no connection for 2 s"):
                await client.next_message(WAIT_S)
            return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(story()) == set()


def test_refused_poll_is_told(cometd_server: Any) -> None:
    cometd_server.start(maxSessionsPerBrowser=0, multiSessionInterval=0)

    async def story() -> None:
        async with CometClient(cometd_server.url):
            pass

    with pytest.raises(BayeuxError, match="open: refused"):
        asyncio.run(story())


def test_closing_logs_nothing(cometd_server: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    cometd_server.start()

    async def story() -> None:
        async with CometClient(cometd_server.url) as client:
            await client.subscribe("/_genesys")

    asyncio.run(story())
    assert caplog.records == []
