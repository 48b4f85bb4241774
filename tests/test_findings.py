from dataclasses import replace

import chats2
import factories
import pytest
from apns_frames import enhanced, refusal

from gms_replay import findings, sessions
from gms_replay.findings import Finding, Sort, ending
from gms_replay.model import Direction, Frame, Message, Outcome, Push, Recording, Socket, Transport
from gms_replay.privacy import WITHHELD

START = b'{"_id":"%s"}' % factories.SERVICE.encode()


def find(recording: Recording) -> tuple[Finding, ...]:
    return findings.find(recording, sessions.split(recording))


def started() -> factories.Tape:
    """A callback, and one thing that came of it."""
    tape = factories.Tape()
    tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, START)
    tape.ask(1, "POST", factories.CHAT_DIALOG, b"", b"{}")
    return tape


def texts(recording: Recording, sort: Sort) -> list[tuple[int | None, str]]:
    return [(one.exchange_id, one.text) for one in find(recording) if one.sort is sort]


def test_whole_visit_lacks_nothing() -> None:
    (only,) = find(factories.visit())

    assert (only.sort, only.exchange_id) == (Sort.NOT_UNDERSTOOD, 5)
    assert only.operation == "dialog get-dialog-user-confirmation-provide_code-false"
    assert only.text.startswith("answer: JSON that does not parse (")
    assert only.text.endswith("); replayed all the same")


def test_missing_ends_are_unfinished() -> None:
    tape = started()
    tape.ask_in_vain(2, "GET", factories.QUEUE)
    tape.ask_in_vain(3, "GET", factories.QUEUE, error="reset")
    cut = tape.ask(4, "GET", factories.QUEUE, b"", b'{"half')
    broken = tape.ask(5, "POST", factories.QUEUE, b'{"half')
    empty = tape.ask(6, "GET", factories.QUEUE)
    assert cut.outcome is not None
    tape.exchanges[4] = replace(cut, outcome=replace(cut.outcome, error="gone"))
    tape.exchanges[5] = replace(broken, request=replace(broken.request, ended_at_us=None))
    tape.exchanges[6] = replace(empty, outcome=Outcome(1))

    assert find(tape.recording()) == tuple(
        Finding(Sort.UNFINISHED, number, "queue position", text)
        for number, text in (
            (3, "never answered: under way when the recording stopped"),
            (4, "never answered: reset"),
            (5, "cut off: gone"),
            (6, "the request's body was cut off"),
            (7, "ended without an answer, and without an error"),
        )
    )  # fmt: skip


def test_ended_exchange_has_no_ending() -> None:
    assert {ending(exchange) for exchange in factories.visit().exchanges} == {""}


def test_open_socket_is_unfinished() -> None:
    recording = replace(started().recording(), sockets=(Socket(1, 5), Socket(2, 5, 6)))

    assert texts(recording, Sort.UNFINISHED) == [(1, "WebSocket that nobody saw close")]


def test_chat_without_end_is_told() -> None:
    recording = factories.visit()
    cut = [one for one in recording.exchanges if one.request.started_at_us < factories.at(35)]
    cut = [one for one in cut if one.outcome is not None and one.outcome.at_us < factories.at(35)]
    kept = {one.id for one in cut}
    messages = tuple(message for message in recording.messages if message.exchange_id in kept)

    told = texts(replace(recording, exchanges=tuple(cut), messages=messages), Sort.UNFINISHED)

    assert told == [(7, "session 1: a chat begins here and is never DISCONNECTED")]


@pytest.mark.parametrize("last", ["answer", "frame", "version 2"])
def test_chat_ends_by_any_sign(last: str) -> None:
    tape = started()
    tape.ask(2, "POST", factories.CHAT_PATH, b"", factories.connected("2014-05-02T16:27:45Z"))
    if last == "answer":
        tape.ask(3, "POST", factories.REFRESH, b"", b'{"chatIxnState":"DISCONNECTED"}')
    elif last == "frame":
        tape.open_comet(3)
        tape.poll(4, 1, factories.frame(1, factories.LEFT, state="DISCONNECTED"))
    else:
        tape.ask(3, "POST", factories.REFRESH, b"", b'{"chatEnded": true}')

    assert find(tape.recording()) == ()


def test_chat2_over_comet_is_understood() -> None:
    assert find(chats2.recorded_chat().recording()) == ()


@pytest.mark.parametrize(("answer", "found"), [(chats2.told((1, "Hello.")), 1), (chats2.failed(), 0)])
def test_chat2_over_comet_without_end_is_told(answer: dict[str, object], found: int) -> None:
    """Unless it was refused."""
    tape = factories.Tape()
    chats2.publish(tape, 1, "requestChat")
    tape.poll(2, 1, chats2.event(answer))
    expected = [(1, "session 1: a chat begins here and is never DISCONNECTED")]
    assert texts(tape.recording(), Sort.UNFINISHED) == expected[:found]

    chats2.publish(tape, 4, "disconnect", secureKey=chats2.KEY)
    assert find(tape.recording()) == ()


def test_refused_chat2_begins_nothing() -> None:
    tape = factories.Tape()
    tape.ask(0, "POST", chats2.REST, "nickname=", chats2.failed())

    assert find(tape.recording()) == ()


def test_files_of_chat2_are_known() -> None:
    tape = factories.Tape()
    tape.ask(0, "POST", "/genesys/2/chat-ntf", "operation=fileUpload")

    assert find(tape.recording()) == ()


def test_callback_with_dialog_needs_no_sequel() -> None:
    tape = factories.Tape()
    tape.ask(1, "POST", factories.CALLBACK, factories.ORDER, {"_id": factories.SERVICE, "_action": "DialNumber"})

    assert find(tape.recording()) == ()


def test_callback_without_sequel_is_told() -> None:
    tape = factories.Tape()
    tape.ask(0, "GET", factories.AVAILABILITY)
    tape.ask(1, "POST", factories.CALLBACK, factories.ORDER, START)

    told = texts(tape.recording(), Sort.UNFINISHED)

    assert told == [(2, "session 1: a callback begins here and nothing comes of it")]


def test_refused_callback_begins_nothing() -> None:
    tape = factories.Tape()
    tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, b'{"message":"closed"}', status=500)

    assert find(tape.recording()) == ()


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (b'{"a":1,}', "request: JSON that does not parse ("),
        (b"[" * 100_000, "request: JSON that does not parse ("),
        (b'{"a":"\xff"}', "request: JSON that does not parse ("),
    ],
)
def test_odd_json_is_told(asked: bytes, text: str) -> None:
    tape = started()
    tape.ask(2, "POST", factories.QUEUE, asked)

    ((exchange_id, told),) = texts(tape.recording(), Sort.NOT_UNDERSTOOD)

    assert exchange_id == 3
    assert told.startswith(text)


def test_forms_and_pages_are_fine() -> None:
    tape = started()
    page = (("Content-Type", "text/html"),)
    tape.ask(2, "POST", factories.QUEUE, "message=Hello.", b"<html>", headers=page)

    assert find(tape.recording()) == ()


def test_odd_coding_is_told_once() -> None:
    tape = started()
    tape.ask(2, "GET", factories.QUEUE, b"", b"{", headers=(("Content-Encoding", "gzip"),))

    assert texts(tape.recording(), Sort.NOT_UNDERSTOOD) == [
        (3, "answer: the content coding gzip does not undo; replayed as it is")
    ]


def test_withheld_body_is_told() -> None:
    tape = started()
    tape.ask(2, "GET", factories.QUEUE, b"", WITHHELD, headers=(("Content-Encoding", "br"),))

    assert texts(tape.recording(), Sort.NOT_UNDERSTOOD) == [
        (3, "answer: withheld: the content coding br did not undo, and nobody could say whether secrets are in it")
    ]


def test_undone_coding_is_read() -> None:
    tape = started()
    tape.ask(2, "GET", factories.QUEUE, b"", b"\x1f\x8b", headers=(("Content-Encoding", "gzip"),), decoded=b"{}")

    assert find(tape.recording()) == ()


def test_broken_bayeux_is_told() -> None:
    tape = started()
    tape.ask(2, "POST", "/genesys/cometd", b'[{"channel":"/meta/connect"},{"id":"1"}]', b"[{]")
    tape.ask(3, "POST", "/genesys/cometd", b"[]", b"<html>", status=502, headers=())
    tape.ask(4, "POST", "/genesys/cometd", b"cb([])", b"[]")
    tape.ask(5, "POST", "/genesys/cometd", b"[][]", b"[]")

    channel, grammar, *not_posted = texts(tape.recording(), Sort.NOT_UNDERSTOOD)

    assert channel == (3, "request: Bayeux message 1 names no channel")
    assert grammar[0] == 3
    assert grammar[1].startswith("answer: breaks the Bayeux grammar (")
    assert [exchange_id for exchange_id, _ in not_posted] == [5, 6]
    assert all(told.startswith("request: breaks the Bayeux grammar (") for _, told in not_posted)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (b"[]", b'[{"channel":"/a"}]\n[{"channel":"/a"}]'),
        (b"[]", b'cb([{"channel":"/a"}]);'),
        (b"message=%5B%7B%22channel%22%3A%22%2Fa%22%7D%5D&message=%7B%22channel%22%3A%22%2Fa%22%7D", b"[]"),
    ],
    ids=["stream", "script", "form"],
)
def test_streams_scripts_and_forms_are_understood(asked: bytes, answer: bytes) -> None:
    tape = started()
    tape.ask(2, "POST", "/genesys/cometd", asked, answer)

    assert texts(tape.recording(), Sort.NOT_UNDERSTOOD) == []


@pytest.mark.parametrize(
    ("raw", "channel", "text"),
    [
        (b"{", "/a", "message 1 breaks the Bayeux grammar ("),
        (b"{}", "", "message 1 names no channel"),
        (b"[]", "/meta/connect", "message 1 is not one message"),
    ],
)
def test_odd_message_is_told(raw: bytes, channel: str, text: str) -> None:
    message = Message(1, 2, Direction.TO_CLIENT, Transport.WEBSOCKET, 1, 0, channel, raw)

    ((exchange_id, told),) = texts(replace(started().recording(), messages=(message,)), Sort.NOT_UNDERSTOOD)

    assert exchange_id == 2
    assert told.startswith(text)


def test_many_odd_frames_are_one_finding() -> None:
    frames = tuple(
        Message(number, 2, Direction.TO_CLIENT, Transport.WEBSOCKET, number, 0, "", b"\xff") for number in (1, 2, 3)
    )

    assert texts(replace(started().recording(), messages=frames), Sort.NOT_UNDERSTOOD) == [
        (
            2,
            "message 1 breaks the Bayeux grammar (not UTF-8 at byte 0: a Bayeux frame is JSON in UTF-8); "
            "kept as it was, and not replayed; so are 2 more that came with it",
        )
    ]


@pytest.mark.parametrize("asked", ["/meta/disconnect", "/meta/connect"])
def test_servers_goodbye_is_told(asked: str) -> None:
    """But not the reply to the app's."""
    tape = started()
    tape.comet(2, [{"channel": asked, "clientId": "a"}], [{"channel": "/meta/disconnect", "successful": True}])

    expected = [(3, "message 2: the server ends the Comet session by itself, which is not replayed")]
    assert texts(tape.recording(), Sort.UNCLASSIFIED) == (expected if asked == "/meta/connect" else [])


def test_other_requests_are_unclassified() -> None:
    tape = started()
    tape.ask(2, "GET", "/favicon.ico", answer=b"", headers=())
    tape.ask(3, "GET", "/genesys/1/service/a/b/c")

    assert texts(tape.recording(), Sort.UNCLASSIFIED) == [
        (3, "GET /favicon.ico: no request of GMS's"),
        (4, "GET /genesys/1/service/a/b/c: below GMS's paths, but no operation that we know"),
    ]


def test_notices_by_http_are_known() -> None:
    tape = started()
    tape.user = None
    tape.ask(2, "POST", "/wake", {"_id": factories.SERVICE, "_action": "connect"})

    assert texts(tape.recording(), Sort.UNCLASSIFIED) == []


@pytest.mark.parametrize(
    ("payload", "is_ours"),
    [
        (b'{"aps":{},"message":{"_id":"%s","_action":"x",}}', True),
        (b'{"message":{"data":{"message":"{\\"_id\\":\\"%s\\"}"}}}', True),
        (b'{"message":{"_id":"another %s"}}', False),
        (b"%s", False),
    ],
    ids=["APNs", "FCM", "another", "no JSON"],
)
def test_push_finds_its_session(payload: bytes, is_ours: bool) -> None:
    push = Push(7, 1, None, "apns", 1, payload % factories.SERVICE.encode())

    told = texts(replace(started().recording(), pushes=(push,)), Sort.UNCLASSIFIED)

    assert told == ([] if is_ours else [(None, "push 7 to apns names no service of any session")])


def test_odd_frames_are_told() -> None:
    up, down = Direction.TO_SERVER, Direction.TO_CLIENT
    passed = (
        (1, up, enhanced(1, payload=START)),
        (1, down, refusal(8, 9)),
        (2, up, b"?"),
        (2, up, b"???"),
        (2, down, refusal(8, 1)[:3]),
        (3, up, enhanced(1)),
    )
    frames = tuple(Frame(number, *told[:2], factories.at(3), told[2]) for number, told in enumerate(passed, 1))
    recording = replace(started().recording(), frames=frames)

    assert texts(recording, Sort.NOT_UNDERSTOOD) == [
        (None, "APNs frame 2 refuses push 9 (InvalidToken), which fits none of connection 1's; "
         "no push is told as refused by it"),
        (None, "connection 2, to-server: 4 bytes from APNs frame 3 on are no frames of Apple's protocol; "
         "kept as they were"),
        (None, "connection 2, to-client: 3 bytes from APNs frame 5 on are no frames of Apple's protocol; "
         "kept as they were"),
    ]  # fmt: skip
    assert texts(recording, Sort.UNCLASSIFIED) == [(None, "APNs frame 6 to apns names no service of any session")]


def test_unknown_channel_is_told_once() -> None:
    tape = started()
    tape.open_comet(2)
    tape.poll(3, 1, b'{"channel":"/stocks/gold","data":1}', b'{"channel":"/stocks/gold","data":2}')
    tape.poll(5, 1, b'{"channel":"/service/chatV2/sales","data":{}}', b'{"channel":"/_genesys","data":{}}')

    assert texts(tape.recording(), Sort.UNCLASSIFIED) == [
        (6, "channel /stocks/gold, from here on: neither Bayeux's own nor one of GMS's that we know (2 messages)")
    ]


def test_nothing_holds_nothing() -> None:
    assert find(Recording()) == ()
