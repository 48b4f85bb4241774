import pytest

from gms_replay import places
from gms_replay.privacy import Kind, Part
from gms_replay.rules import Rules

RULES = Rules(redacted=frozenset({"ticketNo", "subject"}), unredacted=frozenset({"nickname"}))


@pytest.mark.parametrize(
    ("name", "rules", "parts"),
    [
        ("apikey", Rules(), (Part(0, 4, Kind.CREDENTIAL),)),
        ("nickname", RULES, ()),
        ("ticketNo", RULES, (Part(0, 4, Kind.USER),)),
        ("Cookie", Rules(unredacted=frozenset({"Cookie"})), ()),
        ("Accept", RULES, ()),
        ("X-Own", Rules(credentials=frozenset({"x-own"})), (Part(0, 4, Kind.CREDENTIAL),)),
    ],
)
def test_headers_are_as_rules_have_them(name, rules, parts):
    assert places.in_header(name, "k3y4", rules) == parts


@pytest.mark.parametrize(
    ("path", "is_public"),
    [(("channel",), True), (("_eta",), True), (("_expires",), True), ((0,), False), (("text",), False)],
)
def test_ids_words_and_times_are_public(path, is_public):
    assert places.is_public(path, Rules()) is is_public


@pytest.mark.parametrize(
    ("path", "is_time"), [(("_eta",), True), (("_expires", 0), True), (("id",), False), (("text",), False)]
)
def test_times_are_told_from_ids(path, is_time):
    assert places.is_time(path, Rules()) is is_time
