import re

import pytest

from gms_replay.errors import OptionError
from gms_replay.simulator.settings import PushSettings, Settings


def test_a_person_is_the_default():
    assert not Settings().quick


def test_anything_is_configured_by_default():
    assert (Settings().services, Settings().seed) == (frozenset(), None)


def test_comet_waits_as_servers_do():
    assert (Settings().poll_timeout_s, Settings().max_interval_s) == (30.0, 10.0)


def test_equal_seeds_repeat_identities(app_of):
    first, second, other = app_of(seed=5), app_of(seed=5), app_of(seed=6)
    service_id = first.start()
    assert second.start() == service_id != other.start()


def test_nobody_is_dialled_by_default():
    pushes = Settings().pushes
    assert (pushes.apns, pushes.fcm, pushes.customhttp, pushes.proxy) == (None,) * 4


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"apns": "apple.example"}, "--apns apple.example: it must begin with https:// or http://"),
        ({"apns": ""}, "--apns : it must begin with"),
        ({"fcm": "https:google.example"}, "--fcm https:google.example: it must begin with https:// or http://"),
        ({"fcm": "https://"}, "--fcm https://: it names no host"),
        ({"fcm": "https://a b/"}, "--fcm https://a b/: it names no host"),
        ({"apns": "https://[::1"}, "--apns https://[::1: Invalid IPv6 URL"),
        ({"apns": "https://localhost:0"}, "--apns https://localhost:0: it names no host"),
        ({"apns": "https://localhost:99999"}, "--apns https://localhost:99999: Port out of range"),
        ({"apns": "https://localhost/?a=b"}, "--apns https://localhost/?a=b: a user, a query or a fragment"),
        ({"customhttp": "https://me@localhost/"}, "--customhttp https://me@localhost/: a user, a query"),
        ({"proxy": "https://localhost:8010"}, "--push-proxy https://localhost:8010: it must begin with http://"),
        ({"apns_topic": "com.example app"}, "--apns-topic com.example app: it is no bundle ID"),
        ({"apns_topic": ""}, "--apns-topic : it is no bundle ID"),
        ({"fcm_project": "a/b"}, "--fcm-project a/b: it is no project ID"),
    ],
)
def test_wrong_push_settings_are_refused(wrong, complaint):
    with pytest.raises(OptionError, match=f"^{re.escape(complaint)}.*; write it like "):
        PushSettings(**wrong)
