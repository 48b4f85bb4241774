import base64
import json
import time

import pytest

from gms_replay import leaks, marks
from gms_replay.leaks import in_names, in_text, is_secret, masked
from gms_replay.leaves import leaves
from gms_replay.privacy import WITHHELD, Kind
from gms_replay.rules import Rules

STAND_IN = marks.marked("Zk83hQx0Ypl2Wv7Tnb4R")
OPAQUE = "Zk83hQx0Ypl2Wv7Tnb4S"


def jwt(signature: str, head: dict[str, str] | None = None) -> str:
    told = (head or {"alg": "ES256"}, {"iss": "TEAM"})
    parts = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in told)
    return ".".join((*parts, signature))


def basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def values(found) -> list[str]:
    return [one.value for one in found if one.is_secret]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to ann.lee@home.com, please", Kind.EMAIL, "ann.lee@home.com"),
        ("mail=ann%40home.com&x", Kind.EMAIL, "ann@home.com"),
        ("call +49 151 2345-6789 now", Kind.PHONE, "+49 151 2345-6789"),
        ("card 4111 1111 1111 1111.", Kind.CREDENTIAL, "4111 1111 1111 1111"),
        (f"Authorization: bearer {OPAQUE}", Kind.CREDENTIAL, OPAQUE),
        (f"x {jwt(OPAQUE)} y", Kind.CREDENTIAL, jwt(OPAQUE)),
        (f"Basic {basic('ann', 'sesame7')}", Kind.BASIC, basic("ann", "sesame7")),
        (f"https://ann:{OPAQUE}@gms/", Kind.CREDENTIAL, OPAQUE),
    ],
)
def test_secrets_are_known_by_their_looks(text, kind, value):
    (found,) = in_text(text, is_traffic=False)
    assert (found.kind, found.value, found.is_secret) == (kind, value, True)
    assert text[found.start : found.end] in (value, value.replace("@", "%40"))


@pytest.mark.parametrize(
    "text",
    [
        "icon@2x.png, git@logo.svg, a@b, @app.route",
        "ann@lee.example, ann@example.com, root@localhost, x@y.test",
        "20140502162738, 1399048050000, 1234567890123456, 9999999999999999",
        "bearer authentication, Basic authentication, basic understanding",
        f"bearer {STAND_IN} {jwt(STAND_IN)} Basic {basic('Al', STAND_IN)}",
        f"bearer {jwt(STAND_IN)}, bearer of-no-token-at-all",
        f"https://ann:{STAND_IN}@gms/",
        "http://user:password@host/ eyJhbGciOi.not.one",
    ],
)
def test_what_only_looks_like_one_is_none(text):
    assert values(in_text(text, is_traffic=False)) == []


NAMED = [
    f'{{"secureKey": "{OPAQUE}"}}',
    f'{{\\"secure_key\\":\\"{OPAQUE}\\"}}',
    f"secureKey={OPAQUE}&x=1",
    f"https://gms/a?x=1&secureKey={OPAQUE}#top",
    f"apikey: {OPAQUE}\r\n",
    f"GET / HTTP/1.1\nX-API-Key: {OPAQUE}",
    f"> Authorization: token {OPAQUE}",
    f"Cookie: lang=en; sid={OPAQUE}",
    f'{{"name": "apikey", "value": "{OPAQUE}"}}',
    f'{{"key": "apikey", "value": "{OPAQUE}"}}',
    f"userData[apiKey]={OPAQUE}",
    f"api_key = '{OPAQUE}'",
]


@pytest.mark.parametrize("text", NAMED)
def test_secrets_are_known_by_the_names_before_them(text):
    assert OPAQUE in values(in_names(text, Rules(), is_traffic=False))
    assert values(in_names(text.replace(OPAQUE, STAND_IN), Rules(), is_traffic=False)) in ([], ["en"])


@pytest.mark.parametrize(
    ("text", "value"),
    [('phone = "+49 151 23456789"', "+49 151 23456789"), ("_access_code=48213&x", "48213")],
)
def test_numbers_of_people_are_known_in_programs(text, value):
    assert values(in_names(text, Rules(), is_traffic=False)) == [value]


@pytest.mark.parametrize("text", ['phone = "+49 151"', 'phone = "phone_number"', "_access_code=CODE"])
def test_other_words_for_numbers_are_no_secrets(text):
    assert values(in_names(text, Rules(), is_traffic=False)) == []


@pytest.mark.parametrize("name", ["user_token", "customerPassword2", "X-Goog-Api-Key", "Ocp-Apim-Subscription-Key"])
@pytest.mark.parametrize("text", ['{{"{name}":"{value}"}}', "a=b&{name}={value}", "{name}: {value}\r\n"])
def test_last_words_of_a_name_are_enough(name, text):
    assert values(in_names(text.format(name=name, value=OPAQUE), Rules(), is_traffic=False)) == [OPAQUE]


def test_rules_add_names_and_take_them_away():
    rules = Rules(redacted=frozenset({"orderCode"}), unredacted=frozenset({"secureKey"}))
    text = "orderCode=4711&secureKey=sesame&apikey=k1"
    assert [one.value for one in in_names(text, rules, is_traffic=True)] == ["4711", "k1"]
    kinds = [leaks.kind_of((name,), rules) for name in ("orderCode", "secureKey", "apikey", "message")]
    assert kinds == [Kind.USER, None, Kind.CREDENTIAL, None]


@pytest.mark.parametrize(("name", "place"), [("password", "password"), ("colour", "value")])
def test_value_beside_a_private_name_is_that_ones(name, place):
    found = leaks.by_names_beside(list(leaves(b'[{"name":"%s","value":"sesame"}]' % name.encode())), Rules())
    assert [leaf.path for leaf in found if leaf.value == "sesame"] == [(0, place)]


def test_values_of_queries_are_decoded():
    assert values(in_names("secureKey=Zk83%68Qx0Ypl2Wv7Tnb4S", Rules(), is_traffic=False)) == [OPAQUE]


@pytest.mark.parametrize(
    "text",
    [
        "self.password=self.password, token=token1234, apikey=get_key(x)",
        '"password": "{{ secrets.PASSWORD }}", "token": "$TOKEN", "secret": "<your secret>"',
        "Password: choose one of 8 characters or more",
        '("authorization", "proxy-authorization-1A")',
        "token: 2014-05-02T16:27:38Z",
        "import auth.Token2 as token",
        "first_name = 'Ann'; nickname=Bob",
    ],
)
def test_programs_are_no_secrets(text):
    assert values(in_names(text, Rules(), is_traffic=False)) == []


def test_of_traffic_every_value_counts():
    text = '["apikey", "sesame"] {"firstName":"Ann","_access_code":"48213","pin":1234} first_name=Bob&nickname=Stan+Lee'
    found = list(in_names(text, Rules(), is_traffic=True))
    assert {"sesame", "Ann", "48213", "1234", "Bob"} <= set(values(found))


def test_prose_names_nobody():
    assert values(leaks.in_prose("User: please try again; var secureKey = 'sesame';", Rules())) == ["sesame"]
    assert values(leaks.in_prose("Password: must have a digit\nToken: sesame", Rules())) == ["sesame"]


@pytest.mark.parametrize(
    ("kind", "value", "secret"),
    [
        (Kind.NAME, "Ann", True),
        (Kind.NAME, marks.marked("Ann"), False),
        (Kind.NAME, f"{marks.marked('Ann')} {marks.marked('Lee')}", False),
        (Kind.NAME, f"{marks.marked('Ann')} Lee", marks.marked("Lee") != "Lee"),
        (Kind.NAME, "Al", False),
        (Kind.NAME, "Li Na", False),
        (Kind.PHONE, "01 23 45 67 89", True),
        (Kind.NAME, "", False),
        (Kind.USER, "null", False),
        (Kind.CREDENTIAL, WITHHELD, False),
        (Kind.PHONE, marks.marked("+4915112345678"), False),
        (Kind.PHONE, f"tel:{marks.marked('+4915112345678')}", False),
        (Kind.BASIC, basic(marks.marked("anna4711"), STAND_IN), False),
        (Kind.BASIC, basic("anna4711", STAND_IN), marks.marked("anna4711") != "anna4711"),
        (Kind.BASIC, "%%%%", False),
        (Kind.BASIC, "no-base64-1", True),
        (Kind.EMAIL, "ann@example.org", False),
    ],
)
def test_a_stand_in_is_no_secret(kind, value, secret):
    assert is_secret(kind, value) is secret


@pytest.mark.parametrize("value", ["Ann", "48213", "ann.lee@home.com", OPAQUE])
def test_no_secret_is_shown_whole(value):
    assert value not in masked(value)
    assert len(masked(value).partition("…")[0]) <= 2


def test_tokens_cost_by_their_length():
    began_s = time.process_time()

    assert values(in_text("eyJ" * 100_000)) == []
    # Where each beginning is read to the end, it takes minutes.
    assert time.process_time() - began_s < 10


def test_any_bytes_give_an_answer():
    text = bytes(range(256)).decode("latin-1") * 20
    assert values([*leaks.in_text(text), *leaks.in_names(text, Rules(), is_traffic=True)]) == []


@pytest.mark.parametrize(
    ("number", "is_secret"),
    [("4.915112345678E12", True), ("1e5", False), ("%s.0", False), ("-%s", False), ("%sE2", False), ("47115.0", True)],
)
def test_number_is_judged_by_its_digits(number, is_secret):
    assert leaks.is_secret(Kind.PHONE, number.replace("%s", marks.marked("4915112345"))) is is_secret


@pytest.mark.parametrize(
    ("credentials", "true"),
    [
        ("Basic YW5uYTpnZWhlaW0xMjM=", True),
        ("Basic " + base64.b64encode(f"{marks.marked('anna')}:{marks.marked('geheim123')}".encode()).decode(), False),
        ("Bearer kT7sQx2L", True),
        ("Bearer " + marks.marked("kT7sQx2L"), False),
        (marks.marked("50%off!").replace("%", "%25"), False),
        ("50%25off!", True),
    ],
)
def test_credentials_are_judged_by_what_is_in_them(credentials, true):
    assert leaks.is_secret(Kind.CREDENTIAL, credentials) is true


def test_secret_that_is_no_utf8_can_be_shown():
    assert masked("\udcf6rg") == "?… (3 characters)"
