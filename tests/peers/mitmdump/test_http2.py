import asyncio
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import httpx
import pytest

from gms_replay.model import Body, header


class Apns(asyncio.Protocol):
    """Takes each push over HTTP/2, and answers with an empty 200, as Apple does."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self._http.initiate_connection()
        self._transport.write(self._http.data_to_send())

    def data_received(self, data: bytes) -> None:
        for event in self._http.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                answer = ((":status", "200"), ("apns-id", "1"))
                self._http.send_headers(event.stream_id, answer, end_stream=True)
        self._transport.write(self._http.data_to_send())


@pytest.fixture(scope="module")
def apns(confdir: Path) -> Iterator[int]:
    """The port of a server whose certificate is mitmproxy's own: the recorder is told not to mind."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(confdir / "mitmproxy-ca.pem")
    context.set_alpn_protocols(["h2"])
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(Apns, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.close()


def test_push_over_http2_names_its_server(start, apns):
    mitmdump = start("--mode", "regular@0", "--set", "ssl_insecure=true").ready()
    proxy = f"http://127.0.0.1:{mitmdump.ports[0]}"
    path = "/3/device/two"

    with httpx.Client(http2=True, verify=False, trust_env=False, proxy=proxy) as client:
        answer = client.post(f"https://localhost:{apns}{path}", content=b"{}", headers={"apns-topic": "t"})

    exchange = mitmdump.exchange(path)
    request = exchange.request
    assert (answer.http_version, request.http_version, request.scheme) == ("HTTP/2", "HTTP/2.0", "https")
    assert request.headers[0] == ("host", f"localhost:{apns}")
    assert header(request.headers, "apns-topic") == "t"
    assert (exchange.response.status, exchange.response.body) == (200, Body())
    (push,) = mitmdump.recorded(lambda recording: recording.pushes)
    assert (push.exchange_id, push.provider, push.payload) == (exchange.id, "apns", b"{}")
