import base64
import json
import time
from itertools import pairwise

import pytest

from gms_replay import leaks, marks
from gms_replay.leaks import in_names, in_text, is_secret, masked
from gms_replay.privacy import WITHHELD, Kind
from gms_replay.rules import Rules
from gms_replay.spans import Sort

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
        ("/by/ann+lee%40home.com", Kind.EMAIL, "ann+lee@home.com"),
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


@pytest.mark.parametrize("number", ["+49\u00a0151\u201112345678", "4111\u00a01111\u202f1111\u20111111"])
def test_numbers_are_known_in_bytes(number):
    text = f"{number}, {marks.marked(number)}".encode().decode("latin-1")
    assert values(in_text(text)) == [number.encode().decode("latin-1")]


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
    f'{{"Name": "apikey", "Value": "{OPAQUE}"}}',
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


@pytest.mark.parametrize(
    "text",
    [
        f'{{"ok":true,"password":"{OPAQUE}"}}',
        f'{{"a":null,"secureKey":"{OPAQUE}"}}',
        f'{{"1":"ok","password":"{OPAQUE}"}}',
        f'{{"a:"password":"{OPAQUE}"}}',
        f"<script>var c={{'ok':!0,on, 'password' : '{OPAQUE}'}}</script>",
    ],
)
def test_what_stands_before_takes_no_name(text):
    assert values(in_names(text, Rules(), is_traffic=False)) == [OPAQUE]


@pytest.mark.parametrize(
    ("text", "written", "value"),
    [
        ('data: {"lastName":"O\'Brien"}', "O'Brien", "O'Brien"),
        (r'data: {"password":"pa\u0026ss\/wo\\\"rd1"}', r"pa\u0026ss\/wo\\\"rd1", 'pa&ss/wo\\"rd1'),
        (r'data: {"password":"pa\n\u00e4ss"}', r"pa\n\u00e4ss", "pa\näss"),
        (r"x = {password: 'pa\'s\"s'}", r"pa\'s\"s", "pa's\"s"),
        (r'data: {"a":"{\"password\":\"pa\\\"s\\\\\",\"b\":\"c\"}"}', r"pa\\\"s\\\\", 'pa"s\\'),
        (r'data: {"a":"{\"password\":\"pa\/s\"}"}', r"pa\/s", "pa/s"),
        ('{"name":"password","value":"pa\'ss"}', "pa'ss", "pa'ss"),
        ("a\nphone=0151 1234567 is it", "0151 1234567", "0151 1234567"),
        ("a\nphone=01511234567 2027 is it", "01511234567", "01511234567"),
    ],
)
def test_a_value_ends_with_the_quote_that_opened_it(text, written, value):
    (found,) = leaks.in_prose(text, Rules())
    assert (text[found.start : found.end], found.value) == (written, value)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r"password='\u0061\/'", r"\"\'\/\u00e4\n"),
        (r'password="ä\u0061/"', r"\"'/ä\n"),
        (r"\"password\":\"\\u0061/\"", r"\\\"'/\\u00e4\\n"),
    ],
)
def test_another_value_is_written_like_it(text, written):
    (found,) = leaks.in_prose(text, Rules())
    assert found.write("\"'/ä\n") == written


@pytest.mark.parametrize("text", ['it\'s password=\'abc","x":"it\'s', "password='a\nb'", 'password="'])
def test_a_quote_that_nothing_closes_opens_no_value(text):
    assert list(leaks.in_prose(text, Rules())) == []


@pytest.mark.parametrize(("name", "place"), [("password", "password"), ("colour", "value")])
def test_value_beside_a_private_name_is_that_ones(name, place):
    found = leaks.fields(b'[{"name":"%s","value":"sesame"}]' % name.encode(), "", Rules())
    assert [leaf.path for leaf in found if leaf.value == "sesame"] == [(0, place)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"comment":"5" screen","password":"hunter22 hunter, 22"}', "hunter22 hunter, 22"),
        ('{"comment":"5" screen","pin":4711,"a":1}', ":4711,"),
        ("{a:1,password:'hunter22 hunter'+b}", "hunter22 hunter"),
        ('{"a":b,"password":"hunter22"}', "hunter22"),
        ('{"a":b,"password":"hunter22","pin":4711,"pin":4712', "hunter22"),
    ],
)
def test_json_out_of_step_hides_no_name(text, value):
    found = leaks.fields(text.encode(), "", Rules())
    assert value in [leaf.value for leaf in found if leaf.path[-1:] in (("password",), ("pin",))]
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_names_in_strings_of_odd_json_are_none_of_its_own():
    found = leaks.fields(b"{a:1,\"b\":\"c password='x1' to='d'\"}", "", Rules())
    assert [leaf.value for leaf in found] == ["a", "1", "b", "c password='x1' to='d'"]


@pytest.mark.parametrize(
    "text",
    [
        b'{"name":"password","value":"sesame"}\n{"name":"colour","value":"red"}',
        b"name=password&value=sesame&name=colour&value=red",
        b'{"Name":"password","Value":"sesame"}',
        b'{"key":"colour","value":4711,"name":"pin"}',
    ],
)
def test_values_stand_at_the_names_nearest_to_them(text):
    found = leaks.fields(text, "", Rules())
    private = [
        (leaf.path, leaf.value) for leaf in found if leaf.sort is not Sort.KEY and leaks.kind_of(leaf.path, Rules())
    ]
    assert private in ([(("password",), "sesame")], [(("pin",), "4711")])


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
        (Kind.PHONE, "tel:+5", False),
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
