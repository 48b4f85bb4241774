"""The simulator's pushes through a real recorder, which is its forward proxy, or stands where the providers are."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from push_providers import UNREGISTERED, UNREGISTERED_FCM, Providers, push_providers
from simulating import StandingClock, simulated

from gms_replay import pushes, sessions
from gms_replay.model import Recording, header
from gms_replay.pushes import Notification, Result
from gms_replay.simulator.carrier import Carrier, Refusal
from gms_replay.simulator.notices import Notice
from gms_replay.simulator.settings import PushSettings, Settings

NOW_US = 1_399_048_050_000_000
LIFE_US = 3_600_000_000
ALERT = "Agent is available right now"
ACTION = "get-dialog-start-chat"
KINDS = {"00aa": "ios", "00bb": "ios", "00cc": "ios", "d1": "fcm", "d2": "gcm"}
WAIT_S = 60


@pytest.fixture
def providers(tmp_path: Path) -> Iterator[Providers]:
    """They answer when all five pushes are there, and refuse one of each kind."""
    with push_providers(tmp_path) as found:
        found.answers_together(len(KINDS))
        found.answers("00cc", UNREGISTERED)
        found.answers("d2", UNREGISTERED_FCM)
        yield found


@pytest.fixture
def record(start: Callable[..., Any], providers: Providers, confdir: Path) -> Callable[..., Any]:
    """`record(mode, **settings)`: starts a callback for each device while a recorder is in the way.

    `settings` are the simulator's, with `{at}` for the recorder's host and port. Returns the cassette's content and the
    service of each device.
    """

    def whole(mode: str, app_goes_through: bool, **settings: str) -> tuple[Recording, dict[str, str]]:
        trust = f"ssl_verify_upstream_trusted_ca={providers.ca}"
        mitmdump = start("--mode", mode.format(at=providers.url), "--set", trust).ready()
        at = f"localhost:{mitmdump.ports[0]}"
        to = PushSettings(
            **{name: value.format(at=at, providers=providers.url) for name, value in settings.items()},
            ca=confdir / "mitmproxy-ca-cert.pem",
            timeout_s=WAIT_S,
        )
        proxy = f"http://{at}" if app_goes_through else None
        with simulated(Settings(quick=True, seed=4, now_us=StandingClock(NOW_US), pushes=to)) as url:
            with httpx.Client(base_url=url, proxy=proxy, trust_env=False, timeout=WAIT_S) as app:
                services = {device: start_callback(app, device) for device in KINDS}
            return mitmdump.recorded(all_answered), services

    return whole


def start_callback(app: httpx.Client, device: str) -> str:
    fields = {"_media_type": "chat", "_wait_for_agent": "true"}
    to = {"_device_os": KINDS[device], "_device_notification_id": device}
    return str(app.post("/1/service/callback/samples", json=fields | to, headers={"gms_user": device}).json()["_id"])


def all_answered(recording: Recording) -> Recording | None:
    ended = {exchange.id for exchange in recording.exchanges if exchange.response}
    return recording if len([push for push in recording.pushes if push.exchange_id in ended]) == len(KINDS) else None


def expected(recording: Recording, services: dict[str, str]) -> dict[str, tuple[Any, ...]]:
    """What is to be told of each device's push; an `apns-id` is as it was sent."""
    sent = {
        exchange.request.target.rpartition("/")[2]: header(exchange.request.headers, "apns-id")
        for exchange in recording.exchanges
    }
    results = {
        "00aa": Result(200, sent["00aa"], None),
        "00bb": Result(200, sent["00bb"], None),
        "00cc": Result(410, sent["00cc"], "Unregistered"),
        "d1": Result(200, "projects/example-project/messages/d1", None),
        "d2": Result(404, None, "UNREGISTERED"),
    }
    return {
        device: (provider, services[device], ACTION, ALERT, expires_at_us, results[device])
        for device, provider, expires_at_us in (
            *((device, "apns", NOW_US + LIFE_US) for device in ("00aa", "00bb", "00cc")),
            *((device, "fcm", None) for device in ("d1", "d2")),
        )
    }


def told(found: list[Notification]) -> dict[str | None, tuple[Any, ...]]:
    return {
        one.device: (one.provider, one.service_id, one.action, one.alert, one.expires_at_us, one.result)
        for one in found
    }


def connections(recording: Recording) -> set[str]:
    """The sender's ends of all that carried pushes."""
    carriers = {push.exchange_id for push in recording.pushes}
    return {exchange.request.client for exchange in recording.exchanges if exchange.id in carriers}


def came(providers: Providers) -> set[tuple[str, str]]:
    """By which version of HTTP each push came to the providers, and for which device."""
    return {(one.http_version, one.device) for one in (providers.next() for _ in KINDS)}


def test_forward_proxy_records_pushes_in_their_visits(record, providers):
    recording, services = record("regular@0", True, apns="{providers}", fcm="{providers}", proxy="http://{at}")

    found = pushes.find(recording, sessions.split(recording))
    assert told([one for visit in found.of_visits for one in visit]) == expected(recording, services)
    assert found.others == ()
    assert len(connections(recording)) == 1
    assert came(providers) == {("2", device) for device in KINDS}


def test_recorder_in_the_providers_place_records_pushes(record, providers):
    recording, services = record("reverse:{at}@0", False, apns="https://{at}", fcm="https://{at}")

    found = pushes.find(recording, sessions.split(recording))
    assert told(list(found.others)) == expected(recording, services)
    assert len(connections(recording)) == 1
    assert came(providers) == {("2", device) for device in KINDS}


@pytest.fixture
def through(start: Callable[..., Any], confdir: Path) -> Callable[..., PushSettings]:
    """`through(mitmdump)`: settings for a forward proxy."""

    def settings(mitmdump: Any) -> PushSettings:
        proxy = f"http://localhost:{mitmdump.ports[0]}"
        return PushSettings(proxy=proxy, ca=confdir / "mitmproxy-ca-cert.pem", timeout_s=WAIT_S)

    return settings


def notice(url: str, device: str) -> Notice:
    return Notice(device, f"{url}/3/device/{device}", {"apns-id": device}, b"{}", to_provider=True)


def test_pushes_of_one_moment_share_a_tunnel(start, providers, through):
    mitmdump = start("--mode", "regular@0", "--set", f"ssl_verify_upstream_trusted_ca={providers.ca}").ready()

    async def whole() -> list[Refusal | None]:
        carrier = Carrier(through(mitmdump))
        told = await asyncio.gather(*(carrier.post(notice(providers.url, str(number))) for number in range(len(KINDS))))
        await carrier.close()
        return told

    assert asyncio.run(whole()) == [None] * len(KINDS)
    assert len(connections(mitmdump.recorded(all_answered))) == 1


def test_provider_that_comes_back_is_reached(start, through, tmp_path):
    """Through one connection mitmproxy says ever after that it could not reach whom it could not reach once."""
    mitmdump = start("--mode", "regular@0", "--set", "ssl_insecure=true").ready()

    async def whole() -> list[Refusal | None]:
        carrier = Carrier(through(mitmdump))
        with push_providers(tmp_path) as before:
            one = notice(before.url, "00aa")
            told = [await carrier.post(one)]
        told.append(await carrier.post(one))
        with push_providers(tmp_path, port=before.port):
            told.append(await carrier.post(one))
            await carrier.close()
        return told

    first, meanwhile, last = asyncio.run(whole())
    assert (first, meanwhile.is_final, last) == (None, False, None)
