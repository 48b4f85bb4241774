"""Makes the golden cassette of format 1 from fixed facts.

`v1.sqlite` was written by this once and is never written again: it stands for the files that users have. `v1.jsonl`
beside it tells what it holds.
"""

import base64
from pathlib import Path

from gms_replay.cassette.writer import Writer
from gms_replay.model import Body, Direction, Outcome, Request, Response, Transport

START_US = 1_398_961_800_000_000  # 2014-05-01T16:30:00Z
DIALOG = b'{\r\n"_id_to_jump_before":"exit://",}\r\n'
# {"_id":"117"} by gzip; fixed, because libraries pack differently.
PACKED = base64.b64decode("H4sIAAAAAAACA6tWis9MUbJSMjQ0V6oFAH6bqOANAAAA")


def make(path: Path) -> None:
    """Write a new cassette of two runs that holds every kind of fact, and every way that one can end."""
    _first_run(path)
    _second_run(path)


def _first_run(path: Path) -> None:
    versions = (("gms_replay", "0.1.0"), ("mitmproxy", "11.0.2"))
    writer = Writer(
        path, started_at_us=START_US, mode="reverse:http://gms:8080", upstream="http://gms:8080", versions=versions
    )
    callback = writer.begin_exchange()
    writer.request(callback, _request(0, "POST", "/genesys/1/service/callback/test", b"_customer_number=%2B1\xff"))
    packed = Body(PACKED, b'{"_id":"117"}')
    cookies = (("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("Content-Encoding", "gzip"), ("X-Name", "M\xfcller"))
    writer.outcome(callback, Outcome(START_US + 30, _response(20, packed, cookies, ended_at_us=START_US + 30)))
    writer.outcome(callback, Outcome(START_US + 31, error="told twice"))

    dialog = writer.begin_exchange()
    writer.request(dialog, _request(40, "POST", "/genesys/1/service/117/connect-inbound", b""))
    writer.outcome(dialog, Outcome(START_US + 60, _response(50, Body(DIALOG), ended_at_us=START_US + 60)))

    poll = writer.begin_exchange()
    writer.request(poll, _request(70, "POST", "/genesys/cometd", b'[{"channel":"/meta/connect"}]'))
    connect = b'{"channel":"/meta/connect"}'
    writer.message(poll, Direction.TO_SERVER, Transport.LONG_POLLING, START_US + 70, 0, "/meta/connect", connect)
    cut_off = Outcome(START_US + 90, _response(80, Body(b'[{"chan')), "Client disconnected.")
    writer.outcome(poll, cut_off)

    dropped = writer.begin_exchange()
    writer.request(dropped, _request(100, "POST", "/genesys/cometd", b"", ended_at_us=None))
    writer.outcome(dropped, Outcome(START_US + 110, error="Client disconnected."))
    writer.push(callback, "fcm", START_US + 120, b'{"message":{"_id":"117"}}')
    writer.push(None, "apns-binary", START_US + 130, b"\x00\x00\x20")
    writer.close()


def _second_run(path: Path) -> None:
    writer = Writer(path, started_at_us=START_US + 1000, mode="regular", upstream=None, versions=())
    closed = writer.begin_exchange()
    writer.request(closed, _request(1010, "GET", "/genesys/cometd", b""))
    writer.outcome(closed, Outcome(START_US + 1020, _response(1015, Body(), status=101, ended_at_us=START_US + 1020)))
    writer.socket_opened(closed, START_US + 1021)
    event = '{"channel":"/_genesys","data":"Grüße\u2028"}'.encode()
    writer.message(closed, Direction.TO_CLIENT, Transport.WEBSOCKET, START_US + 1030, 1, "/_genesys", event)
    writer.socket_closed(closed, START_US + 1040, 1000, "bye", Direction.TO_CLIENT)
    left_open = writer.begin_exchange()
    writer.request(left_open, _request(1050, "GET", "/genesys/cometd", b""))
    writer.socket_opened(left_open, START_US + 1060)
    writer.close()


def _request(after_us: int, method: str, target: str, body: bytes, ended_at_us: int | None = START_US) -> Request:
    started_at_us = START_US + after_us
    return Request(
        method,
        "http",
        "gms.example",
        8080,
        target,
        "HTTP/1.1",
        (("Host", "gms.example:8080"), ("gms_user", "beate")),
        Body(body),
        started_at_us,
        ended_at_us and started_at_us + 5,
        "192.0.2.7:51000",
    )


def _response(
    after_us: int,
    body: Body,
    headers: tuple[tuple[str, str], ...] = (),
    status: int = 200,
    ended_at_us: int | None = None,
) -> Response:
    return Response(status, "OK", "HTTP/1.1", headers, body, START_US + after_us, ended_at_us)
