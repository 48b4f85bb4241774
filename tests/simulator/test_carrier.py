import asyncio
import re
from dataclasses import replace

import pytest
from push_providers import NONE, UNREGISTERED, UNREGISTERED_FCM, Answer

from gms_replay.errors import OptionError
from gms_replay.simulator.carrier import Carrier, Refusal
from gms_replay.simulator.notices import Notice
from gms_replay.simulator.settings import PushSettings

UNTIL_ANSWERED_S = 60


def notice(providers, device="00aa"):
    return Notice(device, f"{providers.url}/3/device/{device}", {"apns-id": device}, b"{}", to_provider=True)


def post(settings, *rounds):
    """Post each round's notices at once, one round after the other; what became of each."""

    async def whole():
        carrier = Carrier(settings)
        try:
            return [await asyncio.gather(*map(carrier.post, notices)) for notices in rounds]
        finally:
            await carrier.close()

    return asyncio.run(whole())


@pytest.fixture
def settings(providers):
    return PushSettings(ca=providers.ca, timeout_s=UNTIL_ANSWERED_S)


def test_streams_share_one_connection(providers, settings):
    providers.answers_together(5)
    providers.answers("2", UNREGISTERED)
    (first, later) = post(settings, [notice(providers, str(number)) for number in range(5)], [notice(providers, "5")])
    came = [providers.next() for _ in range(6)]
    assert {(one.http_version, one.connection) for one in came} == {("2", came[0].connection)}
    assert {one.device for one in came} == set("012345")
    assert first[2] == Refusal('answered with 410: {"reason":"Unregistered","timestamp":1399048050000}', True)
    assert [*first[:2], *first[3:], *later] == [None] * 5


def test_who_hangs_is_given_up_alone(providers, settings):
    providers.answers("hangs", NONE)
    providers.answers_together(2)
    impatient = replace(settings, timeout_s=1)
    ((hung, taken),) = post(impatient, [notice(providers, "hangs"), notice(providers)])
    assert (hung, taken) == (Refusal("no answer within 1 s"), None)
    assert len({providers.next().connection for _ in range(2)}) == 1


@pytest.mark.parametrize("failed", [NONE, Answer(503)])
def test_failed_connection_is_not_used_again(providers, settings, failed):
    providers.answers("fails", failed)
    ((first,), (second,)) = post(replace(settings, timeout_s=1), [notice(providers, "fails")], [notice(providers)])
    assert (first.is_final, second) == (False, None)
    assert len({providers.next().connection for _ in range(2)}) == 2


def test_who_waits_on_a_failed_connection_is_answered(providers, settings):
    providers.answers("fails", Answer(503))
    providers.hold("later")

    async def whole():
        carrier = Carrier(settings)
        later = asyncio.create_task(carrier.post(notice(providers, "later")))
        failed = await carrier.post(notice(providers, "fails"))
        providers.release("later")
        told = await later
        await carrier.close()
        return failed.is_final, told

    assert asyncio.run(whole()) == (False, None)
    assert len({providers.next().connection for _ in range(2)}) == 1


def test_refusals_leave_the_connection(providers, settings):
    providers.answers("refused", UNREGISTERED)
    providers.answers("too many", Answer(429))
    post(settings, *([notice(providers, device)] for device in ("refused", "too%20many", "taken")))
    assert len({providers.next().connection for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("answer", "is_final"),
    [
        *((answer, True) for answer in (UNREGISTERED, UNREGISTERED_FCM, Answer(400), Answer(413), Answer(302))),
        *((Answer(status), False) for status in (429, 500, 503)),
    ],
)
def test_providers_say_what_is_final(providers, settings, answer, is_final):
    providers.answers("00aa", answer)
    ((refusal,),) = post(settings, [notice(providers)])
    assert refusal.is_final == is_final
    assert re.match(f"answered with {answer.status}(: |$)", refusal.why)


def test_subscribers_say_nothing_final(providers, settings):
    providers.answers("00aa", Answer(404, b"no\n\x1b[31msuch page" + b"." * 1000))
    ((refusal,),) = post(settings, [replace(notice(providers), to_provider=False)])
    assert refusal == Refusal("answered with 404: no [31msuch page" + "." * 184)


def test_strangers_are_not_trusted(providers, settings):
    ((refusal,),) = post(replace(settings, ca=None), [notice(providers)])
    assert "CERTIFICATE_VERIFY_FAILED" in refusal.why
    assert not refusal.is_final


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "cannot be read: No such file or directory"), ("", "it holds no certificate"), ("{}", "it holds no cert")],
)
def test_ca_that_is_none_is_refused(tmp_path, content, complaint):
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_text(content)
    with pytest.raises(OptionError, match=f"^--push-ca {re.escape(str(ca))}: {complaint}"):
        Carrier(PushSettings(ca=ca))
