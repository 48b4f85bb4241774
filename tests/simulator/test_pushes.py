import asyncio
import json
import logging
import socket

import pytest
from push_providers import NONE, UNREGISTERED, Answer

from gms_replay.simulator.chance import Chance
from gms_replay.simulator.clock import wall_us
from gms_replay.simulator.pushes import Pushes
from gms_replay.simulator.services import Service
from gms_replay.simulator.settings import PushSettings
from gms_replay.simulator.tasks import Tasks

ACTION = "get-dialog-start-chat"


def push(fields, wanted=lambda: True, settings=None):
    """Send one push, and return when all is over."""

    async def whole():
        tasks = Tasks()
        pushes = Pushes(settings or PushSettings(), tasks, Chance(4, quick=True), wall_us)
        pushes.send(Service("3S", "samples", 1, fields, 0), ACTION, wanted)
        running = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*running)
        await pushes.close()
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


def test_cookies_are_not_kept(device_of):
    device = device_of(503, 200)
    push(device.fields)
    assert (len(posts(device)), device.cookies) == (2, [])


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


def test_who_has_no_device_is_not_pushed(caplog):
    assert (push({}), caplog.text) == (0, "")


def ios(token):
    return {"_device_os": "ios", "_device_notification_id": token}


@pytest.mark.parametrize("statuses", [(200,), (410,), (400,), (429, 200), (503, 500, 200)])
def test_providers_are_asked_until_they_decide(providers, statuses):
    providers.answers("00aa", *map(Answer, statuses))
    push(ios("00aa"), settings=PushSettings(apns=providers.url, ca=providers.ca))
    came = [providers.came.get_nowait() for _ in range(providers.came.qsize())]
    assert [one.device for one in came] == ["00aa"] * len(statuses)
    # A push that is tried again is the same push.
    assert len({one.headers["apns-id"] for one in came}) == 1


def test_endless_token_harms_nobody(providers, caplog):
    push(ios("a" * 66_000), settings=PushSettings(apns=providers.url, ca=providers.ca))
    assert "a push to the ios device 'aaaaaaaaaaaaaaaa…' was not delivered: InvalidURL" in caplog.text


def test_refusal_is_logged(providers, caplog):
    providers.answers("00aa", UNREGISTERED)
    push(ios("00aa"), settings=PushSettings(apns=providers.url, ca=providers.ca))
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "a push to the ios device '00aa' was not delivered: "
        'answered with 410: {"reason":"Unregistered","timestamp":1399048050000}'
    ]


def test_app_is_woken_by_its_provider(providers, app_of):
    app = app_of(pushes=PushSettings(apns=providers.url, fcm=providers.url, ca=providers.ca))
    by_device = {
        device: app.start(_wait_for_agent="true", _media_type="chat", _device_os=kind, _device_notification_id=device)
        for kind, device in (("ios", "00aa"), ("fcm", "d1"))
    }
    for _ in by_device:
        came = providers.next()
        said = json.loads(came.body)["message"]
        told = said if came.device == "00aa" else json.loads(said["data"]["message"])
        assert told == {"_id": by_device[came.device], "_action": ACTION}
        assert app.take(told["_id"], told["_action"]).json()["_action"] == "StartChat"


def test_gms_answers_while_a_provider_hangs(providers, app_of):
    providers.answers("00aa", NONE)
    app = app_of(pushes=PushSettings(apns=providers.url, ca=providers.ca))
    service_id = app.start(_wait_for_agent="true", **ios("00aa"))
    providers.next()
    assert app.place(service_id)["_position"] == "0"
    assert app.start() != service_id


def test_proxies_are_not_asked(device, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    push(device.fields)
    assert len(posts(device)) == 1
