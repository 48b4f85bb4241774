"""The client against servers that misbehave, each played by a function from message to answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiocometd import ConnectionType, Extension
from aiocometd.transports import create_transport
from aiohttp import WSMsgType, web
from push_providers import certificate

from gms_replay.errors import BayeuxError, OptionError
from gms_replay.model import Transport
from gms_replay.verify import aiocometd_shim
from gms_replay.verify.comet_client import CometClient

WAIT_S = 30.0

Script = Callable[[dict[str, Any]], dict[str, Any] | None]


def well_behaved(message: dict[str, Any]) -> dict[str, Any] | None:
    """What a server answers; None where it holds the poll."""
    reply = {"channel": message["channel"], "id": message["id"], "successful": True}
    match message["channel"]:
        case "/meta/handshake":
            return reply | {"clientId": "c1", "supportedConnectionTypes": ["websocket", "long-polling"]}
        case "/meta/connect":
            return reply if "advice" in message else None
        case "/meta/subscribe" | "/meta/unsubscribe":
            return reply | {"subscription": message["subscription"]}
    return reply


@asynccontextmanager
async def serving(handler: Any, pem: Path | None = None) -> AsyncIterator[str]:
    """The URL of a server; it speaks TLS where it gets a key and a certificate."""
    tls = None
    if pem:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(pem)
    app = web.Application()
    app.router.add_route("*", "/cometd", handler)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=WAIT_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield "{}://127.0.0.1:{}/cometd".format("https" if tls else "http", runner.addresses[0][1])
    finally:
        await runner.cleanup()


def playing(script: Script) -> Any:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return await talk(request)
        return web.json_response([await reply(message) for message in await request.json()])

    async def talk(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            assert frame.type is WSMsgType.TEXT
            for message in frame.json():
                if (answer := script(message)) is not None:
                    event = {"channel": "/_genesys", "data": {"after": message["channel"]}}
                    await socket.send_json([event, answer])
        return socket

    async def reply(message: dict[str, Any]) -> dict[str, Any]:
        answer = script(message)
        if answer is None:
            await asyncio.Event().wait()
        return answer or {}

    return handle


def saying(body: bytes) -> Any:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    return handle


def visit(handler: Any, *, timeout_s: float = WAIT_S, wait_s: float = WAIT_S) -> Any:
    """Opens, subscribes and waits for a message."""

    async def story() -> Any:
        async with serving(handler) as url, CometClient(url, timeout_s=timeout_s) as client:
            await client.subscribe("/_genesys")
            return await client.next_message(wait_s)

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"<html>", "open: not JSON"),
        (b'{"exception": "x", "message": "y"}', "open: a message without a channel"),
        (b'["x"]', "open: a message is a JSON object"),
        (b"[]", "open: an answer without messages"),
        (b"", "open: an answer without messages"),
        (b'"\xff"', "open: 'utf-8' codec can't decode byte 0xff"),
        (b'[{"channel": "/meta/handshake", "id": "1"}]', "open: No response message received"),
    ],
)
def test_broken_answers_are_told(body: bytes, complaint: str) -> None:
    with pytest.raises(BayeuxError, match=complaint):
        visit(saying(body))


def test_answer_lacking_field_is_told() -> None:
    def forgetful(message: dict[str, Any]) -> dict[str, Any] | None:
        reply = well_behaved(message)
        return reply and {name: value for name, value in reply.items() if name != "subscription"}

    with pytest.raises(BayeuxError, match="subscribe to /_genesys: the answer lacks the field 'subscription'"):
        visit(playing(forgetful))


def test_refusal_gives_its_reason() -> None:
    def strict(message: dict[str, Any]) -> dict[str, Any] | None:
        if message["channel"] != "/meta/subscribe":
            return well_behaved(message)
        return {"channel": message["channel"], "id": message["id"], "successful": False, "error": "403::no"}

    with pytest.raises(BayeuxError, match="subscribe to /_genesys: refused: 403::no"):
        visit(playing(strict))


def test_silent_server_is_given_up() -> None:
    with pytest.raises(BayeuxError, match=r"open: no answer within 0\.2 s"):
        visit(playing(lambda message: None), timeout_s=0.2)


def test_closed_port_is_told() -> None:
    async def story() -> None:
        async with serving(saying(b"")) as url:
            pass
        async with CometClient(url):
            pass

    with pytest.raises(BayeuxError, match="open: Cannot connect to host"):
        asyncio.run(story())


def test_failed_first_poll_leaves_nothing() -> None:
    async def handle(request: web.Request) -> web.Response:
        (message,) = await request.json()
        if message["channel"] == "/meta/handshake":
            return web.json_response([well_behaved(message)])
        return web.Response(status=503)

    async def story() -> set[Any]:
        async with serving(handle) as url:
            with pytest.raises(BayeuxError, match="open: 503"):
                await CometClient(url).__aenter__()
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(story()) == set()


def test_poll_answered_as_its_client_leaves_is_the_last() -> None:
    answered = asyncio.Event()

    class Telling(Extension):
        """Wakes who waits in the step in which the poll ends: before aiocometd looks at how it ended."""

        async def outgoing(self, payload: list[dict[str, Any]], headers: dict[str, str]) -> None:
            pass

        async def incoming(self, payload: list[dict[str, Any]], headers: dict[str, str] | None = None) -> None:
            if payload[0]["channel"] == "/meta/connect":
                answered.set()

    def busy(message: dict[str, Any]) -> dict[str, Any] | None:
        return well_behaved(message | {"advice": {}})

    async def story() -> set[Any]:
        aiocometd_shim.install()
        kind = ConnectionType.LONG_POLLING
        async with serving(playing(busy)) as url:
            wire = create_transport(kind, url=url, incoming_queue=asyncio.Queue(), extensions=[Telling()])
            await wire.handshake([kind])
            await wire.connect()
            answered.clear()
            await answered.wait()
            await wire.disconnect()
            await wire.close()
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(story()) == set()


def test_quiet_channel_is_told() -> None:
    with pytest.raises(BayeuxError, match="no message within 0 s"):
        visit(playing(well_behaved), wait_s=0)


def test_ended_session_is_told() -> None:
    def ending(message: dict[str, Any]) -> dict[str, Any] | None:
        return well_behaved(message) or {
            "channel": "/meta/connect",
            "id": message["id"],
            "successful": False,
            "advice": {"reconnect": "none"},
        }

    with pytest.raises(BayeuxError, match="the server ended the session"):
        visit(playing(ending))


def test_poll_after_failure_asks_at_once() -> None:
    advices: list[Any] = []

    def counting(message: dict[str, Any]) -> dict[str, Any] | None:
        if message["channel"] != "/meta/connect":
            return well_behaved(message)
        advices.append(message.get("advice"))
        if len(advices) < 3:
            return well_behaved(message | {"advice": {}})
        # Without a reply the poll has failed.
        return {"channel": "/_genesys", "data": {"poll": len(advices)}}

    async def story() -> list[Any]:
        async with serving(playing(counting)) as url, CometClient(url) as client:
            return [(await client.next_message(WAIT_S))["data"]["poll"] for _ in range(2)]

    assert asyncio.run(story()) == [3, 4]
    assert advices == [{"timeout": 0}, None, None, {"timeout": 0}]


def test_closed_client_says_so() -> None:
    client = CometClient("http://127.0.0.1:9/cometd")
    for call in (client.subscribe("/_genesys"), client.publish("/x", {}), client.next_message()):
        with pytest.raises(BayeuxError, match="the Comet client is closed"):
            asyncio.run(call)


def test_websocket_carries_a_session(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> list[Any]:
        transports = (Transport.WEBSOCKET, Transport.LONG_POLLING)
        async with serving(playing(well_behaved)) as url, CometClient(url, transports=transports) as client:
            await client.subscribe("/_genesys")
            await client.publish("/service/x", {})
            return [(await client.next_message(WAIT_S))["data"]["after"] for _ in range(3)]

    assert asyncio.run(story()) == ["/meta/connect", "/meta/subscribe", "/service/x"]
    assert caplog.messages == []


def test_websocket_hung_up_is_told() -> None:
    def rude(message: dict[str, Any]) -> dict[str, Any] | None:
        if message["channel"] == "/meta/subscribe":
            raise ConnectionAbortedError
        return well_behaved(message)

    async def story() -> None:
        transports = (Transport.WEBSOCKET,)
        async with serving(playing(rude)) as url, CometClient(url, transports=transports) as client:
            await client.subscribe("/_genesys")

    with pytest.raises(BayeuxError, match="subscribe to /_genesys: "):
        asyncio.run(story())


BOTH = pytest.mark.parametrize("transport", [Transport.LONG_POLLING, Transport.WEBSOCKET])


@BOTH
def test_all_goes_through_a_proxy(transport: Transport) -> None:
    asked: list[str] = []
    answer = playing(well_behaved)

    async def proxy(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.method} {request.raw_path}")
        response: web.StreamResponse = await answer(request)
        return response

    async def story() -> None:
        async with serving(proxy) as url:
            origin = url.removesuffix("/cometd")
            # Nobody has that name: what did not go through the proxy would fail.
            away = CometClient("http://gms.invalid/cometd", transports=(transport,), proxy=origin)
            async with away as client:
                await client.subscribe("/_genesys")

    asyncio.run(story())
    assert asked[0] == "POST http://gms.invalid/cometd"
    assert {one.split()[1] for one in asked} == {"http://gms.invalid/cometd"}
    assert ("GET http://gms.invalid/cometd" in asked) is (transport is Transport.WEBSOCKET)


@BOTH
def test_who_signed_the_certificate_is_trusted(transport: Transport, tmp_path: Path) -> None:
    ca = certificate(tmp_path)

    async def story(trusted: Path | None) -> None:
        async with (
            serving(playing(well_behaved), ca) as url,
            CometClient(url, transports=(transport,), ca_file=trusted) as client,
        ):
            await client.subscribe("/_genesys")

    asyncio.run(story(ca))
    with pytest.raises(BayeuxError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(story(None))


@BOTH
def test_what_is_said_beside_goes_with_its_channel(transport: Transport) -> None:
    exts: dict[str, list[Any]] = {}

    def listening(message: dict[str, Any]) -> dict[str, Any] | None:
        exts.setdefault(message["channel"], []).append(message.get("ext"))
        return well_behaved(message)

    async def story() -> None:
        async with serving(playing(listening)) as url:
            client = CometClient(url, transports=(transport,))
            client.says["/meta/handshake"] = {"ext": {"token": "h"}}
            async with client:
                client.says["/service/x"] = {"ext": {"token": "p"}}
                await client.publish("/service/x", {})
                await client.subscribe("/_genesys")
                await client.unsubscribe("/_genesys")
                client.says["/meta/disconnect"] = {"ext": {"transcriptPosition": "4"}}

    asyncio.run(story())
    assert exts["/meta/handshake"] == [{"token": "h"}]
    assert exts["/service/x"] == [{"token": "p"}]
    assert exts["/meta/unsubscribe"] == [None]
    assert exts["/meta/disconnect"] == [{"transcriptPosition": "4"}]
    assert set(exts["/meta/connect"]) == {None}


@BOTH
def test_what_came_is_acknowledged_where_both_want_it(transport: Transport) -> None:
    connects: list[Any] = []
    thrice = asyncio.Event()

    def numbering(message: dict[str, Any]) -> dict[str, Any] | None:
        if message["channel"] == "/meta/handshake":
            return (well_behaved(message) or {}) | {"ext": {"ack": True}}
        if message["channel"] != "/meta/connect" or len(connects) == 3:
            return well_behaved(message)
        connects.append(message.get("ext"))
        if len(connects) == 3:
            thrice.set()
        return {"channel": "/meta/connect", "id": message["id"], "successful": True, "ext": {"ack": 10 + len(connects)}}

    async def story() -> None:
        async with serving(playing(numbering)) as url, CometClient(url, transports=(transport,)) as client:
            await client.subscribe("/_genesys")
            await asyncio.wait_for(thrice.wait(), WAIT_S)

    asyncio.run(story())
    assert connects == [{"ack": -1}, {"ack": 11}, {"ack": 12}]


def test_a_jar_is_shared() -> None:
    said: list[str | None] = []
    answer = playing(well_behaved)

    async def handle(request: web.Request) -> web.StreamResponse:
        said.append(request.headers.get("cookie"))
        response: web.StreamResponse = await answer(request)
        response.set_cookie("node", "b2", path="/cometd")
        return response

    async def story() -> httpx.Cookies:
        async with serving(handle) as url:
            jar = httpx.Cookies()
            jar.set("rest", "a1", domain="127.0.0.1")
            async with CometClient(url, headers={"Cookie": "lang=en; node=old"}, jar=jar):
                pass
        return jar

    jar = asyncio.run(story())
    assert said[0] == "lang=en; node=old; rest=a1"
    assert {*str(said[1]).split("; ")} == {"lang=en", "rest=a1", "node=b2"}
    assert jar["node"] == "b2"


def test_unoffered_transport_is_told() -> None:
    def polling_only(message: dict[str, Any]) -> dict[str, Any] | None:
        reply = well_behaved(message)
        return reply and reply | {"supportedConnectionTypes": ["callback-polling"]}

    with pytest.raises(BayeuxError, match=r"none of the wanted connection types, but \['callback-polling'\]"):
        visit(playing(polling_only))


def test_unknown_transport_is_refused() -> None:
    with pytest.raises(OptionError, match="speaks long-polling and websocket"):
        CometClient("http://127.0.0.1:9/cometd", transports=(Transport.CALLBACK_POLLING,))
