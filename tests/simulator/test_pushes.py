import asyncio
import json
import logging
import socket
from random import Random

import pytest

from gms_replay.simulator.clock import Pace
from gms_replay.simulator.pushes import Pushes
from gms_replay.simulator.services import Service
from gms_replay.simulator.tasks import Tasks

ACTION = "get-dialog-start-chat"


def push(fields, wanted=lambda: True):
    """Send one push, and return when all is over."""

    async def whole():
        tasks = Tasks()
        pushes = Pushes(tasks, lambda service: Pace(quick=True, random=Random(1)))
        pushes.send(Service("3S", "samples", 1, fields, 0), ACTION, wanted)
        running = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*running)
        return len(running)

    return asyncio.run(whole())


def posts(device):
    return [device.posts.get_nowait() for _ in range(device.posts.qsize())]


def to(url):
    return {"_device_os": "httpcb", "_device_notification_id": url}


def test_message_is_a_plain_string(device, caplog):
    push(device.fields)
    ((path, content_type, body),) = posts(device)
    assert (path, content_type) == ("/notices?app=1", "text/plain;charset=UTF-8")
    assert list(json.loads(body).items()) == [("_id", "3S"), ("_action", ACTION)]
    assert "not delivered" not in caplog.text


@pytest.mark.parametrize(("statuses", "tries"), [((200,), 1), ((201, 200), 2), ((302, 500, 200), 3), ((404,), 4)])
def test_only_200_is_delivered(device_of, statuses, tries):
    device = device_of(*statuses)
    push(device.fields)
    assert [path for path, _, _ in posts(device)] == ["/notices?app=1"] * tries


def test_giving_up_is_logged(device_of, caplog):
    device = device_of(503)
    push(device.fields)
    told = [record for record in caplog.records if record.name.startswith("gms_replay")]
    assert [(record.levelno, record.getMessage()) for record in told] == [
        (logging.WARNING, f"a push to {device.url} was not delivered: answered with 503")
    ]


def test_unwanted_news_is_not_repeated(device_of, caplog):
    device = device_of(503)
    push(device.fields, wanted=lambda: False)
    assert (len(posts(device)), "not delivered" in caplog.text) == (1, False)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_unheard_push_harms_nobody(caplog):
    push(to(f"http://127.0.0.1:{closed_port()}/"))
    assert "was not delivered" in caplog.text


# Neither is ever looked up: a label has 63 characters at most, and one at least (RFC 1035, section 2.3.4).
@pytest.mark.parametrize("host", ["x" * 64 + ".invalid", "a..b"])
def test_impossible_hosts_harm_nobody(host, caplog):
    push(to(f"http://{host}/"))
    assert "was not delivered" in caplog.text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"_device_os": "httpcb"},
        to("123abc"),
        to("ftp://127.0.0.1/"),
        to("http://"),
        to("http://127.0.0.1:99999/"),
        to("http://a\nb/"),
        {"_device_os": "ios", "_device_notification_id": "http://127.0.0.1/"},
    ],
)
def test_other_devices_are_not_pushed(fields, caplog):
    assert (push(fields), caplog.text) == (0, "")


def test_proxies_are_not_asked(device, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    push(device.fields)
    assert len(posts(device)) == 1
