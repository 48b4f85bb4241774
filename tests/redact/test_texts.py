import base64
import json
import random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gms_replay import leaks, privacy
from gms_replay.privacy import Kind
from gms_replay.redact.standins import StandIns
from gms_replay.redact.texts import Texts
from gms_replay.rules import Rules

KEY = b"a key for tests!"
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=xx"
OF = StandIns(KEY).of
SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U73"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNMTIzNDU2In0.c2lnbmF0dXJl"
TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"


def texts(*, typed: bool = False, rules: Rules | None = None, keeps_stand_ins: bool = False) -> Texts:
    return Texts(KEY, typed=typed, rules=rules or Rules(), keeps_stand_ins=keeps_stand_ins)


def told(text: str | bytes, content_type: str = "", *, is_told: bool = False, by: Texts | None = None) -> str:
    by = by or texts()
    raw = text.encode() if isinstance(text, str) else text
    by.learn(raw, content_type, is_told=is_told)
    return by.told(raw, content_type, is_told=is_told).decode()


@pytest.mark.parametrize(
    "text",
    [
        '{"_id":"%s","_action":"DialNumber"}',
        '{"_expires":"Fri, 02 May 2014 16:27:30 GMT","startedAt":"2014-05-02T16:27:38Z"}',
        '{"_tel_url":"2014-05-02T16:27:38Z","token":"","auth":null,"pin":"false"}',
        '{"_user_action_url":"http://gms.example:8080/genesys/1/service/%s/connect?a=b"}',
        '[{"channel":"/meta/connect","clientId":"4z1kz6bu5k1ewpj0h6dv1xkaa","id":"12345678901234"}]',
        '{"2014-05-02T16:30:00.000Z":5}',
        '{"_text":"You will receive the call shortly."}',
        '{"_text":"at 5 @ noon + 3?"}',
        '{"exception":"com.genesyslab.X","message":"no such service"}',
        '{"to":"/topics/news"}',
        '{"timestamp":1399048050,"utcTime":4111111111111111}',
        "plain words",
        "",
    ],
)
def test_nothing_is_secret(text: str) -> None:
    text = text.replace("%s", SERVICE)

    assert told(text, is_told=True) == text


@pytest.mark.parametrize("text", ["/a?x=" * 3000, '{"url":"%s"}' % ("/a?x=" * 3000), "a=" * 3000])
def test_urls_in_urls_end_somewhere(text: str) -> None:
    assert told(text) == texts().target(text) == text


@pytest.mark.parametrize("name", ["user_token", "user_password", "customerPhone1", "customerFirstName", "tokens"])
def test_what_is_private_by_its_last_words_is_found_by_a_check(name: str) -> None:
    for text in (f'{{"{name}":"hunter2x"}}', f"a=b&{name}=hunter2x"):
        (leak,) = leaks.in_names(text, Rules(), is_traffic=True)
        assert told(text) == text.replace(leak.value, OF("hunter2x"))


@pytest.mark.parametrize(
    "text",
    [
        '[{"name":"password","value":"hunter2x"}]',
        '{"a":[{"value":"hunter2x","key":"user_token"}]}',
        '{"name":"password","value":"hunter2x"}\n{"name":"colour","value":"red"}',
        "name=password&value=hunter2x&name=colour&value=red",
        '{"Name":"password","Value":"hunter2x"}',
        '{"a":"http://h/?b=1;password=hunter2x"}',
        '{"phones":[{"number":"hunter2x"}],"mobile":{"value":"hunter2x"}}',
        r'{"a":"[{\"name\":\"password\",\"value\":\"hunter2x\"}]"}',
    ],
)
def test_names_beside_values_say_what_they_are(text: str) -> None:
    assert told(text) == text.replace("hunter2x", OF("hunter2x"))


@pytest.mark.parametrize(
    "text", ['data: {"ok":true,"password":"hunter2x"}\n\n', '<script>var c={"ok":true,"password":"hunter2x"}</script>']
)
def test_names_in_lines_and_scripts_say_what_is_secret(text: str) -> None:
    assert told(text) == text.replace("hunter2x", OF("hunter2x"))


@pytest.mark.parametrize("comment", ['5" screen', '5" x 5', '" "" "'])
def test_odd_quotes_shift_no_secret(comment: str) -> None:
    text = f'{{"comment":"{comment}","password":"hunter22, hunter","a":"b"}}'

    assert told(text) == text.replace("hunter22, hunter", OF("hunter22, hunter"))


@pytest.mark.parametrize("value", ["O'Brien-Smith", 'hun"ter&22', "hun/ter'22", "a\\b\tpassword1"])
def test_escapes_end_no_secret(value: str) -> None:
    data = json.dumps({"ok": True, "password": value}).replace("&", "\\u0026").replace("/", "\\/")

    found = json.loads(told(f"data: {data}").removeprefix("data: "))
    assert found == {"ok": True, "password": OF(value)}


@pytest.mark.parametrize(
    "number", ["+49\u00a0151\u00a012345678", "+49 151\u201112345678", "4111\u00a01111\u20111111\u20111111"]
)
@pytest.mark.parametrize("is_ascii", [True, False])
def test_numbers_that_no_line_ends_in_are_known(number: str, is_ascii: bool) -> None:
    found = json.loads(told(json.dumps({"text": f"call {number}"}, ensure_ascii=is_ascii)))
    assert found == {"text": f"call {OF(number)}"}


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        (
            "--xx\r\nContent-Type: application/http\r\n\r\nPOST /send HTTP/1.1\r\nx-goog-api-key: hunter2x\r\n\r\n"
            '{"message":{"token":"hunter2x"}}\r\n--xx--',
            "multipart/mixed; boundary=xx",
        ),
        ('"<b>password=hunter2x</b>"', "application/json"),
    ],
)
def test_names_in_what_has_none_say_what_is_secret(text: str, content_type: str) -> None:
    assert told(text, content_type) == text.replace("hunter2x", OF("hunter2x"))


@pytest.mark.parametrize(
    "text",
    [
        '{password:"hunter2x"}',
        '{*password": "hunter2x", "a": 1}',
        "{'password':'hunter2x'}",
        "{'my password':'hunter2x'}",
        '{ok:1, password : "hunter2x"}',
        r'{"data\/password":"hunter2x"}',
        r'{"a":"{\"password\":\"hunter2x\"}"}',
        '{"user data[password]":"hunter2x"}',
    ],
)
def test_names_are_known_in_whatever_quotes(text: str) -> None:
    assert told(text) == text.replace("hunter2x", OF("hunter2x"))


@pytest.mark.parametrize(
    "target",
    [
        '/a?{"b":"c d","pin":"hunter2x"}',
        "/a?%7B%22b%22:%22c%20d%22,%22pin%22:%22hunter2x%22%7D",
        "/a?%7B%22b%22:%22%FF%22,%22pin%22:%22hunter2x%22%7D",
        "/a?b=1;pin=hunter2x",
        "http://h/?b=1;pin=hunter2x",
    ],
)
def test_queries_of_other_sorts_hold_secrets(target: str) -> None:
    by = texts()
    by.learn_target(target)
    assert by.target(target) == target.replace("hunter2x", OF("hunter2x"))


def test_header_may_be_json() -> None:
    by, value = texts(), '{"a":1,"password":"hunter2x"}'
    by.learn_header("X-User-Data", value)
    assert by.header("X-User-Data", value) == value.replace("hunter2x", OF("hunter2x"))


def test_json_in_a_header_is_learned() -> None:
    by = texts()
    by.learn_header("X-User-Data", '{"a":1,"password":"hunter2x"}')
    assert by.words("hunter2x") == OF("hunter2x")


def test_long_prologue_of_a_script_hides_no_json() -> None:
    name = "jQuery17201399048050000_1399048050123"
    text = f'/**/ typeof {name} === \'function\' && {name}({{"a":{{"password":"pass\\u0026word1"}}}});'

    assert told(text) == text.replace("pass\\u0026word1", OF("pass&word1"))


@pytest.mark.parametrize("name", ["colour", "subject", "value"])
def test_names_beside_values_may_say_nothing(name: str) -> None:
    text = f'[{{"name":"{name}","value":"hunter2x"}},{{"value":"1"}}]'
    assert told(text) == text


def test_escaped_letters_stay_json() -> None:
    text = '{"a":"Gr\\u00fc\\u00dfe, ann@mail.test \\ud83d\\ude00","b":"/"}'

    assert json.loads(told(text)) == {"a": f"Grüße, {OF('ann@mail.test')} 😀", "b": "/"}
    assert told(text) == text.replace("ann@mail.test", OF("ann@mail.test"))


@pytest.mark.parametrize(("id_told", "is_kept"), [("0079556B07E60003", True), ("4711", False), ("alice", False)])
def test_ids_that_may_be_secrets(id_told: str, is_kept: bool) -> None:
    by = texts()
    told(f'{{"userId":"{id_told}"}}', is_told=True, by=by)

    shown = f'{{"token":"{id_told}"}}'
    assert (told(shown, by=by) == shown) is is_kept


@pytest.mark.parametrize("name", ["userId", "_id", "id"])
@pytest.mark.parametrize("value", ["ann@mail.test", "+15417543010"])
def test_who_somebody_is_as_an_id(name: str, value: str) -> None:
    assert told(f'{{"{name}":"{value}"}}', is_told=True) == f'{{"{name}":"{OF(value)}"}}'


@pytest.mark.parametrize(
    ("text", "content_type", "expected"),
    [
        ('{"_customer_number":"+15417543010"}', "", f'{{"_customer_number":"{OF("+15417543010")}"}}'),
        ('{"_customer_number":15417543010}', "", f'{{"_customer_number":{OF("15417543010")}}}'),
        ('{"_access_code":4711}', "", f'{{"_access_code":{OF("4711")}}}'),
        ('{"pin":[-4711,0.4711,4711e5]}', "", f'{{"pin":[-{OF("4711")},0.{OF("4711")},{OF("4711")}e5]}}'),
        ('{"phone":4.915112345678E12}', "", f'{{"phone":{OF("4915112345678")[0]}.{OF("4915112345678")[1:]}E12}}'),
        ('{"phone":4915112345678.0}', "", f'{{"phone":{OF("4915112345678")}.0}}'),
        ('{"otp":[1e5,0.0,-0]}', "", f'{{"otp":[{OF("1")}e5,0.0,-0]}}'),
        ('{"_tel_url":"tel:+15417543010",}', "", f'{{"_tel_url":"tel:{OF("+15417543010")}",}}'),
        ('{"email":"ann@mail.test"\n}', "", f'{{"email":"{OF("ann@mail.test")}"\n}}'),
        ('{"a":"mail ann@mail.test!"}', "", f'{{"a":"mail {OF("ann@mail.test")}!"}}'),
        ('{"ann@mail.test":1}', "", f'{{"{OF("ann@mail.test")}":1}}'),
        ('{"a":"card 4111 1111 1111 1111"}', "", f'{{"a":"card {OF("4111 1111 1111 1111")}"}}'),
        ('{"a":"{\\"token\\":\\"hunter2\\"}"}', "", f'{{"a":"{{\\"token\\":\\"{OF("hunter2")}\\"}}"}}'),
        ('"{\\"token\\":\\"hunter2\\"}"', "", f'"{{\\"token\\":\\"{OF("hunter2")}\\"}}"'),
        ('cb([{"data":{"auth":"hunter2"}}])', "", f'cb([{{"data":{{"auth":"{OF("hunter2")}"}}}}])'),
        ('{"authorization":"Bearer hunter2"}', "", f'{{"authorization":"Bearer {OF("hunter2")}"}}'),
        ('{"password":"two words"}', "", f'{{"password":"{OF("two")} {OF("words")}"}}'),
        ("email=ann%40mail.test&x=1", FORM, f"email={OF('ann@mail.test').replace('@', '%40')}&x=1"),
        ('{"token":"hunter2"}', FORM, f'{{"token":"{OF("hunter2")}"}}'),
        ('message={"token":"hunter2"}', FORM, f'message={{"token":"{OF("hunter2")}"}}'),
        ("http://gms:hunter2@gms.example/", "", f"http://{OF('gms')}:{OF('hunter2')}@gms.example/"),
        ('{"url":"/a?apikey=hunter2#b"}', "", f'{{"url":"/a?apikey={OF("hunter2")}#b"}}'),
        ('{"url":"https://a.b/c#apikey=hunter2"}', "", f'{{"url":"https://a.b/c#apikey={OF("hunter2")}"}}'),
        ('{"url":"c?a=b&amp;apikey=hunter2"}', "", f'{{"url":"c?a=b&amp;apikey={OF("hunter2")}"}}'),
        ('{"form":"apikey=hunter2&pin=4711"}', "", f'{{"form":"apikey={OF("hunter2")}&pin={OF("4711")}"}}'),
        ('{"url":"https://a.b/c?x=1&apikey=hunter2"}', "", f'{{"url":"https://a.b/c?x=1&apikey={OF("hunter2")}"}}'),
        (f'{{"u":"https://a/3/device/{TOKEN}"}}', "", f'{{"u":"https://a/3/device/{OF(TOKEN)}"}}'),
        ('{"registration_ids":["a1b2c3d4"]}', "", f'{{"registration_ids":["{OF("a1b2c3d4")}"]}}'),
        ('{"u":"/by/%2b15417543010"}', "", f'{{"u":"/by/%2b{OF("+15417543010")[1:]}"}}'),
        (f'{{"a":"see {JWT}"}}', "", f'{{"a":"see {OF(JWT)}"}}'),
        (f'{{"a":"Bearer {TOKEN}"}}', "", f'{{"a":"Bearer {OF(TOKEN)}"}}'),
        ('{"a":"basic Z21zOnNlc2FtZQ=="}', "", f'{{"a":"basic {StandIns(KEY).basic("Z21zOnNlc2FtZQ==")}"}}'),
        ("<p>token: hunter2 <script>var pin = '4711'", "", f"<p>token: hunter2 <script>var pin = '{OF('4711')}'"),
        ("a=1\npassword=hunter2", "", f"a=1\npassword={OF('hunter2')}"),
        ("Password: must have a digit", "", "Password: must have a digit"),
        ('{"password":hunter4711x,"pin":null}', "", f'{{"password":{OF("hunter4711x")},"pin":null}}'),
        ("Call me: phone=+49 30 901820 soon", "", f"Call me: phone={OF('+49 30 901820')} soon"),
        ("<p>tel=+49(30)901820</p>", "", f"<p>tel={OF('+49(30)901820')}</p>"),
        ('{"u":"/by/sip%3Aann%40mail.test"}', "", f'{{"u":"/by/sip%3A{OF("ann@mail.test").replace("@", "%40")}"}}'),
        ('{"u":"/by/%20ann@mail.test"}', "", f'{{"u":"/by/%20{OF("ann@mail.test")}"}}'),
        ('{"u":"/by/ann%2Bgms%40mail.test"}', "", f'{{"u":"/by/{quote(OF("ann+gms@mail.test"), safe="")}"}}'),
        ('{"nickname":"M\\u00fcller"}', "", f'{{"nickname":"{OF("Müller")}"}}'),
    ],
)
def test_secret_by_place_or_looks(text: str, content_type: str, expected: str) -> None:
    assert told(text, content_type) == expected


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("frame", [b"%b", b'--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n%b\r\n--xx--'])
def test_binary_bodies_stay(seed: int, frame: bytes) -> None:
    image = b"\xff\xd8\xff\xe0 to=T a@b.cd C@_K.A token=T " + random.Random(seed).randbytes(1 << 16)
    body = frame % image
    by = texts()
    by.learn(body, PARTS, is_told=False)

    assert by.told(body, PARTS, is_told=False) == body


def test_known_secret_is_replaced_in_a_binary_body() -> None:
    by = texts()
    by.learn_header("apikey", "hunter-4711")

    assert by.told(b"\xff\0 hunter-4711 \xff a@b.cd", "", is_told=True) == (
        b"\xff\0 %b \xff a@b.cd" % OF("hunter-4711").encode()
    )


def test_text_in_another_coding_is_read() -> None:
    by = texts()

    assert by.told(b"Gr\xfc\xdfe, ann@mail.test", "", is_told=True) == (
        b"Gr\xfc\xdfe, %b" % OF("ann@mail.test").encode()
    )


def test_json_in_another_coding_keeps_its_bytes() -> None:
    text = b'{"a":"Gr\xfc\xdfe, J\xf6rg ann@mail.test","nickname":"J\xf6rg"}'

    found = texts().told(text, "", is_told=True)
    assert found.startswith(b'{"a":"Gr\xfc\xdfe, J\xf6rg %b","nickname":"' % OF("ann@mail.test").encode())
    assert len(found.partition(b"nickname")[2]) == len(text.partition(b"nickname")[2])


def test_other_bytes_stay() -> None:
    text = b'{ "token" :\t"hunter2",\n "x":"\xff\\u00e4\\/",}\r\n'

    by = texts()
    assert by.told(text, "", is_told=True) == text.replace(b"hunter2", OF("hunter2").encode())


def test_half_a_surrogate_pair() -> None:
    text = rb'{"a":"{\"b\":\"\ud800 x\"}","c":"\udfff ann@mail.test","nickname":"\ud800nn Ann"}'
    by = texts()

    found = told(text, by=by)
    assert found.startswith(r'{"a":"{\"b\":\"\ud800 x\"}","c":"\udfff ' + OF("ann@mail.test"))
    assert told(text.replace(b"x", b"ann@mail.test"), by=by)


def test_lines_of_a_chat() -> None:
    line = ["Message.Text", "Ann L.", "Ann here, +49 30 901820", "7", "CLIENT"]
    text = json.dumps({"transcriptToShow": [line]})

    found = json.loads(told(text, is_told=True))["transcriptToShow"][0]
    assert found == ["Message.Text", OF("Ann L."), f"{OF('Ann')} here, {OF('+49 30 901820')}", "7", "CLIENT"]


def test_name_is_no_vocabulary() -> None:
    by = texts()
    told("firstName=Connect&lastName=Message", FORM, by=by)
    text = '{"_action":"Connect","_text":"Connect now","type":"Message","_user_action_url":"/1/service/x/Connect"}'

    assert told(text, is_told=True, by=by) == text.replace("Connect now", f"{OF('Connect')} now")


def test_known_value_is_replaced_anywhere() -> None:
    by = texts()
    told('{"secureKey":"ab12cd34ef"}', by=by)

    assert by.target("/x/ab12cd34ef?y=ab12cd34ef") == f"/x/{OF('ab12cd34ef')}?y={OF('ab12cd34ef')}"
    assert by.header("X-Trace", "a/ab12cd34ef") == f"a/{OF('ab12cd34ef')}"
    assert by.words("no ab12cd34ef") == f"no {OF('ab12cd34ef')}"


@pytest.mark.parametrize(
    "text",
    [
        '{"_chat_url":"https://h/chat?token=%s"}',
        '{"u":"https://h/?u=https%%3A%%2F%%2Fh%%2F%%3Ftoken%%3D%s"}',
        '{"u":"https://:%s@h/"}',
        '{"u":"/a;jsessionid=%s?b"}',
        '{"text":"Bearer %s"}',
        '{"https://h/chat?token=%s":1}',
        "<a href='/chat?token=%s'>",
        '{"form":"a=b&message=%%7B%%22token%%22:%%22%s%%22%%7D"}',
    ],
)
def test_what_is_found_in_a_text_is_known(text: str) -> None:
    by = texts()
    secret = "kT7sQx2Lw9Rb4Nf8"

    assert told(text % secret, by=by) == text % OF(secret)
    assert by.target(f"/chat/{secret}/refresh") == f"/chat/{OF(secret)}/refresh"


def test_word_before_a_host_is_none_elsewhere() -> None:
    by = texts()
    told('{"u":"https://gms:sesame@gms.test","v":"https://anna.meier42:x@h"}', by=by)

    assert by.words("gms.test, anna.meier42", is_shown=True) == f"gms.test, {OF('anna.meier42')}"


def test_what_is_found_in_a_target_or_header_is_known() -> None:
    by = texts()
    by.learn_header("Location", "https://h/a?access_token=kT7sQx2Lw9Rb4Nf8")
    by.learn_target("/chat/ann@mail.test?u=https://h/a?apikey=b4Nf8kT7sQx2")

    known = '{"resume":"kT7sQx2Lw9Rb4Nf8","a":"b4Nf8kT7sQx2","b":"ann%40mail.test"}'
    assert json.loads(told(known, by=by)) == {
        "resume": OF("kT7sQx2Lw9Rb4Nf8"),
        "a": OF("b4Nf8kT7sQx2"),
        "b": OF("ann@mail.test").replace("@", "%40"),
    }


@pytest.mark.parametrize("slash", ["%2F", "%2f", "%252F", "%252f", "\\/", "\\u002F", "\\u002f"])
def test_known_value_in_any_escapes(slash: str) -> None:
    by = texts()
    by.learn_header("apikey", "kT7sQx2L/w9Rb4Nf8")

    text = '{"a":"see kT7sQx2L/w9Rb4Nf8, soon"}'
    found = told(text.replace("/", slash), by=by)
    assert "kT7s" not in found
    assert len(found) <= len(text.replace("/", slash))


def test_percent_coded_value_is_known_plain() -> None:
    by = texts()
    by.learn_header("Cookie", "k=ab%2F12cd34ef")

    assert by.header("Cookie", "k=ab%2F12cd34ef") == f"k={OF('ab/12cd34ef').replace('/', '%2F')}"
    assert by.words("ab/12cd34ef") == OF("ab/12cd34ef")


def test_phone_number_is_known_otherwise_written() -> None:
    by = texts()
    told('{"_customer_number":"+15417543010"}', by=by)

    assert "754" not in by.words("(541) 754-3010 or 5417543010")


@pytest.mark.parametrize(
    ("number", "line"),
    [
        ("+4915112345678", "call 004915112345678 or 015112345678 or 0049 151 1234 5678 or (0151) 1234-5678"),
        ("(415) 555-0199", "call 4155550199 or 1-415-555-0199 or 415.555.0199"),
    ],
)
def test_phone_number_is_known_in_what_people_say(number: str, line: str) -> None:
    by = texts()
    told(json.dumps({"_customer_number": number}), by=by)
    found = told(json.dumps({"transcriptToShow": [["Message.Text", "", line, "7", "CLIENT"]]}), is_told=True, by=by)

    def digits(text: str) -> str:
        return "".join(one for one in text if one.isdigit())

    own = digits(OF(number))[-10:]
    assert found.count("call") == 1
    assert all(digits(one).endswith(own) for one in json.loads(found)["transcriptToShow"][0][2].split(" or "))
    assert digits(number)[-4:] not in by.target(f"/a?b={digits(number)}")


@pytest.mark.parametrize("number", ["4.915112345678E12", "4915112345678.0", "4915112345678"])
def test_phone_number_as_a_number_is_known_elsewhere(number: str) -> None:
    by = texts()
    told(f'{{"phone":{number}}}', by=by)

    found = told('{"a":4.915112345678E12,"b":"4915112345678"}', by=by)
    assert found == f'{{"a":{OF("4915112345678")[0]}.{OF("4915112345678")[1:]}E12,"b":"{OF("4915112345678")}"}}'


@pytest.mark.parametrize("key", range(20))
@pytest.mark.parametrize("number", ["4.915112345678E12", "4915112345678.0", "1e5", "123456.75", "-98765"])
def test_stand_in_of_a_number_is_known_as_one(number: str, key: int) -> None:
    by = Texts(b"%016d" % key, typed=False, rules=Rules())
    found = told(f'{{"phone":{number},"otp":{number}}}', by=by)

    assert [leaks.is_secret(Kind.PHONE, str(raw)) for raw in json.loads(found, parse_float=str).values()] == [False] * 2


def test_known_phone_number_stays_a_number_in_json() -> None:
    by = texts()
    for number in range(20):
        told(f'{{"phone":"(415) 555-01{number:02}"}}', by=by)
    numbers = ",".join(f"41555501{number:02}" for number in range(20))
    found = told(f"[{numbers}]", by=by)

    assert all(len(str(one)) == 10 for one in json.loads(found))
    assert "415555" not in found


def test_device_is_known_in_capitals_and_as_bytes() -> None:
    by = texts()
    by.learn_token(bytes.fromhex(TOKEN.replace("00", "0a")[:64]))

    assert by.words(TOKEN.replace("00", "0a").upper()) == OF(TOKEN.replace("00", "0a")).upper()
    assert by.token(bytes.fromhex(TOKEN)).hex() == OF(TOKEN)
    assert by.token(b"") == b""


def test_id_that_stands_where_secrets_do() -> None:
    by = texts()
    told(f'{{"_id":"{SERVICE}"}}', is_told=True, by=by)

    assert told(f'{{"token":"{SERVICE}"}}', by=by) == f'{{"token":"{SERVICE}"}}'


def test_secret_that_becomes_an_id() -> None:
    by = texts()
    by.learn_header("Set-Cookie", "GMSID=abc123456789; Path=/")
    told('{"_id":"abc123456789"}', is_told=True, by=by)

    assert by.header("Cookie", "GMSID=abc123456789") == f"GMSID={OF('abc123456789')}"


@pytest.mark.parametrize(
    "text", ['{"order":{"ticketNo":"T-1"}}', '{"order.ticketNo":"T-1"}', '{"order[ticketNo]":"T-1"}']
)
def test_field_of_a_user_in_any_notation(text: str) -> None:
    by = texts(rules=Rules(redacted=frozenset({"order.ticketNo"})))

    assert told(text, by=by) == text.replace("T-1", OF("T-1"))


def test_name_of_any_length_counts() -> None:
    name = f"the{'Very' * 20}LongPassword"

    assert told(f'{{"{name}":"hunter-4711"}}') == f'{{"{name}":"{OF("hunter-4711")}"}}'


@pytest.mark.parametrize("key", range(3))
def test_phone_number_stays_a_number(key: int) -> None:
    by = Texts(b"%016d" % key, typed=False, rules=Rules(region="IT"))

    assert json.loads(told('{"_customer_number":3331234567}', by=by))


@pytest.mark.parametrize("name", ["_id", "userId", "channel"])
def test_secret_that_stands_where_ids_do(name: str) -> None:
    by = texts()
    by.learn_header("apikey", "hunter-4711")

    assert told(f'{{"{name}":"/a/hunter-4711"}}', by=by) == f'{{"{name}":"/a/{OF("hunter-4711")}"}}'


@pytest.mark.parametrize("name", ["_id", "channel", "connectionType", "timestamp"])
@pytest.mark.parametrize("value", [JWT, "ann@mail.test"])
def test_what_looks_secret_is_no_id(name: str, value: str) -> None:
    assert told(f'{{"{name}":"/a/{value}"}}') == f'{{"{name}":"/a/{OF(value)}"}}'


def test_id_as_a_number_is_the_same_value() -> None:
    by = texts()
    told('{"accountNumber":"12345678901234"}', by=by)

    known = OF("12345678901234")
    assert told('{"id":12345678901234,"a":12345678901234,"_id":"12345678901234"}', by=by) == (
        f'{{"id":{known},"a":{known},"_id":"{known}"}}'
    )


@pytest.mark.parametrize("field", ["startedAt", "timestamp", "start_time", "_eta"])
@pytest.mark.parametrize("value", ["1445551234", "20240115", '"1445551234"', '"20240115"', '"2024-01-15T10:00:00Z"'])
def test_times_stay_whatever_is_known(field: str, value: str) -> None:
    by = texts()
    told('{"phone":"5551234","accountNumber":20240115}', by=by)

    text = f'{{"{field}":{value}}}'
    assert told(text, by=by) == text
    target = f"/a?{field}={value}&b=20240115".replace('"', "")
    assert by.target(target) == target.replace("b=20240115", f"b={OF('20240115')}")


def test_secret_where_a_time_is_to_stand() -> None:
    by = texts()
    by.learn_header("apikey", "hunter-4711")

    assert told('{"timestamp":"hunter-4711"}', by=by) == f'{{"timestamp":"{OF("hunter-4711")}"}}'


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ('"a" and apikey=hunter-4711', ""),
        ('hunter-4711({"a":"b"})', "text/javascript"),
        ('{"a":"b"} hunter-4711', ""),
        ("hunter-4711=1&a=2", FORM),
        ('{"a":see hunter-4711 5 hunter-4711,"b":1}', ""),
        ('--xx\r\nContent-Disposition: form-data; name="file"; filename="hunter-4711.pdf"\r\n\r\n1', PARTS),
    ],
)
def test_secret_between_values(text: str, content_type: str) -> None:
    by = texts()
    by.learn_header("apikey", "hunter-4711")

    assert told(text, content_type, by=by) == text.replace("hunter-4711", OF("hunter-4711"))


def test_secret_of_several_words_in_what_is_no_proper_json() -> None:
    by = texts()
    by.learn_header("apikey", "kT7sQx2L w9Rb4Nf8")

    assert told('{"a":kT7sQx2L w9Rb4Nf8}', by=by) == f'{{"a":{OF("kT7sQx2L w9Rb4Nf8")}}}'
    assert told('{"authorization":Bearer hunter2}', by=by) == f'{{"authorization":Bearer {OF("hunter2")}}}'


@pytest.mark.parametrize("target", ["/a?hunter-4711", "/a?b=1&hunter-4711#x", "/a?b@c&hunter-4711=1"])
def test_query_need_not_be_pairs(target: str) -> None:
    by = texts()
    by.learn_header("apikey", "hunter-4711")

    assert by.target(target) == target.replace("hunter-4711", OF("hunter-4711"))


def test_bare_query_may_be_an_address() -> None:
    assert texts().target("/a?ann@mail.test") == f"/a?{OF('ann@mail.test')}"


def test_user_and_password_are_known() -> None:
    by = texts()
    credentials = base64.b64encode(b"gms-4711-user:sesame-4711").decode()
    by.learn_header("Authorization", f"Basic {credentials}")

    told_header = by.header("Authorization", f"Basic {credentials}")
    user, _, password = base64.b64decode(told_header.removeprefix("Basic ")).decode().partition(":")
    assert (user, password) == (OF("gms-4711-user"), OF("sesame-4711"))
    assert by.words("sesame-4711") == password


def test_target() -> None:
    by = texts()
    target = f"/3/device/{TOKEN}?_customer_number=%2B15417543010&operand=AND&message=%7B%22auth%22%3A%22hunter2%22%7D"
    by.learn_target(target)

    phone = OF("+15417543010").replace("+", "%2B")
    frame = f"%7B%22auth%22%3A%22{OF('hunter2')}%22%7D"
    assert by.target(target) == f"/3/device/{OF(TOKEN)}?_customer_number={phone}&operand=AND&message={frame}"
    assert by.target("/a/b") == "/a/b"
    assert by.target("*") == "*"


def test_typed_text() -> None:
    by = texts(typed=True)
    line = ["Message.Text", "Ann", "I am here", "7", "CLIENT"]

    found = json.loads(told(json.dumps({"transcriptToShow": [line]}), is_told=True, by=by))["transcriptToShow"][0]
    assert found[2] == json.loads(told('{"message":"I am here"}', by=by))["message"] != "I am here"
    notice = json.dumps({"transcriptToShow": [["Notice.Left", "", "somebody has left", "8", "AGENT"], line]})
    assert "somebody has left" in told(notice, is_told=True, by=by)
    assert "I am here" not in told(notice, is_told=True, by=by)
    assert told('{"message":"http://a.example/"}', by=by) == '{"message":"http://a.example/"}'
    assert told('{"exception":"x","message":"gone"}', is_told=True, by=by) == '{"exception":"x","message":"gone"}'


TYPED = (
    "mail ann.lee@mail.test, call +49 151 12345678",
    "ann.lee@mail.test",
    "my card 4111 1111 1111 1111 and order 1234567890123456",
    "see https://ann:sesame4711@gms.test/a and +4915112345678!",
    "+15417543010 4111111111111111",
)


@pytest.mark.parametrize("text", TYPED)
def test_what_is_private_by_its_looks_in_typed_text(text: str) -> None:
    by = texts(typed=True)
    found = json.loads(told(json.dumps({"message": text}), by=by))["message"]

    assert not [one for one in leaks.in_text(found) if one.is_secret]
    assert set(text.split()) & set(found.split()) <= {"+49"}
    assert all(OF(text[part.start : part.end]) in found for part in privacy.looks(text) if part.kind is not Kind.EMAIL)
    again = Texts(b"another key for tests", typed=True, rules=Rules(), keeps_stand_ins=True)
    assert told(json.dumps({"message": found}), by=again) == json.dumps({"message": found})


@given(text=st.lists(st.sampled_from(["a@b.cc", "+49", "151", "1234 5678", " ", "4111", "://", "x:y@", "?", "ok"])))
def test_any_typed_text(text: list[str]) -> None:
    said = "".join(text)

    assert len(json.loads(told(json.dumps({"message": said}), by=texts(typed=True)))["message"]) >= len(said)


def test_fields_of_the_rules_file() -> None:
    by = texts(rules=Rules(redacted=frozenset({"ticketNo", "X-Trace"}), unredacted=frozenset({"nickname", "apikey"})))

    assert told('{"ticketNo":"T-1","nickname":"Ann"}', by=by) == f'{{"ticketNo":"{OF("T-1")}","nickname":"Ann"}}'
    assert by.header("X-Trace", "T-1") == OF("T-1")
    assert by.header("apikey", "hunter2") == "hunter2"


def test_country_of_the_rules_file() -> None:
    assert told("phone=030+901820", FORM, by=texts(rules=Rules(region="DE"))).startswith("phone=0")


def test_stand_in_may_stay() -> None:
    once = told('{"token":"hunter2","email":"ann@mail.test","message":"I am"}', by=texts(typed=True))
    other = Texts(b"another key for tests", typed=True, rules=Rules(), keeps_stand_ins=True)

    assert told(once, by=other) == once
    assert told(once) != once


@given(st.binary(max_size=60), st.sampled_from(["", FORM, "multipart/form-data; boundary=x"]), st.booleans())
def test_any_bytes_are_told(text: bytes, content_type: str, is_told: bool) -> None:
    by = texts(typed=True)
    by.learn(text, content_type, is_told=is_told)

    assert by.told(text, content_type, is_told=is_told) == by.told(text, content_type, is_told=is_told)


@given(
    st.text(max_size=60), st.sampled_from(["Cookie", "Set-Cookie", "Authorization", "apikey", "Referer", "gms_user"])
)
def test_any_header_and_target_are_told(text: str, name: str) -> None:
    by = texts()
    by.learn_header(name, text)
    by.learn_target(text)

    assert by.header(name, text) == by.header(name, text)
    assert by.target(text).count("?") >= ("?" in text)
