from dataclasses import replace

import pytest
from disguised import OTHER_KEY, STAND_INS, People, visit_of

from gms_replay import grading, marks
from gms_replay.disguise import Disguise, Hidden, Value, hidden_in
from gms_replay.grades import Grade
from gms_replay.leniency import Leniency
from gms_replay.model import Redaction
from gms_replay.privacy import Kind
from gms_replay.rules import Rules

TRUE = People()


def differences(old, new, leniency=None):
    found = grading.compare(old, new, leniency or Leniency()).differences
    return [(one.grade, one.rule, one.expected, one.actual) for one in found]


@pytest.mark.parametrize(
    ("path", "is_told", "kind"),
    [
        (("first_name",), False, Kind.NAME),
        (("contact.phone",), False, Kind.PHONE),
        (("message", "secureKey"), True, Kind.CREDENTIAL),
        (("message",), False, None),
        (("orderCode",), True, Kind.USER),
        (("agentId",), True, None),
        (("_action",), True, None),
    ],
)
def test_places_are_hidden_as_said(path, is_told, kind):
    rules = Rules(redacted=frozenset({"orderCode"}), unredacted=frozenset({"agentId"}))
    assert Hidden(rules=rules).kind(path, is_told=is_told) is kind


def test_what_is_typed_is_hidden_where_it_was_replaced():
    assert Hidden(typed=True).kind(("message",), is_told=False) is Kind.TEXT
    assert Hidden(typed=True).kind(("message",), is_told=True) is None


@pytest.mark.parametrize(
    ("modes", "hidden"),
    [
        (("off", "off"), None),
        (("off", "on"), Hidden()),
        (("on", "on"), Hidden()),
        (("typed", "off"), Hidden(typed=True)),
    ],
)
def test_one_redacted_recording_hides_in_both(modes, hidden):
    old, new = (visit_of(TRUE, Redaction(mode)) for mode in modes)
    assert hidden_in(old, new, Rules()) == hidden


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (visit_of(TRUE, "off"), visit_of(STAND_INS)),
        (visit_of(STAND_INS), visit_of(TRUE, "off")),
        (visit_of(STAND_INS), visit_of(OTHER_KEY)),
        (visit_of(STAND_INS), visit_of(STAND_INS)),
    ],
    ids=["redacted", "back", "two keys", "one key"],
)
def test_one_visit_by_other_names_is_equal(old, new):
    assert differences(old, new) == []


def test_unredacted_it_is_another_visit():
    assert len(differences(visit_of(TRUE, "off"), visit_of(STAND_INS, "off"))) >= 8


def test_typed_texts_stand_for_each_other():
    old = visit_of(TRUE, "off", says="Hello there, it is 3 pm")
    new = visit_of(STAND_INS, "typed", says="Xrtqo wertz, fg er 8 kl")
    assert differences(old, new) == []
    assert differences(old, replace(new, runs=visit_of(STAND_INS, "on").runs)) != []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (TRUE, replace(STAND_INS, agent=STAND_INS.first), "chat AGENT Notice.Joined: nickname"),
        (TRUE, replace(STAND_INS, code="907155"), "dialog connect-inbound: _access_code"),
        (TRUE, replace(STAND_INS, code="90-15"), "dialog connect-inbound: _access_code"),
    ],
    ids=["two are one", "longer", "otherwise written"],
)
def test_what_cannot_be_a_stand_in_differs(old, new, rule):
    found = differences(visit_of(old, "off"), visit_of(new))
    assert (Grade.OTHER_VALUE, rule) in [one[:2] for one in found]


def test_other_words_in_a_text_differ():
    old, new = visit_of(TRUE, "off"), visit_of(STAND_INS, says="Hello, I am not {first} {last}.")
    assert {rule for _, rule, *_ in differences(old, new)} == {
        "request send: message",
        "chat CLIENT Message.Text: text",
    }


def test_another_name_in_a_text_differs():
    old, new = visit_of(TRUE, "off"), visit_of(STAND_INS, says="Hello, I am {first} {agent}.")
    assert {rule for _, rule, *_ in differences(old, new)} == {
        "request send: message",
        "chat CLIENT Message.Text: text",
    }


@pytest.mark.parametrize("says", ["{first} joined, I am {last}.", "Has joined, I am {last}."])
def test_names_that_are_words_too_may_have_been_replaced_or_not(says):
    called = replace(TRUE, first="Has")
    assert differences(visit_of(called, "off", says="Has joined, I am {last}."), visit_of(STAND_INS, says=says)) == []


# One value.


def disguise(*pairs: tuple[str, str, str]) -> Disguise:
    """After these stood for each other: a field, and what each has there."""
    found = Disguise(Hidden())
    for name, one, other in pairs:
        found.weigh((name,), one, other, is_told=True)
    found.settle()
    return found


def test_most_places_decide():
    found = disguise(("firstName", "Ann", "Kbu"), ("firstName", "Ann", "Oops"), ("firstName", "Ann", "Kbu"))
    assert found.same(("firstName",), "Ann", "Kbu", is_told=True) is True
    assert found.same(("firstName",), "Ann", "Oops", is_told=True) is False
    assert found.same(("_action",), "Ann", "Kbu", is_told=True) is None


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [("firstName", "", "Kbu"), ("firstName", "Ann", ""), ("text", "bob@home.com", "nobody")],
    ids=["nobody", "no longer", "another sort"],
)
def test_what_has_no_counterpart_decides_nothing(name, one, other):
    found = disguise((name, one, other))
    assert found.same(("email",), one or "Ann", other or "Oops", is_told=True) is True


@pytest.mark.parametrize(("one", "other", "is_same"), [("", "", True), ("", "Kbu", False), ("Ann", "", False)])
def test_nothing_stands_for_nothing_only(one, other, is_same):
    assert disguise().same(("firstName",), one, other, is_told=True) is is_same


def test_unsettled_the_first_place_decides():
    found = Disguise(Hidden())
    assert found.same(("nickname",), "Ann Lee", "Kbu Nax", is_told=True)
    assert found.same(("firstName",), "Ann", "Kbu", is_told=True)
    assert not found.same(("firstName",), "Lee", "Kbu", is_told=True)


@pytest.mark.parametrize(
    ("text", "other", "as_there"),
    [
        ("Hi Ann", "Hi Kbu", "Hi Kbu"),
        ("Hi ANN, hi ann", "Hi KBU, hi kbu", "Hi KBU, hi kbu"),
        ("Ann Lee", "Ann Lee", "Ann Lee"),
        ("Hi Anna", "Hi Kbu", "Hi Anna"),
        ("to bob@home.com now", "to xyz@abcd.example now", "to xyz@abcd.example now"),
        ("to bob@home.com now", "to nobody now", "to bob@home.com now"),
        ("http://a/b?apikey=k1&x=2", "http://a/b?apikey=z9&x=3", "http://a/b?apikey=z9&x=2"),
        ("apikey=k1&x=2", "apikey=z9&x=3", "apikey=z9&x=2"),
        ("http://u:p@a/b", "http://v:q@a/b", "http://v:q@a/b"),
        ("call tel%3A%2B4915112345678", "to tel%3A%2B4915198765432", "call tel%3A%2B4915198765432"),
        ("card 4111 1111 1111 1111", f"card {marks.marked('4902 2496 5823 8601')}", "card 4902 2496 5823 8601"),
        ("Ann: bob@home.com", "Kbu: xyz@abcd.example", "Kbu: xyz@abcd.example"),
        ("http://a/b?email=bob@home.com", "http://a/b?email=xyz@abcd.example", "http://a/b?email=xyz@abcd.example"),
    ],
)
def test_texts_are_told_as_the_other_has_them(text, other, as_there):
    found = disguise(("firstName", "Ann", "Kbu"), ("_tel_url", "tel:+4915112345678", "tel:+4915198765432"))
    assert found.as_there(text, other) == as_there


def test_two_addresses_cannot_be_one():
    found = disguise()
    assert found.as_there("a@home.com, b@home.com", "x@y.example, x@y.example") == "x@y.example, b@home.com"


def test_alignment_leaves_out_what_is_private():
    found = Disguise(Hidden())
    found.look_at([Value(("nickname",), "Ann Lee", is_told=True), Value(("secureKey",), "--", is_told=True)])
    assert found.blanked(("nickname",), "Ann Lee", is_told=True) is None
    bare = found.blanked(("text",), "I am Lee, call +49 151 23456789", is_told=True)
    assert bare == "I am private, call private"
