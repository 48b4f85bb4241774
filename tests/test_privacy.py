import inspect
import re

import pytest

from gms_replay import gms, privacy
from gms_replay.privacy import Kind, Part

PUBLIC = """
BAYEUX_BROWSER ContactCenterId Date DisplayMenu Expires StartChat _action _call_direction _chat_parameters _comet_url
_confirmation_dialog _content _debug _desired_time _device_os _dialog_id _dialog_type _dismiss_timeout _eta
_expiration_time _expires _genesys _group_content _group_name _id _id_to_jump_before _label _language _media_type
_method _new_desired_time _ok_title _position _provide_code _resource_url _start_chat_url _total_waiting _type
_user_action_url _verbose _wait_for_agent _wait_for_user_confirm a alias aps availability channel chatEnded chatId
chatIxnState chatServerHost chatServiceMessage chatSessionId clientId code connect customNotice data durationMin
end_time error errors exception httpcb id key l localTime maxInterval mobile_os n name nextPosition notify_by o p
participantId phrase provide_code pushUrl reason snooze start_time startedAt statusCode tag tc timestamp timezone
transcriptPosition transcriptToShow ts updateData userData userId utcTime
"""
"""Of GMS.md every field that holds nothing private."""


def cut(text: str, parts: tuple[Part, ...]) -> list[tuple[str, Kind]]:
    return [(text[part.start : part.end], part.kind) for part in parts]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("_customer_number",), Kind.PHONE),
        (("_tel_url",), Kind.PHONE),
        (("_access_code",), Kind.CODE),
        (("_device_notification_id",), Kind.DEVICE),
        (("push_notification_deviceid",), Kind.DEVICE),
        (("_user_header",), Kind.USER),
        (("data", "message", "secureKey"), Kind.CREDENTIAL),
        (("ext", "auth"), Kind.CREDENTIAL),
        (("ext", "auth", "value"), Kind.CREDENTIAL),
        (("ext", "auth", "type"), None),
        (("firstName",), Kind.NAME),
        (("first_name",), Kind.NAME),
        (("userData[FirstName]",), Kind.NAME),
        (("userData", "EmailAddress"), Kind.EMAIL),
        (("userData[name]",), Kind.NAME),
        (("customer", "name"), Kind.NAME),
        (("service", "name"), None),
        (("name",), None),
        (("message",), Kind.TEXT),
        (("subject",), Kind.TEXT),
        (("_chat_parameters", "subject"), Kind.TEXT),
        (("data", "message", "transcriptToShow", 3, 0), None),
        (("data", "message", "transcriptToShow", 3, 1), Kind.NAME),
        (("data", "message", "transcriptToShow", 3, 2), Kind.TEXT),
        (("data", "message", "transcriptToShow", 3, 3), None),
        (("data", "message", "transcriptToShow", 3, 4), None),
        (("messages", 0, "from", "nickname"), Kind.NAME),
        (("messages", 0, "text"), Kind.TEXT),
        (("messages", 0, "from", "type"), None),
        (("message", "token"), Kind.DEVICE),
        (("registration_ids", 1), Kind.DEVICE),
        (("to",), Kind.DEVICE),
        (("range", "to"), None),
        (("range.to",), None),
        (("userData.FirstName",), Kind.NAME),
        (("userData.name",), Kind.NAME),
        (("service.name",), None),
        (("first.name",), Kind.NAME),
        (("x-api-key",), Kind.CREDENTIAL),
        (("_id",), None),
        (("clientId",), None),
        (("chatSessionId",), None),
        (("userId",), None),
        (("alias",), None),
        (("_action",), None),
        (("transcriptPosition",), None),
        (("_desired_time",), None),
        (("user_token", "value"), Kind.CREDENTIAL),
        (("customer.first.name",), Kind.NAME),
        (("customer.phone.number",), Kind.PHONE),
        (("contact[phone_number]",), Kind.PHONE),
        (("user_phones[0]",), Kind.PHONE),
        (("tokens", 0), Kind.CREDENTIAL),
        (("phones", 0, "number"), Kind.PHONE),
        (("a", "phone", "value"), Kind.PHONE),
        (("order", "number"), None),
        (("emails", 1, "type"), None),
        ((), None),
        ((0, 1), None),
    ],
)
def test_field(path: tuple[str | int, ...], kind: Kind | None) -> None:
    assert privacy.field(path) is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("user_token", Kind.CREDENTIAL),
        ("oauth2Tokens", Kind.CREDENTIAL),
        ("tokens", Kind.CREDENTIAL),
        ("user_password", Kind.CREDENTIAL),
        ("APIPasswd2", Kind.CREDENTIAL),
        ("X-Goog-Api-Key", Kind.CREDENTIAL),
        ("x-gms-apikey", Kind.CREDENTIAL),
        ("x-genesys-key", Kind.CREDENTIAL),
        ("Ocp-Apim-Subscription-Key", Kind.CREDENTIAL),
        ("gmsAPIKey", Kind.CREDENTIAL),
        ("customer_phone", Kind.PHONE),
        ("phone1", Kind.PHONE),
        ("phones", Kind.PHONE),
        ("homePhoneNumber_2", Kind.PHONE),
        ("customer-mobile", Kind.PHONE),
        ("work_e_mail", Kind.EMAIL),
        ("otherEmailAddresses", Kind.EMAIL),
        ("customerFirstName", Kind.NAME),
        ("agent_display_name", Kind.NAME),
        ("my_device_token", Kind.DEVICE),
        ("iPhone", None),
        ("is_mobile", None),
        ("nextPageToken", None),
        ("max_tokens", None),
        ("address", None),
        ("serviceName", None),
        ("sort-key", None),
        ("x_key", None),
        ("bank_account", None),
        ("Access-Control-Allow-Credentials", None),
        ("_", None),
        ("42", None),
    ],
)
def test_last_words_of_a_name_say_what_it_is(name: str, kind: Kind | None) -> None:
    assert (privacy.field((name,)), privacy.header(name)) == (kind, kind)
    assert privacy.may_matter(name) is (kind is not None)


def test_no_public_field_of_gms_becomes_private() -> None:
    assert {name for name in PUBLIC.split() if privacy.field((name,)) or privacy.header(name)} == set()
    named = set(re.findall(r'"([A-Za-z_][\w-]*)"', inspect.getsource(gms)))
    assert {name for name in named if privacy.field((name,))} == {
        "_customer_number", "_device_notification_id", "_text", "_user_header", "email", "firstName", "gms_user",
        "lastName", "message", "nickname", "push_notification_deviceid", "secureKey", "subject", "text",
        "userDisplayName",
    }  # fmt: skip


def test_names_beside_values_say_what_they_are() -> None:
    told = [
        ((0, "value"), "hunter2"),
        ((0, "name"), "password"),
        (("name",), ""),
        (("value",), ""),
        ((), "name"),
        ((0,), ""),
    ]
    assert privacy.beside(told) == {0: [(0, "password")], 3: []}


def test_names_nearest_to_a_value_are_its() -> None:
    words = "name value Name Value value key name value name"
    told = [((word,), str(number)) for number, word in enumerate(words.split())]
    assert privacy.beside(told) == {1: [("0",)], 3: [("2",)], 4: [("6",), ("5",)], 7: [("8",)]}


def test_error_message_is_not_typed() -> None:
    assert privacy.field(("message",), is_told=True) is None
    assert privacy.is_shown(("message",))


@pytest.mark.parametrize(
    ("path", "is_shown"),
    [
        (("_text",), True),
        (("_content", 0, "_group_content", 1, "_label"), True),
        (("aps", "alert"), True),
        (("aps", "alert", "body"), True),
        (("message", "notification", "title"), True),
        (("transcriptToShow", 0, 2), True),
        (("transcriptToShow", 0, 0), False),
        (("nickname",), True),
        (("userData[Subject]",), True),
        (("_user_action_url",), False),
        (("_action",), False),
        (("_customer_number",), False),
    ],
)
def test_what_people_read(path: tuple[str | int, ...], is_shown: bool) -> None:
    assert privacy.is_shown(path) is is_shown


@pytest.mark.parametrize(
    ("name", "may_matter"),
    [
        ("transcriptToShow", True),
        ("name", True),
        ("nickname", True),
        ("_label", True),
        ("key", True),
        ("Name", True),
        ("KEY", True),
        ("_id", False),
        ("from", False),
    ],
)
def test_what_keys_may_matter(name: str, may_matter: bool) -> None:
    assert privacy.may_matter(name) is may_matter


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("Authorization", "Bearer abc.def", [("abc.def", Kind.CREDENTIAL)]),
        ("authorization", "Basic Z21zOnNlc2FtZQ==", [("Z21zOnNlc2FtZQ==", Kind.BASIC)]),
        ("Authorization", "key=AAAA-bb:c", [("AAAA-bb:c", Kind.CREDENTIAL)]),
        ("Authorization", "open sesame", [("open", Kind.CREDENTIAL), ("sesame", Kind.CREDENTIAL)]),
        ("Authorization", "YWJj==", [("YWJj==", Kind.CREDENTIAL)]),
        (
            "Authorization",
            'Digest username="ann", qop=auth, response="beef"',
            [("ann", Kind.USER), ("beef", Kind.CREDENTIAL)],
        ),
        ("Cookie", "JSESSIONID=node01; lang=de;x=", [("node01", Kind.CREDENTIAL), ("de", Kind.CREDENTIAL)]),
        ("Set-Cookie", "BAYEUX_BROWSER=a1b2;Path=/;HttpOnly", [("a1b2", Kind.CREDENTIAL)]),
        ("Set-Cookie", "gone=; Max-Age=0", []),
        ("Set-Cookie", 'a="b1"; Path=/', [("b1", Kind.CREDENTIAL)]),
        ("Cookie", 'a="b1" ; c={"d":"e"};f="g;h"', [(one, Kind.CREDENTIAL) for one in ("b1", '{"d":"e"}', "g", "h")]),
        ("Set-Cookie", "a1b2; Path=/", [("a1b2", Kind.CREDENTIAL)]),
        (
            "Set-Cookie",
            "a=b1; Expires=Wed, 09 Jun 2027 10:18:14 GMT, c=d2; Path=/\ne=f3",
            [("b1", Kind.CREDENTIAL), ("d2", Kind.CREDENTIAL), ("f3", Kind.CREDENTIAL)],
        ),
        ("X-Remote-User", "alice", [("alice", Kind.USER)]),
        ("apikey", "4711", [("4711", Kind.CREDENTIAL)]),
        ("apikey", "a=4711", [("a=4711", Kind.CREDENTIAL)]),
        ("apikey", "Bearer 4711", [("4711", Kind.CREDENTIAL)]),
        ("Authorization", "a=4711", [("a=4711", Kind.CREDENTIAL)]),
        ("X-API-Key", "4711", [("4711", Kind.CREDENTIAL)]),
        ("gms_user", " alice ", [("alice", Kind.USER)]),
        ("From", "ann@mail.test", [("ann@mail.test", Kind.EMAIL)]),
        ("X-Phone-Number", "4711", [("4711", Kind.PHONE)]),
        ("Content-Type", "text/plain", []),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ==", []),
        ("ContactCenterId", "4711", []),
        ("Text", "4711", []),
        ("apikey", "", []),
    ],
)
def test_header(name: str, value: str, secrets: list[tuple[str, Kind]]) -> None:
    assert cut(value, privacy.in_header(name, value)) == secrets


def test_path_names_device() -> None:
    assert cut("/3/device/00fc13", privacy.in_path("/3/device/00fc13")) == [("00fc13", Kind.DEVICE)]
    path = "/genesys/cometd;jsessionid=node01?a=b"
    assert cut(path, privacy.in_path(path)) == [("node01", Kind.CREDENTIAL)]
    assert privacy.in_path("/genesys/1/service/00fc13/storage") == ()


def test_semicolon_ends_a_value_before_what_is_private() -> None:
    query = "a=1;b=2;pass%77ord=x;y=z;pin=4&c=;d"
    found = [(name, query[start:end]) for name, start, end in privacy.pairs(query)]
    assert found == [("a", "1;b=2"), ("password", "x;y=z"), ("pin", "4"), ("c", ";d")]


def test_pairs_of_a_query() -> None:
    target = "/cb?operand=AND&user%44ata%5Bname%5D=Ann+Lee&=x&empty="

    found = [(name, target[start:end]) for name, start, end in privacy.pairs(target, target.index("?") + 1)]
    assert found == [("operand", "AND"), ("userData[name]", "Ann+Lee"), ("", "x"), ("empty", "")]


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("http://ann:se%20same@gms.example/", [("ann", Kind.USER), ("se%20same", Kind.CREDENTIAL)]),
        ("http://ann@gms.example/", [("ann", Kind.USER)]),
        ("http://:sesame@gms.example/", [("sesame", Kind.CREDENTIAL)]),
        ("http://gms.example/a@b", []),
        ("http://gms.example/", []),
    ],
)
def test_userinfo(text: str, secrets: list[tuple[str, Kind]]) -> None:
    assert cut(text, privacy.userinfo(text)) == secrets


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("write to ann.lee+gms@mail.co.test, or not.", [("ann.lee+gms@mail.co.test", Kind.EMAIL)]),
        ("/users/ann%40mail.test/x", [("ann%40mail.test", Kind.EMAIL)]),
        ("call +49 (30) 901820 now", [("+49 (30) 901820", Kind.PHONE)]),
        ("/by-number/%2B15417543010/x", [("%2B15417543010", Kind.PHONE)]),
        ("tel:+15417543010", [("+15417543010", Kind.PHONE)]),
        ("card 4111 1111 1111 1111.", [("4111 1111 1111 1111", Kind.CREDENTIAL)]),
        ("call +49\u00a0151\u20112345678", [("+49\u00a0151\u20112345678", Kind.PHONE)]),
        ("card 4111\u00a01111\u202f1111\u20111111.", [("4111\u00a01111\u202f1111\u20111111", Kind.CREDENTIAL)]),
        ("card 4111-1111-1111-1112", []),
        ("2014-05-02T16:27:30+10:00", []),
        ("1399048050000 and 1399048050", []),
        ("3SQI3S31693JL9L3R0O5O6T4OC000U73", []),
        ("1+12345678", []),
        ("/by/sip%3Aann%40mail.test", [("ann%40mail.test", Kind.EMAIL)]),
        ("/by/ann%2Bgms%40mail.test/x", [("ann%2Bgms%40mail.test", Kind.EMAIL)]),
        ("at 5 @ noon", []),
        ("0000000000000000", []),
    ],
)
def test_looks(text: str, secrets: list[tuple[str, Kind]]) -> None:
    assert cut(text, privacy.looks(text)) == secrets


def test_long_numbers_are_no_more_than_cards() -> None:
    text = "card 4111-1111-1111\u00a01112, 1234567890123456789012, 4111111111111.5, 41111"

    assert [text[part.start : part.end] for part in privacy.long_numbers(text)] == [
        "4111-1111-1111\u00a01112",
        "4111111111111",
    ]


def test_parts_that_overlap() -> None:
    parts = [Part(4, 9, Kind.NAME), Part(1, 5, Kind.PHONE), Part(1, 3, Kind.NAME), Part(5, 6, Kind.USER)]

    assert privacy.apart(parts) == [Part(1, 5, Kind.PHONE), Part(5, 6, Kind.USER)]


def test_escapes_are_looked_at_once() -> None:
    # Looked at from each of them to the end it would take hours.
    assert privacy.looks("%2B" * 500_000 + "@") == ()


def test_fields_of_a_user() -> None:
    assert privacy.named({"order.code"}, ("order", 0, "code"))
    assert privacy.named({"code"}, ("userData[code]",))
    assert not privacy.named({"order.code"}, ("code",))
    assert not privacy.named((), ("code",))


@pytest.mark.parametrize(
    ("text", "is_card"),
    [
        ("4111 1111 1111 1111", True),
        ("4111 1111 1111 1112", False),
        ("4111 1111 111", False),
        ("4111 1111 1111 1111 1111", False),
        ("0000 0000 0000 0000", False),
    ],
)
def test_cards_fit_their_check_digit(text: str, is_card: bool) -> None:
    assert privacy.is_card(text) is is_card
