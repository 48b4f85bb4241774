"""What waits for what, in the engine: acts, retries, patience."""

import factories
import pytest
from driver import App, begin, played, send, start_chatting, visiting
from factories import (
    AVAILABILITY,
    CALLBACK,
    CHAT_DIALOG,
    CHAT_PATH,
    HELLO,
    JOINED,
    ORDER,
    QUEUE,
    REFRESH,
    REPLY,
    SEND,
    SERVICE,
    WRITES,
    Tape,
    chat_recording,
    frame,
    over_socket,
    position,
)

from gms_replay.model import Headers


def test_reply_waits_for_send() -> None:
    app = start_chatting(chat_recording((1, frame(1, JOINED)), (5, frame(2, REPLY)), sends=(3,)))
    app.listen(9)
    assert app.lines == ["has joined the session"]

    send(app, "3")
    app.listen(5)

    assert app.times == [1, 11]


def test_faster_app_waits_its_gap() -> None:
    app = start_chatting(chat_recording((1, frame(1, JOINED)), (5, frame(2, REPLY)), sends=(3,)))
    app.wait_until(0.5)
    send(app, "3")
    app.listen(9)

    assert app.times == [1, 5]


def test_channel_keeps_its_gaps() -> None:
    app = start_chatting(chat_recording((4, frame(1, JOINED)), (5, frame(2, REPLY)), sends=(3,)))
    app.listen(8)
    send(app, "3")
    app.listen(9)

    assert app.times == [9, 10]


def test_hurried_acts_keep_gaps() -> None:
    app = start_chatting(chat_recording((7, frame(1, HELLO)), (8.5, frame(2, REPLY)), sends=(3, 8)))
    app.listen(8)
    send(app, "3")
    send(app, "8")
    app.listen(6)

    assert app.times == [12, 13.5]


def test_acts_count_per_kind() -> None:
    app = start_chatting(chat_recording((5, frame(1, HELLO)), (7, frame(2, REPLY)), sends=(3, 4)))
    send(app, "3")
    app.listen(8)
    assert app.lines == []

    send(app, "4")
    app.listen(5)

    assert app.times == [9, 11]


def test_acts_together_or_apart() -> None:
    app = start_chatting(chat_recording((5, frame(1, HELLO)), (9, frame(2, REPLY)), sends=(4, 8)))
    send(app, "8")
    send(app, "4")
    app.listen(9)

    assert app.times == [5, 9]


def test_order_of_kinds_is_free() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    tape.ask(1, "POST", CHAT_DIALOG, takes_s=0)
    tape.ask(2, "POST", SEND, "message=2", takes_s=0)
    tape.poll(2.5, 0.5, frame(1, HELLO))
    app = start_chatting(tape.recording())
    send(app, "2")
    app.listen(4)
    app.call("POST", CHAT_DIALOG)
    app.listen(4)

    assert app.times == [6]


def test_typing_is_no_cause() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    tape.ask(1, "POST", f"{CHAT_PATH}/startTyping")
    tape.ask(1, "GET", QUEUE)
    tape.ask(2, "GET", AVAILABILITY)
    tape.poll(2.5, 0.5, frame(1, WRITES))
    app = start_chatting(tape.recording())
    app.listen(5)

    assert app.times == [3]


@pytest.mark.parametrize("wait_s", [0.0, 0.5])
def test_retry_counts_once(wait_s: float) -> None:
    app = start_chatting(chat_recording((4, frame(1, HELLO)), (6, frame(2, REPLY)), sends=(3, 5), takes_s=0.2))
    lost = app.ask("POST", SEND, "message=Hi")
    app.driver.wait(wait_s)
    app.driver.hang_up(lost)
    send(app, "Hi")
    app.listen(8)

    assert app.lines == ["Hello."]
    assert app.driver.notes == []


def test_retry_gets_lost_answer() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER)
    tape.ask(1, "POST", SEND, "message=1", b"first", takes_s=1)
    tape.ask(3, "POST", SEND, "message=2", b"second")
    app = visiting(tape.recording())
    app.call("POST", CALLBACK, ORDER)
    app.driver.hang_up(app.ask("POST", SEND, "message=Hi"))

    assert [send(app, text).body for text in ("Hi", "Hi")] == [b"first", b"second"]


def test_retry_is_known_in_other_clothes() -> None:
    def form(boundary: str) -> tuple[bytes, Headers]:
        text = f'--{boundary}\r\nContent-Disposition: form-data; name="message"\r\n\r\nHi\r\n--{boundary}--\r\n'
        return text.encode(), (("content-type", f"multipart/form-data; boundary={boundary}"),)

    app = start_chatting(chat_recording((4, frame(1, HELLO)), (6, frame(2, REPLY)), sends=(3, 5)))
    app.driver.hang_up(app.ask("POST", SEND, *form("one")))
    app.call("POST", SEND, *form("two"))
    app.listen(8)

    assert app.lines == ["Hello."]


def test_retried_start_opens_nothing() -> None:
    app = visiting()
    lost = app.ask("POST", CALLBACK, ORDER)
    app.driver.hang_up(lost)
    app.call("POST", CALLBACK, ORDER)

    assert len(app.driver.player.sessions) == 1


def test_retry_after_answer_opens_nothing() -> None:
    app = visiting()
    lost = app.ask("POST", CALLBACK, ORDER)
    app.driver.wait(1)
    app.driver.hang_up(lost)
    app.call("POST", CALLBACK, ORDER)

    assert len(app.driver.player.sessions) == 1


def test_delivered_answer_is_no_retry() -> None:
    app = visiting()
    had = app.ask("POST", CALLBACK, ORDER)
    app.driver.wait(1)
    app.driver.confirm(had)
    app.driver.hang_up(had)
    app.call("POST", CALLBACK, ORDER)

    assert len(app.driver.player.sessions) == 2


def test_dropped_poll_is_not_kept() -> None:
    app = visiting()
    begin(app)
    app.driver.hang_up(app.ask("GET", QUEUE))
    app.wait_until(30)

    assert app.call("GET", QUEUE).body == position(1)


def test_stale_position_is_not_given() -> None:
    app = visiting()
    app.call("POST", CALLBACK, ORDER)
    app.driver.hang_up(app.ask("GET", QUEUE))
    app.wait_until(30)

    assert app.call("GET", QUEUE).body == position(1)


def test_extra_act_is_answered() -> None:
    app = start_chatting(chat_recording((4, frame(1, HELLO)), sends=(3,)))
    send(app, "3")

    assert send(app, "again").status == 200
    app.listen(5)
    assert app.lines == ["Hello."]
    assert app.driver.notes == ["session s1: send once more than recorded: its last answer again"]


def test_subscription_gates_delivery_only() -> None:
    app = visiting(chat_recording((1, frame(1, JOINED)), (20, frame(2, WRITES))))
    app.call("POST", CALLBACK, ORDER)
    app.shake_hands()
    app.listen(8)
    app.subscribe()
    app.listen(15)

    assert app.times == [8, 20]


def test_socket_tells_the_same_as_polls() -> None:
    polled = chat_recording((1, frame(1, JOINED)), (5, frame(2, REPLY)), sends=(3,))
    heard = []
    for recording in (polled, over_socket(polled)):
        app = start_chatting(recording)
        app.wait_until(7)
        send(app, "3")
        app.listen(20)
        heard.append(app.heard)

    assert heard[0] == heard[1]
    assert app.times == [7, 9]


def test_missing_act_is_given_up() -> None:
    app = start_chatting(chat_recording((1, frame(1, JOINED)), (5, frame(2, REPLY)), sends=(3,)))
    app.listen(20)

    assert app.times == [1, 13]
    assert app.driver.notes == ["session s1: went on without send 1, which the app never did"]


def test_starts_of_strangers_hold_up_nothing() -> None:
    """Refused or unanswered: what gave no id stands in whichever visit is near."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode(), takes_s=0)
    tape.open_comet(0.1)
    stranger = Tape(None, "other.example:9000")
    stranger.exchanges = tape.exchanges
    stranger.ask(1, "POST", "/genesys/1/service/callback/typo", b"a=b", b"{}", status=404)
    stranger.ask_in_vain(2, "POST", "/genesys/1/service/callback/typo", b"a=b", error="gone")
    tape.poll(2.99, 0.01, frame(1, JOINED))

    app = start_chatting(tape.recording())
    app.listen(20)

    assert app.times == [3]
    assert app.driver.notes == []


def test_refused_start_causes_nothing_again() -> None:
    """What the recording refused is refused, and the story goes on from the start that it took."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"a=1", b"{}", status=400)
    tape.ask(2, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode(), takes_s=0)
    tape.open_comet(2.1)
    tape.poll(4.99, 0.01, frame(1, JOINED))

    app = visiting(tape.recording())
    assert app.call("POST", CALLBACK, b"a=1").status == 400
    app.wait_until(10)
    app.call("POST", CALLBACK, ORDER)
    app.shake_hands()
    app.subscribe()
    app.listen(20)

    assert app.times == [13]


def test_given_up_acts_are_numbered() -> None:
    app = start_chatting(chat_recording((5, frame(1, REPLY)), sends=(3, 4)))
    app.listen(40)

    assert app.driver.notes == [
        "session s1: went on without send 1, which the app never did",
        "session s1: went on without send 2, which the app never did",
    ]


def test_patience_runs_while_waiting() -> None:
    app = start_chatting(chat_recording((5, frame(1, REPLY)), sends=(3,)))
    app.wait_until(100)
    assert app.driver.notes == []

    app.shake_hands()
    app.subscribe()
    app.listen(9)
    assert app.lines == []
    app.listen(5)
    assert app.lines == ["How may I help?"]


def test_patience_lets_story_move() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    tape.ask(1, "GET", QUEUE)
    tape.poll(17, 1, frame(1, JOINED))
    tape.ask(25, "POST", CHAT_DIALOG)
    tape.ask(26, "GET", QUEUE)
    app = start_chatting(tape.recording())

    app.listen(27.9)
    assert app.driver.notes == []
    app.listen(0.2)
    assert app.driver.notes == ["session s1: went on without dialog act 1, which the app never did"]


def asks_in_vain(*times_s: float) -> tuple[list[bytes], list[str]]:
    """What an app is told that refreshes at these times, and never sends what the story waits for."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    tape.ask(1, "POST", REFRESH, "transcriptPosition=0", b"nothing", takes_s=0)
    tape.ask(2, "POST", SEND, "message=Hello.", takes_s=0)
    tape.ask(3, "POST", REFRESH, "transcriptPosition=0", b"Hello.", takes_s=0)
    app = visiting(tape.recording())
    app.call("POST", CALLBACK, ORDER)
    told = []
    for at_s in times_s:
        app.wait_until(at_s)
        told.append(app.call("POST", REFRESH, "transcriptPosition=0").body)
    return told, app.driver.notes


def test_asking_again_is_waiting() -> None:
    told, notes = asks_in_vain(1, 5, 9, 13)

    assert told == [b"nothing"] * 4
    assert notes == ["session s1: went on without send 1, which the app never did"]
    assert asks_in_vain(1, 5, 9, 13, 14)[0][-1] == b"Hello."


def test_asking_now_and_then_is_not() -> None:
    told, notes = asks_in_vain(1, 30, 60, 90)

    assert (told, notes) == ([b"nothing"] * 4, [])


def test_patience_adds_up_polls() -> None:
    app = start_chatting(chat_recording((2, frame(1, REPLY)), sends=(1,)))
    for _ in range(3):
        poll = app.connect()
        app.driver.wait(4)
        app.driver.hang_up(poll)
        app.driver.wait(5)

    assert app.driver.notes == ["session s1: went on without send 1, which the app never did"]


def test_polling_rest_keeps_patience() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    tape.ask(1, "GET", QUEUE)
    tape.ask(3, "POST", SEND, "message=3")
    tape.poll(4, 1, frame(1, REPLY))
    app = start_chatting(tape.recording())
    for _ in range(8):
        app.listen(2)
        app.call("GET", QUEUE)

    assert app.lines == ["How may I help?"]


def test_late_act_fills_its_place() -> None:
    recording = chat_recording((5, frame(1, HELLO)), (9, frame(2, REPLY)), sends=(3, 8))
    app = start_chatting(recording)
    app.listen(13)
    assert app.lines == ["Hello."]

    send(app, "3")
    app.listen(5)
    assert app.lines == ["Hello."]
    send(app, "8")
    app.listen(4)

    assert app.lines == ["Hello.", "How may I help?"]


def test_waking_late_changes_nothing() -> None:
    def positions(wakes: bool) -> list[bytes]:
        app = App(played(factories.visit(), wakes=wakes))
        asked = [app.ask("POST", CALLBACK, ORDER)]
        for _ in range(3):
            app.driver.wait(1.7)
            asked.append(app.ask("GET", QUEUE))
        app.driver.wait(1)
        app.ask("GET", AVAILABILITY)
        return [app.driver.answers[request_id].body for request_id in asked]

    assert positions(wakes=False) == positions(wakes=True)
