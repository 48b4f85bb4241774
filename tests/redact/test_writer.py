import json
from pathlib import Path

import factories
import pytest
from apns_frames import simple

from gms_replay.cassette.reader import read
from gms_replay.model import Body, Direction, Outcome, Redaction, Response, Transport
from gms_replay.redact.redactor import Redactor
from gms_replay.redact.wishes import Wish
from gms_replay.redact.writer import Writer

SECRETS = ("hunter-4711", "ann@mail.test", "+15417543010", "00fc13adff785122")
TOKEN = bytes.fromhex(factories.TOKEN)


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return tmp_path / "visit.sqlite"


def begun(cassette: Path) -> Writer:
    return Writer(
        cassette,
        Redactor(Wish(key=b"a key for tests!")),
        started_at_us=1,
        mode="reverse",
        upstream="http://gms:hunter-4711@gms.example",
        versions=(),
    )


def test_each_kind_of_fact_is_without_secrets(cassette: Path) -> None:
    writer = begun(cassette)
    body = b'{"token":"hunter-4711","email":"ann@mail.test","phone":"+15417543010"}'
    request = factories.Tape().request(0, "POST", f"/3/device/{factories.TOKEN}", body)

    number = writer.begin_exchange()
    kept = writer.request(number, request)
    outcome = Outcome(3, Response(200, "OK", "HTTP/1.1", (), Body(body), 2, 3), "no hunter-4711")
    told = writer.outcome(number, outcome)
    message = writer.message(number, Direction.TO_SERVER, Transport.WEBSOCKET, 2, 0, "/a", body)
    writer.push(number, "apns", 2, body)
    writer.socket_opened(number, 3)
    writer.socket_closed(number, 4, 1000, "bye ann@mail.test", Direction.TO_CLIENT)
    writer.exchange_over(number)
    connection = writer.begin_connection("apns", 2195, "192.0.2.7:5", 1)
    frame = writer.frame(connection, Direction.TO_SERVER, 2, simple(TOKEN, body))
    writer.connection_over(connection)
    writer.close()

    recording = read(cassette)
    assert (recording.exchanges[0].request, recording.exchanges[0].outcome) == (kept, told)
    assert (recording.messages, recording.frames) == ((message,), (frame,))
    assert recording.runs[0].redaction is Redaction.ON
    raw = cassette.read_bytes()
    assert not [secret for secret in (*SECRETS, factories.TOKEN) if secret.encode() in raw]
    assert TOKEN not in raw
    assert recording.messages[0].raw == recording.pushes[0].payload == kept.body.wire


@pytest.mark.parametrize(
    "channel", ["/service/users/hunter-4711", "/chat/ann@mail.test", "/chat/%2B15417543010", "/meta/connect", ""]
)
def test_channel_of_a_message_is_that_in_it(cassette: Path, channel: str) -> None:
    writer = begun(cassette)
    number = writer.begin_exchange()
    writer.request(number, factories.Tape().request(0, "POST", "/a", b'{"token":"hunter-4711"}'))
    raw = json.dumps({"channel": channel, "subscription": [channel]}).encode()
    message = writer.message(number, Direction.TO_SERVER, Transport.WEBSOCKET, 2, 0, channel, raw)
    writer.close()

    assert json.loads(message.raw) == {"channel": message.channel, "subscription": [message.channel]}
    assert not [secret for secret in (*SECRETS, "15417543010") if secret.encode() in cassette.read_bytes()]


def test_secrets_are_nowhere_on_disk_while_it_records(cassette: Path) -> None:
    writer = begun(cassette)
    number = writer.begin_exchange()
    writer.request(number, factories.Tape().request(0, "POST", "/a", b'{"token":"hunter-4711"}'))
    writer.drain()

    on_disk = b"".join(file.read_bytes() for file in cassette.parent.iterdir())
    writer.close()

    assert b"token" in on_disk
    assert b"hunter-4711" not in on_disk
