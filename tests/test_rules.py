import re
from collections.abc import Collection

import pytest

from gms_replay import reasons
from gms_replay.errors import OptionError
from gms_replay.faults import Do, Fault
from gms_replay.gms import InstantClass
from gms_replay.privacy import Kind
from gms_replay.rules import Rules, load

FILE = """
[identities]
fields = ["ticketNo", "order.code"]
exempt = ["userId"]

[times]
appointmentAt = "event"
day = "calendar"
_expires = "keep"
cache.utcTime = "keep"

[match]
free = ["build", "device.os"]
exact = ["subject"]

[sessions]
alice = 2

[pushes]
refuse = { "00fc" = "Unregistered", "*" = "QUOTA_EXCEEDED" }
check_authorization = true
"""


@pytest.fixture
def rules() -> Rules:
    return load(FILE, "rules.toml")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("ticketNo",), True),
        (("list", 3, "ticketNo"), True),
        (("order", 0, "code"), True),
        (("code",), False),
        (("ticketNo", "x"), False),
        (("userId",), False),
        (("_id",), True),
        ((), False),
    ],
)
def test_identities_are_added_and_exempted(rules: Rules, path: tuple[str | int, ...], expected: bool) -> None:
    assert rules.is_identity(path) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("appointmentAt",), InstantClass.EVENT),
        (("a", 1, "day"), InstantClass.CALENDAR),
        (("_expires",), None),
        (("cache", "utcTime"), None),
        (("utcTime",), InstantClass.EVENT),
        (("startedAt",), InstantClass.EVENT),
        (("other",), None),
    ],
)
def test_times_are_added_and_kept(rules: Rules, path: tuple[str | int, ...], expected: InstantClass | None) -> None:
    assert rules.instant_class(path) is expected


SLOT = "2014-05-02T16:30:00.000Z"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((SLOT,), InstantClass.CALENDAR),
        (("availability", SLOT), InstantClass.CALENDAR),
        (("appointmentAt", SLOT), InstantClass.EVENT),
        (("appointmentAt", 0, "1399048200"), InstantClass.EVENT),
        (("_expires", SLOT), None),
        (("other", "1399048200"), None),
        (("appointmentAt",), None),
    ],
)
def test_keys_obey_the_field_around(rules: Rules, path: tuple[str | int, ...], expected: InstantClass | None) -> None:
    assert rules.key_class(path) is expected


@pytest.mark.parametrize(
    ("path", "expected"), [(("_expires",), True), (("day",), False), (("other",), False), ((), False)]
)
def test_kept_fields_hold_no_instants(rules: Rules, path: tuple[str | int, ...], expected: bool) -> None:
    assert rules.is_kept(path) is expected


@pytest.mark.parametrize(
    ("field", "free"),
    [("build", True), ("a.device.os", True), ("os", False), ("subject", False), ("message", True), ("x", False)],
)
def test_fields_are_freed_and_bound(rules: Rules, field: str, free: bool) -> None:
    assert rules.is_free(field) is free


def test_names_have_visits(rules: Rules) -> None:
    assert rules.visits == {"alice": 2}


@pytest.mark.parametrize(
    ("device", "known", "reason"),
    [
        ("00fc", reasons.APNS, "Unregistered"),
        ("00fc", reasons.FCM, "QUOTA_EXCEEDED"),
        ("other", reasons.FCM, "QUOTA_EXCEEDED"),
        (None, reasons.FCM, "QUOTA_EXCEEDED"),
        ("other", reasons.APNS, None),
    ],
)
def test_pushes_are_refused(rules: Rules, device: str | None, known: Collection[str], reason: str | None) -> None:
    assert rules.refusal(device, known) == reason


def test_credentials_are_checked_where_wanted(rules: Rules) -> None:
    assert (rules.checks_authorization, Rules().checks_authorization) == (True, False)


def test_diff_says_what_may_differ() -> None:
    said = load('[diff]\nvolatile = ["send: *"]\nslower_factor = 3\nslower_floor_s = 0.5', "rules.toml")

    assert said == Rules(volatile=frozenset({"send: *"}), slower_factor=3.0, slower_floor_s=0.5)


def test_no_rules_are_gms_own() -> None:
    assert load("", "rules.toml") == Rules()
    assert Rules().is_identity(("_id",))
    assert Rules().is_free("message")
    assert Rules().instant_class(("_expires",)) is InstantClass.EVENT


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[times", "rules.toml: no TOML: "),
        (
            "[time]",
            "rules.toml: there is no section [time]; there are identities, times, match, sessions, pushes, diff, "
            "redact",
        ),
        ("[redact]\nfield = []", "rules.toml: redact.field: no such field; there are fields, keep, region, typed"),
        ('[redact]\nfields = "a"', 'rules.toml: redact.fields: it is a list of fields: write ["one", "another"]'),
        ('[redact]\nkeep = [""]', "rules.toml: redact.keep: it is a list of fields"),
        ('[redact]\nregion = "de"', "rules.toml: redact.region: 'de': it is the code of a country, like \"DE\""),
        ("[redact]\ntyped = 1", "rules.toml: redact.typed: 1: it is true or false"),
        ("times = 3", "rules.toml: times: it is a section: write [times]"),
        ("[identities]\nfield = []", "rules.toml: identities.field: no such field; there are fields, exempt"),
        ('[match]\nfree = "x"', 'rules.toml: match.free: it is a list of fields: write ["one", "another"]'),
        ("[match]\nexact = [3]", "rules.toml: match.exact: it is a list of fields"),
        ("[times]\nx = 3", "rules.toml: times.x: 3: it is one of event, calendar, keep"),
        ("[times]\na.b = 'often'", "rules.toml: times.a.b: 'often': it is one of event, calendar, keep"),
        ('[sessions]\n"" = 1', 'rules.toml: sessions."": a session without a name is none; name it'),
        ("[sessions]\na = 0", "rules.toml: sessions.a: 0: it is the number of a recorded visit, from 1"),
        ("[sessions]\na = true", "rules.toml: sessions.a: True: it is"),
        ("[pushes]\nrefused = 1", "rules.toml: pushes.refused: no such field; there are refuse, check_authorization"),
        ("[pushes]\nrefuse = 1", 'rules.toml: pushes.refuse: it holds devices: write { "*" = "Unregistered" }'),
        ('[pushes.refuse]\na = "Gone"', "pushes.refuse.\"a\": 'Gone': no provider's reason; there are BadCollapseId, "),
        ("[pushes.refuse]\na = 410", 'rules.toml: pushes.refuse."a": 410: no provider\'s reason'),
        (
            "[diff]\nfactor = 1",
            "rules.toml: diff.factor: no such field; there are volatile, slower_factor, slower_floor_s",
        ),
        ("[diff]\nslower_factor = 0.5", "rules.toml: diff.slower_factor: 0.5: it is a number, 1 or more"),
        ("[diff]\nslower_floor_s = nan", "rules.toml: diff.slower_floor_s: nan: it is a number, 0 or more"),
        ("[diff]\nslower_factor = true", "rules.toml: diff.slower_factor: True: it is a number"),
        ('[diff]\nvolatile = "x"', "rules.toml: diff.volatile: it is a list of places"),
        ("[pushes]\ncheck_authorization = 1", "rules.toml: pushes.check_authorization: 1: it is true or false"),
    ],
)
def test_wrong_rules_name_their_field(text: str, complaint: str) -> None:
    with pytest.raises(OptionError, match=re.escape(complaint)):
        load(text, "rules.toml")


def test_what_is_private() -> None:
    said = load('[redact]\nfields = ["ticketNo"]\nkeep = ["nickname"]\nregion = "DE"\ntyped = true', "rules.toml")

    assert [said.is_private(path) for path in (("ticketNo",), ("email",), ("nickname",), ("_id",))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [said.is_free(name) for name in ("ticketNo", "userData[email]", "nickname", "_desired_time")] == [
        True, True, True, False,
    ]  # fmt: skip
    assert (said.region, said.types) == ("DE", True)
    assert not load('[match]\nexact = ["email"]', "rules.toml").is_free("email")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("secureKey",), Kind.CREDENTIAL),
        (("text",), Kind.TEXT),
        (("ticketNo",), Kind.USER),
        (("subject",), Kind.USER),
        (("nickname",), None),
        (("_action",), None),
    ],
)
def test_rules_come_before_what_is_known_as_private(path: tuple[str, ...], kind: Kind | None) -> None:
    rules = Rules(redacted=frozenset({"ticketNo", "subject"}), unredacted=frozenset({"nickname"}))

    assert rules.private_kind(path, is_told=False) is kind


def test_faults_are_read_as_elsewhere() -> None:
    read = load('[[faults]]\non = "send"\ndo = "reset"\ntimes = [3]\n[match]\nfree = ["x"]', "r.toml")

    assert read.faults == (Fault("send", Do.RESET, times=frozenset({3})),)
    with pytest.raises(OptionError, match=r"^r\.toml: faults\[1\]\.on: 'sned'"):
        load('[[faults]]\non = "sned"\ndo = "reset"', "r.toml")
