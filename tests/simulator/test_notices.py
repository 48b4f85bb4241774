import json
import re
from dataclasses import replace

import pytest
from simulating import StandingClock

from gms_replay.simulator.chance import Chance
from gms_replay.simulator.notices import Notices
from gms_replay.simulator.services import Service
from gms_replay.simulator.settings import PushSettings

ACTION = "get-dialog-start-chat"
NOW_S = 1_399_048_050
EVERYWHERE = PushSettings(
    apns="https://apple.example", fcm="https://google.example/", customhttp="https://notices.example/new"
)


def notices(settings=EVERYWHERE, seed=4, now_s=NOW_S):
    return Notices(settings, Chance(seed, quick=True), StandingClock(now_s * 1_000_000))


def service(kind, device, **other):
    return Service("3S", "samples", 1, {"_device_os": kind, "_device_notification_id": device}, 0, **other)


def written(kind, device, *, to=None):
    return (to or notices()).write(service(kind, device), ACTION)


def test_apns_by_path_and_headers():
    notice = written("iOS", "00aa11bb")
    told = dict(notice.headers)
    assert notice.url == "https://apple.example/3/device/00aa11bb"
    assert re.fullmatch(r"bearer [\w-]+\.[\w-]+\.[\w-]+", told.pop("authorization"))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", told.pop("apns-id"))
    assert told == {
        "apns-topic": "com.example.app",
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-expiration": str(NOW_S + 3600),
    }


def test_apns_body_is_compact():
    alert = '{"aps":{"alert":"Agent is available right now"},'
    assert written("ios", "00aa").body.decode() == alert + f'"message":{{"_id":"3S","_action":"{ACTION}"}}}}'


@pytest.mark.parametrize(
    ("device", "path"), [("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"), ("ü\n", "%C3%BC%0A"), ("%41", "%2541")]
)
def test_any_token_is_one_segment(device, path):
    assert written("ios", device).url == f"https://apple.example/3/device/{path}"


@pytest.mark.parametrize("kind", ["fcm", "gcm", "Android"])
def test_fcm_knows_only_strings(kind):
    notice = written(kind, "d:1")
    assert notice.url == "https://google.example/v1/projects/example-project/messages:send"
    assert re.fullmatch(r"Bearer ya29\.[\w-]+", notice.headers["authorization"])
    assert json.loads(notice.body) == {
        "message": {
            "token": "d:1",
            "notification": {"title": "Callback", "body": "Agent is available right now"},
            "data": {"message": f'{{"_id":"3S","_action":"{ACTION}"}}'},
        }
    }


def test_httpcb_is_the_plain_message():
    notice = written("HttpCB", "http://127.0.0.1:1/a?b=1")
    assert (notice.url, notice.headers) == (
        "http://127.0.0.1:1/a?b=1",
        {"content-type": "text/plain;charset=UTF-8"},
    )
    assert notice.body.decode() == f'{{"_id":"3S","_action":"{ACTION}"}}'


def test_customhttp_names_the_device():
    notice = written("customhttp", "anything")
    assert notice.url == "https://notices.example/new"
    assert json.loads(notice.body) == {
        "deviceId": "anything",
        "message": f'{{"_id":"3S","_action":"{ACTION}"}}',
    }


def test_options_say_whose_app_it_is():
    to = notices(replace(EVERYWHERE, apns_topic="com.bank.app", fcm_project="bank"))
    assert written("ios", "00", to=to).headers["apns-topic"] == "com.bank.app"
    assert written("fcm", "00", to=to).url == "https://google.example/v1/projects/bank/messages:send"


@pytest.mark.parametrize("kind", ["ios", "fcm"])
def test_equal_seeds_write_the_same(kind):
    first, second, other = (written(kind, "00", to=notices(seed=seed)) for seed in (5, 5, 6))
    assert first == second != other


def test_each_turn_has_an_id_of_its_own():
    ids = [notices().write(service("ios", "00", turn=turn), ACTION).headers["apns-id"] for turn in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(("later_s", "renewed"), [(60, False), (1800, True)])
def test_token_is_kept_for_a_while(later_s, renewed):
    start_s = NOW_S - NOW_S % 1800
    first, second = (written("ios", "00", to=notices(now_s=now_s)) for now_s in (start_s, start_s + later_s))
    assert (first.headers["authorization"] != second.headers["authorization"]) == renewed


@pytest.mark.parametrize(
    ("kind", "device"),
    [
        ("", ""),
        ("httpcb", ""),
        ("ios", ""),
        ("", "123abc"),
        ("httpcb", "123abc"),
        ("httpcb", "ftp://127.0.0.1/"),
        ("httpcb", "http://"),
        ("httpcb", "http://127.0.0.1:99999/"),
        ("httpcb", "http://a\nb/"),
    ],
)
def test_who_names_no_device_is_told_nothing(kind, device, caplog):
    assert (written(kind, device), caplog.text) == (None, "")


def remarks(caplog):
    return [record.getMessage() for record in caplog.records]


def test_missing_providers_are_said_once(caplog):
    to = notices(PushSettings())
    for kind in ("ios", "IOS", "gcm", "customhttp", "gcm"):
        assert written(kind, "00", to=to) is None
    assert remarks(caplog) == [
        "devices of type 'ios' are told nothing: --apns does not say where",
        "devices of type 'gcm' are told nothing: --fcm does not say where",
        "devices of type 'customhttp' are told nothing: --customhttp does not say where",
    ]


def test_unknown_types_are_said_once(caplog):
    to = notices()
    for kind in ("comet", "orscb", "x" * 100):
        assert written(kind, "00", to=to) is None
    assert remarks(caplog) == [
        "devices of type 'comet' are told nothing: there are ios, fcm, gcm, android, httpcb, customhttp"
    ]


@pytest.mark.parametrize(
    ("kind", "device", "shown"),
    [
        ("ios", "00aa", "the ios device '00aa'"),
        ("fcm", "f" * 200, "the fcm device 'ffffffffffffffff…'"),
        ("customhttp", "a\nb", r"the customhttp device 'a\nb'"),
        ("httpcb", "http://127.0.0.1/" + "a" * 1000, "http://127.0.0.1/" + "a" * 183),
    ],
)
def test_devices_are_named_in_short(kind, device, shown):
    assert written(kind, device).device == shown
