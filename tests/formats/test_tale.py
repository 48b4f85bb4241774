import json

import chats2
import factories
import pytest
from factories import CALLBACK, CHAT_PATH, MENU, SERVICE, Tape

from gms_replay.formats.tale import Line, acts, moment, tell
from gms_replay.model import Direction, Message, Push, Recording, Socket, Transport


def told(recording: Recording) -> list[str]:
    return list(tell(recording, "visit.sqlite"))


def told_of(tape: Tape) -> str:
    return "\n".join(told(tape.recording()))


def test_head_counts_facts() -> None:
    visit = factories.visit()

    head = told(visit)[0]

    expected = (
        f"visit.sqlite: 1 run, 1 session, {len(visit.exchanges)} exchanges, {len(visit.messages)} Bayeux messages"
    )
    assert head == expected


def test_unprintable_name_is_escaped() -> None:
    assert next(tell(Recording(), "a\n\udcff\x1b  b")).startswith("a\\u000a\\udcff\\u001b  b: 0 runs")


@pytest.mark.parametrize(
    ("at_us", "shown"),
    [
        (1_399_048_050_999_999, "2014-05-02 16:27:30 UTC"),
        (-1, "1969-12-31 23:59:59 UTC"),
        (2**63 - 1, "9223372036854775807 µs after 1970"),
        (-(2**63), "-9223372036854775808 µs after 1970"),
    ],
)
def test_any_moment_is_told(at_us: int, shown: str) -> None:
    assert moment(at_us) == shown


def test_rare_facts_are_counted_too() -> None:
    recording = Recording(pushes=(Push(1, 1, None, "apns", 0, b""),), sockets=(Socket(1, 0), Socket(2, 0)))

    assert told(recording)[0] == "visit.sqlite: 0 runs, 0 sessions, 0 exchanges, 0 Bayeux messages, 1 push, 2 sockets"


def test_run_names_its_tools() -> None:
    line = told(factories.visit())[1]

    assert line == "  recorded 2014-05-02 16:27:30 UTC (reverse to http://gms.example:8080; gms_replay 0.1)"


def test_offsets_count_from_start() -> None:
    tape = Tape()
    tape.ask(1.5, "POST", CALLBACK, {"_desired_time": "2014-05-02T16:30:00.000Z"}, {"_id": SERVICE})
    tape.ask(4, "GET", factories.QUEUE, b"", factories.position(3))

    assert told(tape.recording())[3:] == [
        f"session 1, 2014-05-02 16:27:31 UTC: user {factories.USER}, service {SERVICE}",
        f"     +0.000 s  app   starts callback sales for 2014-05-02T16:30:00.000Z: service {SERVICE}",
        "     +2.500 s  app   asks for its place in the queue: 3",
    ]


def test_slots_are_summed_up() -> None:
    tape = Tape()
    tape.ask(0, "GET", factories.AVAILABILITY, b"", factories.slots("2014-05-02T16:30:00Z", "2014-05-02T16:35:00Z"))

    assert "asks when sales is free: 2 slots, 2014-05-02T16:30:00Z to 2014-05-02T16:35:00Z" in told_of(tape)


@pytest.mark.parametrize("answer", [b"5", b'"x"', b"null", b"", b"[[]]"])
def test_any_answer_is_told(answer: bytes) -> None:
    tape = Tape()
    tape.ask(0, "GET", f"{CALLBACK}?operand=AND", b"", answer)

    assert told(tape.recording())[-1].endswith("looks up callbacks of sales: 0")


def test_refusal_tells_no_more() -> None:
    refused = {"exception": "com.genesyslab.gsg.GSGException", "message": "Office closed", "availability": {}}
    tape = Tape()
    for at_s, (method, target) in enumerate([("GET", factories.AVAILABILITY), ("POST", CALLBACK)]):
        tape.ask(at_s, method, target, b"", refused, status=400)

    assert [line.partition("app   ")[2] for line in told(tape.recording())[-2:]] == [
        "asks when sales is free: refused with 400, Office closed",
        "starts callback sales: refused with 400, Office closed",
    ]


def test_appointment_is_told_with_times() -> None:
    at, later = "2014-05-02T16:30:00.000Z", "2014-05-02T16:35:00.000Z"
    tape = Tape()
    start = {"_id": SERVICE, "_action": "ConfirmationDialog", "_text": "Soon"}
    tape.ask(0, "POST", CALLBACK, {"_desired_time": at}, start)
    tape.ask(1, "PUT", f"{CALLBACK}/{SERVICE}", {"_new_desired_time": later})
    tape.ask(2, "GET", f"{CALLBACK}?operand=AND", b"", json.dumps([{"_id": SERVICE, "_desired_time": later}]))
    tape.ask(3, "DELETE", f"{CALLBACK}/{SERVICE}")

    assert [line.partition("app   ")[2] for line in told(tape.recording())[-4:]] == [
        f"starts callback sales for {at}: service {SERVICE}, ConfirmationDialog “Soon”",
        f"moves callback sales to {later}",
        f"looks up callbacks of sales: 1, for {later}",
        "cancels callback sales",
    ]


def test_malformed_dialog_has_label() -> None:
    tape = Tape()
    tape.ask(0, "POST", MENU, b"", factories.menu(factories.URL, "2014-05-02T16:57:30.000Z"))

    assert (
        "acts get-dialog-user-confirmation-provide_code-false: DisplayMenu “Agent is available right now”, "
        "expires 2014-05-02T16:57:30.000Z" in told_of(tape)
    )


def test_chat_lines_name_speakers() -> None:
    text = "\n".join(told(factories.visit()))

    assert "GMS   Kristi (AGENT) joins" in text
    assert "GMS   Kristi (AGENT) starts typing" in text
    assert "GMS   Stan (CLIENT) says “Hello.”" in text
    assert "GMS   the chat is over (DISCONNECTED)" in text
    assert text.index("Kristi (AGENT) joins") < text.index("says “Hello.”")


def test_comet_acts_are_told() -> None:
    tape = Tape()
    tape.open_comet(0)
    tape.comet(1, [{"channel": "/chat", "data": {}, "clientId": factories.CLIENT}], [{"channel": "/news", "data": 1}])

    text = told_of(tape)

    assert "app   Comet: shakes hands" in text
    assert "app   Comet: subscribes to /_genesys" in text
    assert "app   Comet: publishes on /chat" in text
    assert "GMS   Comet: an event on /news" in text


def test_lost_answers_say_why() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", {"_id": SERVICE})
    tape.ask_in_vain(1, "POST", f"{CHAT_PATH}/send", {"message": "Hello?"}, "Client disconnected.")
    tape.ask_in_vain(2, "POST", f"{CHAT_PATH}/disconnect")
    tape.ask_in_vain(3, "POST", "/genesys/cometd", json.dumps([{"channel": "/meta/connect"}]), "Client disconnected.")

    text = told_of(tape)

    assert "says “Hello?” — never answered: Client disconnected." in text
    assert "leaves the chat — never answered: under way when the recording stopped" in text
    assert "polls — never answered: Client disconnected." in text


def test_foreign_texts_stay_on_a_line() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", {"_id": SERVICE})
    tape.ask(1, "POST", f"{CHAT_PATH}/send", b'{"message": "two\\nlines \\u001b[31m \\ud800"}')

    line = told(tape.recording())[-1]

    assert line.endswith("says “two lines \\u001b[31m \\ud800”")
    assert line.isprintable()


def test_nothing_recorded_gives_hint() -> None:
    assert "keep the file that ends in -wal" in told(Recording())[1]


def test_refusal_quotes_gms() -> None:
    tape = Tape()
    answer = {"exception": "com.genesyslab.gms.BadRequest", "message": "closed"}
    tape.ask(0, "POST", CALLBACK, b"", answer, status=400)

    assert "refused with 400, closed" in told_of(tape)


def test_strangers_come_last() -> None:
    tape = Tape()
    tape.ask(0, "GET", "/index.html")
    tape.ask(1, "POST", CALLBACK, b"", {"_id": SERVICE})

    assert told(tape.recording())[-2:] == [
        "besides:",
        "  2014-05-02 16:27:29 UTC  GET http://gms.example:8080/index.html (not GMS)",
    ]


def test_one_exchange_tells_its_acts() -> None:
    tape = Tape()
    asked = tape.ask(0, "POST", CALLBACK, b"", {"_id": SERVICE})

    assert acts(asked, ()) == (Line(factories.at(0), "app", f"starts callback sales: service {SERVICE}"),)


def test_typing_and_polls_are_marked() -> None:
    tape = Tape()
    typing = tape.ask(0, "POST", f"{CHAT_PATH}/startTyping")
    poll = tape.ask(1, "GET", factories.QUEUE, b"", factories.position(3))
    held = tape.ask_in_vain(2, "POST", "/genesys/cometd", '[{"channel": "/meta/connect"}]', "Client disconnected.")

    marks = [(line.is_typing, line.is_poll) for one in (typing, poll, held) for line in acts(one, ())]

    assert marks == [(True, False), (False, True), (False, True)]


def test_agents_typing_is_marked() -> None:
    visit = factories.visit()

    lines = [
        line
        for exchange in visit.exchanges
        for line in acts(exchange, tuple(m for m in visit.messages if m.exchange_id == exchange.id))
    ]

    assert any(line.who == "GMS" and line.is_typing for line in lines)
    assert all("typing" in line.text for line in lines if line.is_typing)


def test_refused_comet_says_why() -> None:
    tape = Tape()
    answer = {"message": "down"}
    handshake = tape.ask(0, "POST", "/genesys/cometd", '[{"channel": "/meta/handshake"}]', answer, status=503)
    asked = Message(
        1,
        handshake.id,
        Direction.TO_SERVER,
        Transport.LONG_POLLING,
        0,
        0,
        "/meta/handshake",
        handshake.request.body.wire,
    )

    assert [line.text for line in acts(handshake, (asked,))] == ["Comet: shakes hands: refused with 503, down"]


def test_push_is_told_as_gms() -> None:
    push = Tape(host="api.push.example:443").ask(0, "POST", "/3/device/abc", {"aps": {}}, b"")
    preflight = Tape().ask(0, "OPTIONS", CALLBACK)

    assert acts(preflight, ()) == ()
    assert [(line.who, line.text) for line in acts(push, ())] == [
        ("GMS", "pushes what names no action by apns, device abc: accepted")
    ]


def test_notice_is_told_as_gms() -> None:
    notice = Tape(user=None, host="app.example:9000").ask(
        0, "POST", "/wake?key=secret", {"_id": SERVICE, "_action": "connect"}, b"", status=204
    )

    assert [(line.who, line.text) for line in acts(notice, ())] == [
        ("GMS", "pushes connect by httpcb, device http://app.example:9000/wake: refused with 204, status 204")
    ]


def shown_of(tape: Tape) -> list[str]:
    """The lines of the only session, without their times."""
    return [line[15:] for line in told_of(tape).partition("session 1")[2].splitlines()[1:]]


def test_chat2_over_comet_is_told() -> None:
    assert shown_of(chats2.recorded_chat())[2:] == [
        "app   Comet: requests a chat with support",
        "GMS   Kristi (Agent) says “Stan joins”",
        "app   Comet: says “Hello.”",
        "GMS   Kristi (Agent) says “Hello.”",
        "GMS   Kristi (Agent) says “How may I help?”",
        "app   Comet: leaves the chat",
        "GMS   Kristi (Agent) leaves",
        "GMS   the chat is over (chatEnded)",
    ]


def test_chat2_by_rest_is_told_once() -> None:
    tape = Tape()
    tape.ask(0, "POST", chats2.REST, "nickname=", chats2.failed(1, "nickname is missing"))
    tape.ask(1, "POST", chats2.REST, "nickname=Stan", chats2.told((1, "Hello.")))
    for at_s in (2, 3):
        both = chats2.told((1, "Hello."), (2, "Bye."), chatEnded=True)
        tape.ask(at_s, "POST", f"{chats2.ONE_CHAT}/refresh", "transcriptPosition=1", both)

    assert shown_of(tape) == [
        "app   requests a chat with support: refused with statusCode 1, nickname is missing",
        f"app   requests a chat with support: chat {chats2.CHAT}",
        "GMS   Kristi (Agent) says “Hello.”",
        "app   refreshes from line 1",
        "GMS   Kristi (Agent) says “Bye.”",
        "GMS   the chat is over (chatEnded)",
        "app   refreshes from line 1",
    ]


def test_refusal_of_chat2_over_comet_is_told() -> None:
    tape = Tape()
    chats2.publish(tape, 0, "startTyping", secureKey="x")
    tape.poll(1, 1, chats2.event(chats2.failed()))

    assert shown_of(tape) == [
        "app   Comet: starts typing",
        "GMS   Comet: refused with statusCode 2, secureKey is wrong",
    ]
