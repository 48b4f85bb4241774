import base64

import pytest

from gms_replay import leaks
from gms_replay.privacy import Kind
from gms_replay.redact.standins import StandIns
from gms_replay.redact.values import Values

KEY = b"a key for tests!"
STAND_INS = StandIns(KEY)
OF = STAND_INS.of


@pytest.mark.parametrize(
    ("value", "kind"),
    [("", Kind.NAME), ("null", Kind.CREDENTIAL), ("2014-05-02T16:27:38Z", Kind.CODE), ("/topics/news", Kind.DEVICE)],
)
def test_what_says_nothing_stays(value: str, kind: Kind) -> None:
    assert Values(KEY).told(value, kind) == value


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        (" hunter2 ", Kind.CREDENTIAL, f" {OF('hunter2')} "),
        ("/topics/news", Kind.NAME, OF("/topics/news")),
        ("Bearer hunter2", Kind.CREDENTIAL, f"Bearer {OF('hunter2')}"),
        ("two words", Kind.CREDENTIAL, OF("two words")),
        ("Z21zOnNlc2FtZQ==", Kind.BASIC, STAND_INS.basic("Z21zOnNlc2FtZQ==")),
        ("Basic Z21zOnNlc2FtZQ==", Kind.CREDENTIAL, f"Basic {STAND_INS.basic('Z21zOnNlc2FtZQ==')}"),
        ("ab%2F12cd34ef", Kind.CREDENTIAL, OF("ab/12cd34ef").replace("/", "%2F")),
        ("ab%2f12cd34ef", Kind.CREDENTIAL, OF("ab/12cd34ef").replace("/", "%2f")),
        ("50%25off! &+", Kind.CREDENTIAL, OF("50%off! &+").replace("%", "%25")),
        ("Basic Basic", Kind.CREDENTIAL, f"Basic {OF('Basic')}"),
    ],
)
def test_value_is_told_by_its_kind(value: str, kind: Kind, told: str) -> None:
    assert Values(KEY).told(value, kind) == told


def test_stand_ins_stay_where_they_are_kept() -> None:
    both = STAND_INS.basic(base64.b64encode(b"gms-user:sesame").decode())

    assert Values(KEY, keeps_stand_ins=True).told(OF("hunter-4711"), Kind.CREDENTIAL) == OF("hunter-4711")
    assert Values(KEY, keeps_stand_ins=True).told(both, Kind.BASIC) == both
    assert Values(KEY).told(both, Kind.BASIC) != both


def test_known_value_has_its_stand_in_also_as_an_id() -> None:
    by = Values(KEY)
    by.remember("abc123456789", Kind.CREDENTIAL)
    by.memory.keep("abc123456789")
    by.memory.keep("def123456789")

    assert by.told("abc123456789", Kind.CREDENTIAL) == OF("abc123456789")
    assert by.told("def123456789", Kind.CREDENTIAL) == "def123456789"


@pytest.mark.parametrize(
    ("value", "kind", "known"),
    [
        ("Z21zOnNlc2FtZQ==", Kind.BASIC, "sesame"),
        ("ab%2F12cd34ef", Kind.CREDENTIAL, "ab/12cd34ef"),
        ("Basic Z21zOnNlc2FtZQ==", Kind.CREDENTIAL, "sesame"),
        ("Bearer hunter-4711", Kind.CREDENTIAL, "hunter-4711"),
        ("00fc13adff785122", Kind.DEVICE, "00FC13ADFF785122"),
    ],
)
def test_remembered_value_is_known_otherwise_written(value: str, kind: Kind, known: str) -> None:
    by = Values(KEY)
    by.remember(value, kind)

    assert by.memory.replaced(known, is_shown=True) == OF(known)


@pytest.mark.parametrize("key", range(20))
@pytest.mark.parametrize(
    "secret", ["50%25off!", "50%off!!", "Basic YW5uYTpnZWhlaW0xMjM=", "Bearer kT7sQx2L", "%c3%a4b%2fcdefg"]
)
def test_stand_in_of_a_credential_is_known_as_one(secret: str, key: int) -> None:
    told = Values(b"%016d" % key).told(secret, Kind.CREDENTIAL)

    assert told != secret
    assert not leaks.is_secret(Kind.CREDENTIAL, told)
