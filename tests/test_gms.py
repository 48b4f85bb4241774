from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import DIALOG, SERVICE, scraps

from gms_replay import gms
from gms_replay.gms import Act, InstantClass, Kind, Operation, Wish
from gms_replay.spans import plain_text, spans

PROPERTY = settings(max_examples=50, deadline=None)
CHAT = f"/1/service/{SERVICE}/ixn/chat"
CHAT_2 = "/2/chat/sales/0001NaBEEC7S0043"
HANDSHAKE = b'[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"]}]'

REQUESTS = [
    ("POST", "/1/service/callback/sales", Kind.START_CALLBACK, "sales", None),
    ("GET", "/1/service/callback/sales?operand=AND&_customer_number=5115", Kind.QUERY_CALLBACK, "sales", None),
    ("DELETE", f"/1/service/callback/sales/{SERVICE}", Kind.CANCEL_CALLBACK, "sales", SERVICE),
    ("PUT", f"/1/service/callback/sales/{SERVICE}", Kind.UPDATE_CALLBACK, "sales", SERVICE),
    ("POST", f"/1/service/callback/sales/{SERVICE}", Kind.UPDATE_CALLBACK, "sales", SERVICE),
    ("GET", f"/1/service/callback/sales/{SERVICE}", Kind.QUERY_CALLBACK, "sales", SERVICE),
    ("PATCH", f"/1/service/callback/sales/{SERVICE}", Kind.OTHER, "sales", SERVICE),
    ("GET", "/1/service/callback/sales/availability?start=2014-05-02T16:30:00.000Z", Kind.AVAILABILITY, "sales", None),
    ("POST", "/1/service/callback/sales/availability", Kind.AVAILABILITY, "sales", None),
    ("GET", "/2/service/callback/sales/availability?start-ms=1399048058000", Kind.AVAILABILITY, "sales", None),
    ("GET", f"/1/service/{SERVICE}/check-queue-position", Kind.QUEUE_POSITION, "", SERVICE),
    ("POST", f"/1/service/{SERVICE}/check-queue-position", Kind.QUEUE_POSITION, "", SERVICE),
    *(
        (method, f"/1/service/{SERVICE}/{action}", Kind.DIALOG, action, SERVICE)
        for method in ("POST", "GET")
        for action in (
            "get-dialog-user-confirmation-provide_code-true",
            "get-dialog-user-confirmation-provide_code-false",
            "get-dialog-start-chat",
            "connect-inbound",
            "connect-outbound",
            "wait-for-agent",
            "connect",
            "snooze",
            "not-used",
        )
    ),
    ("GET", f"/1/service/{SERVICE}/storage", Kind.STORAGE, "storage", SERVICE),
    ("PUT", f"/1/service/{SERVICE}/storage/key", Kind.STORAGE, "storage/key", SERVICE),
    ("POST", "/1/storage/3600", Kind.STORAGE, "3600", None),
    ("GET", "/1/storage/a1b2/key", Kind.STORAGE, "a1b2/key", None),
    ("GET", "/1/admin/node/status", Kind.NODE_STATUS, "status", None),
    ("POST", "/1/service/request-chat", Kind.REQUEST_CHAT, "", None),
    ("POST", CHAT, Kind.START_CHAT, "", SERVICE),
    ("POST", f"{CHAT}/", Kind.START_CHAT, "", SERVICE),
    ("POST", f"{CHAT}/send", Kind.SEND, "send", SERVICE),
    ("POST", f"{CHAT}/refresh?transcriptPosition=3", Kind.REFRESH, "refresh", SERVICE),
    ("POST", f"{CHAT}/startTyping", Kind.TYPING, "startTyping", SERVICE),
    ("POST", f"{CHAT}/stopTyping", Kind.TYPING, "stopTyping", SERVICE),
    ("POST", f"{CHAT}/disconnect", Kind.DISCONNECT_CHAT, "disconnect", SERVICE),
    ("POST", "/2/chat/sales", Kind.REQUEST_CHAT, "sales", None),
    ("POST", f"{CHAT_2}/send", Kind.SEND, "send", "0001NaBEEC7S0043"),
    ("POST", f"{CHAT_2}/refresh", Kind.REFRESH, "refresh", "0001NaBEEC7S0043"),
    ("POST", f"{CHAT_2}/startTyping", Kind.TYPING, "startTyping", "0001NaBEEC7S0043"),
    ("POST", f"{CHAT_2}/stopTyping", Kind.TYPING, "stopTyping", "0001NaBEEC7S0043"),
    ("POST", f"{CHAT_2}/disconnect", Kind.DISCONNECT_CHAT, "disconnect", "0001NaBEEC7S0043"),
    ("POST", f"{CHAT_2}/pushUrl", Kind.CHAT, "pushUrl", "0001NaBEEC7S0043"),
    ("POST", f"{CHAT_2}/updateNickname", Kind.CHAT, "updateNickname", "0001NaBEEC7S0043"),
    ("POST", f"{CHAT_2}/file/17/download", Kind.CHAT, "file/17/download", "0001NaBEEC7S0043"),
    ("POST", "/2/chat-ntf", Kind.CHAT, "chat-ntf", None),
    ("POST", "/2/chat-ntf/sales/file", Kind.CHAT, "chat-ntf/sales/file", None),
    ("GET", f"/2/service/{SERVICE}", Kind.OTHER, f"service/{SERVICE}", None),
    ("POST", "/cometd", Kind.COMET, "", None),
    ("POST", "/cometd/handshake", Kind.COMET, "", None),
    ("GET", "/cometd", Kind.COMET, "", None),
    ("POST", f"/3/device/{'0a' * 32}", Kind.PUSH, "device", None),
    ("POST", "/v1/projects/demo/messages:send", Kind.PUSH, "messages:send", None),
    ("POST", "/fcm/send", Kind.PUSH, "fcm/send", None),
    ("OPTIONS", f"{CHAT}/send", Kind.PREFLIGHT, "send", SERVICE),
    ("OPTIONS", "/cometd/connect", Kind.PREFLIGHT, "", None),
]


@pytest.mark.parametrize(("method", "target", "kind", "name", "service_id"), REQUESTS)
@pytest.mark.parametrize("base", ["/genesys", "", "/gms/v8"])
def test_every_request_is_recognised(base, method, target, kind, name, service_id):
    found = gms.recognise(method, base + target, b"")

    assert (found.kind, found.base, found.name, found.service_id) == (kind, base, name, service_id)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GET /1/service/callback/sales/availability", "GET /2/service/callback/sales/availability"),
        ("GET /1/service/callback/sales", "GET /1/service/callback/sales/117"),
        ("GET /1/service/117/check-queue-position", "GET /1/service/118/check-queue-position"),
        ("GET /1/service/117/storage/key", "DELETE /1/service/117/storage/key"),
    ],
)
def test_keys_tell_operations_apart(one, other):
    keys = [gms.recognise(*request.split(), b"").key for request in (one, other)]

    assert keys[0] != keys[1]


def test_key_is_free_of_base_and_method():
    keys = [
        gms.recognise(method, f"{base}/1/service/117/connect", b"").key
        for method, base in (("GET", "/a"), ("POST", ""))
    ]

    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/a.b/cometd/c", "/a.b"),
        ("/cometd/cometd", ""),
        ("/cometds/cometd/", "/cometds"),
        ("/a.b/cometd/cometd", "/a.b"),
    ],
)
def test_comet_lies_below_the_first(path, base):
    assert gms.recognise("GET", path, b"").base == base


def test_path_is_looked_at_once():
    # Looked at from each of its steps it would take hours.
    assert gms.recognise("GET", "/cometd" * 500_000 + ".", b"") is None


@pytest.mark.parametrize("path", ["/assets/cometd/cometd.js", "/genesys/cometd/index.html"])
def test_files_of_cometd_are_others(path):
    assert gms.recognise("GET", path, b"") is None


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/", b""),
        ("GET", "", b""),
        ("GET", "*", b""),
        ("GET", "/favicon.ico", b""),
        ("GET", "/genesys", b""),
        ("GET", "/genesys/admin", b""),
        ("POST", "/genesys/1/services/x/y", b""),
        ("POST", "/genesys/3/service/x/y", b""),
        ("POST", "/genesys/11/service/x/y", b""),
        ("GET", "/search?q=/1/service/callback/sales", b""),
        ("GET", "/cometd.js", b""),
        ("GET", "/static/cometd-1.2/a.js", b""),
        ("POST", "/3/devices/1", b""),
        ("POST", "/login", b'{"next":"/meta/connect"}'),
        ("POST", "/login", b"/meta/connect"),
        ("POST", "/login", b'[{"channel":"/metal/connect"}]'),
        ("PUT", "/events", HANDSHAKE),
    ],
)
def test_other_traffic_is_none(method, target, body):
    assert gms.recognise(method, target, body) is None


@pytest.mark.parametrize(("target", "base"), [("/push/bayeux?x=1", "/push"), ("/bayeux", ""), ("/", "")])
def test_bayeux_anywhere_is_comet(target, base):
    assert gms.recognise("POST", target, HANDSHAKE) == Operation(Kind.COMET, base)


def test_callback_polling_anywhere_is_comet():
    query = "?jsonp=cb&message=" + quote(HANDSHAKE.decode())

    assert gms.recognise("GET", "/push/bayeux" + query, b"") == Operation(Kind.COMET, "/push")
    assert gms.recognise("GET", "/push/bayeux?jsonp=cb&message=[]", b"") is None
    assert gms.recognise("GET", "/push/bayeux?callback=cb", b"") is None


def test_path_outweighs_its_body():
    assert gms.recognise("POST", f"{CHAT}/send", b'{"message":"/meta/connect"}').kind is Kind.SEND


@PROPERTY
@given(
    st.sampled_from(["GET", "POST", "OPTIONS", ""]) | st.text(),
    st.lists(st.sampled_from(["/", "1", "service", "callback", "?", "\n", "cometd", "2", "chat"]) | st.text()).map(
        "".join
    ),
    scraps(b'{"channel":"/meta/connect"}', b"/meta/"),
)
def test_no_request_raises(method, target, body):
    operation = gms.recognise(method, target, body)
    assert operation is None or target.startswith(operation.base)


@pytest.mark.parametrize(
    ("operation", "act", "text"),
    [
        (Operation(Kind.START_CALLBACK, "", "sales"), Act.START, "start callback sales"),
        (Operation(Kind.REQUEST_CHAT, ""), Act.START, "request chat"),
        (Operation(Kind.START_CHAT, ""), Act.START, "start chat"),
        (Operation(Kind.DIALOG, "", "connect"), Act.DIALOG, "dialog connect"),
        (Operation(Kind.SEND, "", "send"), Act.SEND, "send"),
        (Operation(Kind.CANCEL_CALLBACK, "", "sales"), Act.CHANGE, "cancel callback sales"),
        (Operation(Kind.UPDATE_CALLBACK, "", "sales"), Act.CHANGE, "update callback sales"),
        (Operation(Kind.DISCONNECT_CHAT, "", "disconnect"), Act.DISCONNECT, "disconnect chat"),
        (Operation(Kind.TYPING, "", "startTyping"), None, "typing startTyping"),
        (Operation(Kind.COMET, ""), None, "comet"),
    ],
)
def test_acts_move_the_story(operation, act, text):
    assert (operation.act, str(operation)) == (act, text)


def test_polled_operations_never_act():
    never = gms.POLLED | {Kind.TYPING, Kind.COMET, Kind.STORAGE, Kind.PUSH, Kind.PREFLIGHT, Kind.OTHER}
    assert not never & gms.ACTS.keys()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("_expires",), InstantClass.EVENT),
        (("data", "message", "startedAt"), InstantClass.EVENT),
        (("messages", 0, "utcTime"), InstantClass.EVENT),
        (("timestamp",), InstantClass.EVENT),
        (("ext", "timesync", "tc"), InstantClass.EVENT),
        (("ext", "timesync", "ts"), InstantClass.EVENT),
        (("_desired_time",), InstantClass.CALENDAR),
        (("_new_desired_time",), InstantClass.CALENDAR),
        ((0, "_expiration_time"), InstantClass.CALENDAR),
        ((0, "start_time"), InstantClass.CALENDAR),
        ((0, "end_time"), InstantClass.CALENDAR),
        (("slots", 0, "utcTime"), InstantClass.CALENDAR),
        (("slots", 0, "localTime"), InstantClass.CALENDAR),
        (("ext", "timesync", "l"), None),
        (("ext", "timesync", "o"), None),
        (("tc",), None),
        (("_dismiss_timeout",), None),
        (("_eta",), None),
        (("advice", "timeout"), None),
        (("advice", "interval"), None),
        (("_customer_number",), None),
        ((), None),
        ((0,), None),
    ],
)
def test_instants_by_their_field(path, kind):
    assert gms.instant_class(path) is kind


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("_content", 0, "_dismiss_timeout"), True),
        (("_eta",), True),
        (("durationMin",), True),
        (("advice", "maxInterval"), True),
        (("ext", "timesync", "o"), True),
        (("ext", "timesync", "tc"), False),
        (("interval",), False),
        (("l",), False),
        (("_expires",), False),
        ((), False),
    ],
)
def test_durations_by_their_field(path, expected):
    assert gms.is_duration(path) is expected


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("2014-05-02T16:30:00.000Z", InstantClass.CALENDAR),
        ("2014-05-02T16:30+02:00", InstantClass.CALENDAR),
        ("1399048058", None),
        ("Fri, 02 May 2014 16:27:38 GMT", None),
        ("_id", None),
        ("", None),
    ],
)
def test_keys_are_slots_by_their_looks(key, kind):
    assert gms.key_class(("availability", key)) is kind


@pytest.mark.parametrize(
    ("path", "clock"),
    [
        (("slots", 3, "localTime"), (("slots", 3, "utcTime"), ("timezone",))),
        (("a", 1, "slots", 3, "localTime"), (("a", 1, "slots", 3, "utcTime"), ("a", 1, "timezone"))),
        (("slots", 3, "utcTime"), None),
        (("localTime",), None),
        ((), None),
    ],
)
def test_local_time_has_a_clock(path, clock):
    assert gms.slots_clock(path) == clock


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("data", "message", "transcriptToShow", 0, 3), True),
        (("transcriptToShow", 12, 3), True),
        (("transcriptToShow", 0, 2), False),
        (("transcriptToShow", 3), False),
        (("x", "transcriptToShow", 0, 3, 3), False),
        ((), False),
    ],
)
def test_elapsed_is_fourth_item(path, expected):
    assert gms.is_elapsed(path) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("_id",), True),
        (("data", "message", "chatSessionId"), True),
        (("chatId",), True),
        (("userId",), True),
        (("secureKey",), True),
        (("alias",), True),
        (("data", "id"), True),
        (("BAYEUX_BROWSER",), True),
        (("id",), False),
        (("_dialog_id",), False),
        (("_user_header",), False),
        (("transcriptPosition",), False),
        ((), False),
    ],
)
def test_identities_by_their_field(path, expected):
    assert gms.is_identity(path) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("_action",), True),
        (("_content", 0, "_label"), True),
        (("data", "message", "transcriptToShow", 0, 2), True),
        (("messages", 0, "text"), True),
        (("subject",), True),
        (("data", "message", "ticketNo"), False),
        (("ticketNos", 0), False),
        ((), False),
    ],
)
def test_words_by_their_field(path, expected):
    assert gms.is_word(path) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("content-type", True), ("if-none-match", True), ("user-agent", True), ("gms_user", True), ("x-ticket", False)],
)
def test_plain_headers(name, expected):
    assert gms.is_plain_header(name) is expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("_user_action_url", True),
        ("_resource_url", True),
        ("_start_chat_url", True),
        ("_comet_url", True),
        ("_chatIxnAPI_SEND_URL", True),
        ("_chatIxnAPI_REFRESH_URL", True),
        ("_tel_url", False),
        ("my_comet_url", False),
        ("_id_to_jump_before", False),
        ("url", False),
        ("", False),
    ],
)
def test_urls_by_their_field(field, expected):
    assert gms.is_gms_url(field) is expected


def test_dialog_has_five_urls():
    values = {span.path: DIALOG[span.start : span.end] for span in spans(DIALOG)}
    urls = [path for path in values if path and gms.is_gms_url(str(path[-1])) and b"://" in values[path]]
    instants = [plain_text(values[path]) for path in values if gms.instant_class(path)]
    assert (len(urls), instants[-1:]) == (5, ["Fri, 02 May 2014 16:32:38 GMT"])


def test_user_from_any_case():
    assert gms.gms_user((("Host", "gms"), ("GMS_USER", "alice"))) == "alice"
    assert gms.gms_user(()) is None


def test_push_providers_by_name():
    pushes = [gms.recognise("POST", target, b"") for _, target, kind, *_ in REQUESTS if kind is Kind.PUSH]
    assert [gms.PUSH_PROVIDERS[push.name] for push in pushes] == ["apns", "fcm", "fcm"]


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        ({"chatId": "C", "secureKey": "K", "userId": "U", "alias": "117"}, {"C", "K"}),
        ({"chatId": "", "secureKey": None, "_id": 7}, set()),
        (["chatId"], set()),
        (None, set()),
    ],
)
def test_data_name_their_visit(data, ids):
    assert gms.session_ids(data) == ids


@pytest.mark.parametrize("target", ["/3/device", "/3/device/"])
def test_push_without_a_device_is_one(target):
    assert gms.recognise("POST", target, b"{}") == Operation(Kind.PUSH, "", "device")


def test_only_dialogs_are_wished_for():
    dialog = gms.recognise("POST", f"/1/service/{SERVICE}/get-dialog-start-chat", b"")
    chat = gms.recognise("POST", f"{CHAT}/send", b"")

    assert dialog.wish == Wish(SERVICE, "get-dialog-start-chat")
    assert chat.wish is None


@pytest.mark.parametrize(
    ("value", "place"), [("12", 12), (12, 12), ("-1", None), (True, None), (None, None), (1.5, None), ("x", None)]
)
def test_position_is_text_or_a_number(value, place):
    assert gms.position(value) == place


@pytest.mark.parametrize(("length", "is_kept"), [(1000, True), (3000, False)])
def test_short_paths_are_read_once(length, is_kept):
    one, again = (gms.recognise("GET", f"/2/chat/{'x' * length}", b"") for _ in range(2))

    assert (one is again) is is_kept
