from collections.abc import Sequence
from dataclasses import replace

import chats2
import factories
import pytest
from driver import Driver
from factories import (
    CALLBACK,
    CHAT,
    CHAT_DIALOG,
    CHAT_PATH,
    HELLO,
    JOINED,
    QUEUE,
    SERVICE,
    Tape,
    at,
    frame,
    position,
)

from gms_replay import story
from gms_replay.causes import Cause
from gms_replay.errors import StoryError
from gms_replay.events import Asked
from gms_replay.gms import Act
from gms_replay.model import Recording
from gms_replay.player import Player
from gms_replay.story import Story, compile_stories
from gms_replay.timeline import Shift

MINUTE_US = 60_000_000


def compiled(tape: Tape) -> Story:
    (only,) = compile_stories(tape.recording())
    return only


def begun() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    return tape


def test_visit_compiles_whole() -> None:
    (only,) = compile_stories(factories.visit())

    assert only.start_us == at(0)
    assert only.visit.user == factories.USER
    assert [answer.is_derived for answer in only.answers] == [False] * 11 + [True]
    assert [event.at_us for event in only.events["/_genesys"]] == [
        at(18), at(23.2), at(24.2), at(27.2), at(33.3), at(36.4)
    ]  # fmt: skip
    assert only.visit.service_ids == {SERVICE}
    assert only.recorded.base == "/genesys"
    assert only.recorded.started_us == at(15)
    assert only.grid_us == 15 * MINUTE_US


def test_identities_are_found() -> None:
    (only,) = compile_stories(factories.visit())

    frames = {f"b2e607a0d21611e30000109329380{number:03}" for number in range(1, 7)}
    assert only.recorded.identities == {SERVICE, CHAT} | frames


def test_authorities_name_both_hosts() -> None:
    tape = begun()
    tape.ask(1, "GET", QUEUE, sent=(("Host", "GMS.example"),))

    assert compiled(tape).recorded.authorities == {"gms.example:8080"}


def test_acts_are_counted_by_kind() -> None:
    (only,) = compile_stories(factories.visit())

    assert only.events["/_genesys"][-1].causes == (
        Cause(Act.START, 2, at(15)),
        Cause(Act.DIALOG, 2, at(13)),
        Cause(Act.SEND, 2, at(33)),
        Cause(Act.DISCONNECT, 1, at(36)),
    )


def test_later_acts_cause_nothing() -> None:
    (only,) = compile_stories(factories.visit())

    assert only.events["/_genesys"][0].causes == (Cause(Act.START, 2, at(15)), Cause(Act.DIALOG, 2, at(13)))


def test_polls_and_typing_cause_nothing() -> None:
    tape = begun()
    tape.ask(1, "GET", QUEUE)
    tape.ask(2, "POST", f"{CHAT_PATH}/startTyping")
    tape.ask(2, "POST", f"{CHAT_PATH}/refresh", "transcriptPosition=0")
    tape.ask(3, "GET", factories.AVAILABILITY)
    tape.open_comet(4)
    tape.poll(5, 1, frame(1, JOINED))

    assert compiled(tape).events["/_genesys"][0].causes == (Cause(Act.START, 1, at(0)),)


def test_cancel_and_update_are_changes() -> None:
    tape = begun()
    tape.ask(1, "PUT", f"{CALLBACK}/{SERVICE}", {"_new_desired_time": "2014-05-02T17:00:00.000Z"})
    tape.ask(2, "DELETE", f"{CALLBACK}/{SERVICE}")
    tape.poll(3, 1, frame(1, JOINED))

    assert compiled(tape).events["/_genesys"][0].causes == (Cause(Act.START, 1, at(0)), Cause(Act.CHANGE, 2, at(2)))


def test_recorded_retry_counts_once() -> None:
    tape = begun()
    tape.ask_in_vain(1, "POST", f"{CHAT_PATH}/send", "message=Hello.", error="Client disconnected.")
    tape.ask(2, "POST", f"{CHAT_PATH}/send", "message=Hello.")
    tape.poll(3, 1, frame(1, HELLO))

    assert compiled(tape).events["/_genesys"][0].causes == (Cause(Act.START, 1, at(0)), Cause(Act.SEND, 1, at(1)))


def test_starts_that_were_not_taken_cause_nothing() -> None:
    tape = begun()
    tape.ask(1, "POST", CALLBACK, b"", b"{}", status=400)
    tape.ask_in_vain(2, "POST", CALLBACK, error="Client disconnected.")
    tape.poll(3, 1, frame(1, HELLO))

    assert compiled(tape).events["/_genesys"][0].causes == (Cause(Act.START, 1, at(0)),)


def test_same_words_twice_count_twice() -> None:
    tape = begun()
    tape.ask(1, "POST", f"{CHAT_PATH}/send", "message=Hello.")
    tape.ask(2, "POST", f"{CHAT_PATH}/send", "message=Hello.")
    tape.poll(3, 1, frame(1, HELLO))

    assert compiled(tape).events["/_genesys"][0].causes[1] == Cause(Act.SEND, 2, at(2))


def test_unanswered_request_is_no_answer() -> None:
    tape = begun()
    tape.ask_in_vain(1, "POST", CHAT_DIALOG)
    tape.ask_in_vain(2, "POST", CHAT_DIALOG, error="server closed connection")

    only = compiled(tape)

    assert [one.exchange.id for one in only.unanswered] == [2, 3]
    assert [answer.operation.name for answer in only.answers] == ["sales"]


def test_state_begins_between_polls() -> None:
    tape = begun()
    tape.ask(2, "GET", QUEUE, b"", position(3))
    tape.ask(6, "GET", QUEUE, b"", position(2))
    tape.ask(14, "GET", QUEUE, b"", position(1))

    states = compiled(tape).states[0]

    assert [state.at_us for state in states] == [at(0), at(4), at(10)]


def test_state_follows_its_act() -> None:
    tape = begun()
    tape.ask(2, "GET", QUEUE, b"", position(3))
    tape.ask(5, "POST", CHAT_DIALOG)
    tape.ask(6, "GET", QUEUE, b"", position(2))

    later = compiled(tape).states[0][1]

    assert (later.at_us, later.gap_us) == (at(5), 0)
    assert later.causes == (Cause(Act.START, 1, at(5)), Cause(Act.DIALOG, 1, at(5)))


def test_state_after_act_keeps_its_delay() -> None:
    tape = begun()
    tape.ask(1, "POST", factories.REFRESH, b"transcriptPosition=0")
    tape.ask(4, "POST", factories.SEND, b"message=Hello")
    tape.ask(9, "POST", factories.REFRESH, b"transcriptPosition=0")

    later = compiled(tape).states[0][1]

    assert (later.at_us, later.gap_us) == (at(5), 0)
    assert later.causes == (Cause(Act.START, 1, at(5)), Cause(Act.SEND, 1, at(4)))


def test_answer_latency_is_kept() -> None:
    tape = Tape()
    tape.ask(3, "POST", CALLBACK, takes_s=0.7)

    (answer,) = compiled(tape).answers

    assert (answer.at_us, answer.latency_us) == (at(3.7), 700_000)


def test_comet_settings_are_kept() -> None:
    tape = begun()
    tape.open_comet(1, headers=(("Set-Cookie", "BAYEUX_BROWSER=1fjd8c; Path=/"), ("Server", "Jetty")))

    settings = compiled(tape).comet

    assert settings.advice == {"interval": 0, "timeout": 30000, "reconnect": "retry"}
    assert [name for name, _ in settings.headers] == ["set-cookie"]


def test_refused_handshake_settles_nothing() -> None:
    """Its advice is for who was refused, and its headers are."""
    tape = begun()
    refused = {"channel": "/meta/handshake", "successful": False, "advice": {"reconnect": "none"}}
    tape.comet(1, [{"channel": "/meta/handshake"}], [refused], headers=(("Set-Cookie", "refused=1"),))
    tape.open_comet(2, headers=(("Set-Cookie", "taken=1"),))

    settings = compiled(tape).comet

    assert settings.advice == {"interval": 0, "timeout": 30000, "reconnect": "retry"}
    assert [template.pieces for _, template in settings.headers] == [(b"taken=1",)]


def test_hop_by_hop_headers_go() -> None:
    headers = (
        ("Content-Type", "application/json"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "2"),
        ("Connection", "keep-alive"),
        ("Set-Cookie", "a=1"),
        ("Access-Control-Allow-Origin", "http://recorded"),
        ("SET-COOKIE", "b=2"),
    )
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, headers=headers)

    (answer,) = compiled(tape).answers

    assert [name for name, _ in answer.headers] == ["content-type", "set-cookie", "set-cookie"]


def test_nothing_to_play_is_named() -> None:
    with pytest.raises(StoryError, match="no app's visit to a GMS"):
        compile_stories(Recording())


def test_renamed_base_is_seen() -> None:
    tape = Tape()
    tape.ask(0, "POST", "/mobile/gms/1/service/callback/sales", b"", b"{}")
    tape.open_comet(1)

    assert compiled(tape).recorded.base == "/mobile/gms"


def test_one_story_a_visit() -> None:
    tape = begun()
    tape.ask(50, "POST", CALLBACK, b"", {"_id": "3SQI3S31693JL9L3R0O5O6T4OC000U99"})

    assert [one.start_us for one in compile_stories(tape.recording())] == [at(0), at(50)]


def test_header_names_are_lowered() -> None:
    compiler = compiled(begun()).answers[0].compiler

    (named,) = story.compiled_headers(compiler, (("X-GMS-Node", "a"),))

    assert named[0] == "x-gms-node"


def test_chat2_has_positions_and_keys() -> None:
    only = compiled(chats2.recorded_chat())

    told = only.events[chats2.CHANNEL]
    assert [event.position for event in told] == [(chats2.CHAT, position) for position in (1, 2, 3, 5)]
    assert [{cause.act: cause.count for cause in event.causes} for event in told] == [
        {Act.START: 1},
        *[{Act.START: 1, Act.SEND: 1}] * 2,
        {Act.START: 1, Act.SEND: 1, Act.DISCONNECT: 1},
    ]
    assert only.visit.service_ids == {chats2.CHAT, chats2.KEY}
    assert sorted((key[0], count) for key, count in only.published.items()) == [
        ("disconnect chat", 1),
        ("request chat", 1),
        ("send", 1),
    ]


def test_story_begins_by_rest_or_over_comet() -> None:
    by_rest = begun()
    by_rest.open_comet(2)
    by_rest.poll(5, 1, frame(1, JOINED))
    shaken_before = Tape()
    shaken_before.open_comet(0)
    shaken_before.ask(1, "POST", CALLBACK, factories.ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    shaken_before.poll(5, 1, frame(1, JOINED))
    begun_in_vain = Tape()
    begun_in_vain.ask_in_vain(0, "POST", CALLBACK)
    begun_in_vain.open_comet(1)
    begun_in_vain.ask(4, "POST", CALLBACK, factories.ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    begun_in_vain.poll(5, 1, frame(1, JOINED))

    tapes = (by_rest, begun(), shaken_before, begun_in_vain, chats2.recorded_chat())
    assert [compiled(tape).begins_over_comet for tape in tapes] == [False, False, True, True, True]


@pytest.mark.parametrize("status", [0, 1, 2])
def test_status_code_of_chat2_refuses(status: int) -> None:
    tape = Tape()
    tape.ask(0, "POST", chats2.REST, b"", {"statusCode": status})

    assert compiled(tape).answers[0].is_refusal is (status > 0)


def test_last_answer_to_a_request_is_found() -> None:
    tape = begun()
    for at_s in (1, 2):
        tape.ask(at_s, "GET", QUEUE, b"", position(3))

    only = compiled(tape)

    assert only.last_answer("GET", QUEUE) is only.answers[2]
    assert only.last_answer("POST", QUEUE) is None


def test_chat_by_rest_has_comets_news() -> None:
    """Told there or not: who wants Comet when it is replayed is told of it."""
    tape = begun()
    tape.ask(1, "POST", CHAT_PATH, "", factories.page(after=0, state="CONNECTED"))
    tape.ask(4, "POST", factories.REFRESH, "", factories.page(JOINED, after=0))

    (news,) = compiled(tape).events["/_genesys"]

    assert (news.is_derived, news.position) == (True, (CHAT, 1))


def test_chats_have_their_lines_from_wherever_they_were_told() -> None:
    (only,) = compile_stories(factories.visit())
    tape = begun()
    tape.ask(1, "POST", CHAT_PATH, "notify_by=comet", factories.page(JOINED, after=0))
    tape.open_comet(2)
    tape.poll(3, 1, b'{"channel":"/news","data":{}}')

    assert [(one.chats, [*one.transcripts]) for one in (only, compiled(tape), compiled(begun()))] == [
        ({SERVICE: frozenset({CHAT})}, [CHAT]),
        ({SERVICE: frozenset({CHAT})}, [CHAT]),
        ({}, []),
    ]


def test_pushes_that_were_seen_are_played() -> None:
    """With what they wait for; a refused one did not reach its device."""
    tape = begun()
    tape.push(2, "get-dialog-a")
    tape.push(3, "get-dialog-b", status=410, answer={"reason": "Unregistered"})
    tape.push(7, "get-dialog-c")
    only = compiled(tape)

    assert [one.action for one in only.notifications] == ["get-dialog-a", "get-dialog-b", "get-dialog-c"]
    assert [(one.at_us, one.gap_us, one.wish.action) for one in only.pushes] == [
        (at(2), 0, "get-dialog-a"), (at(7), 5_000_000, "get-dialog-c")
    ]  # fmt: skip
    assert only.pushes[0].causes == (Cause(Act.START, 1, at(0)),)
    assert only.presumed_pushes == ()


def test_pushes_that_nobody_saw_are_presumed() -> None:
    """Before what the app did upon them."""
    tape = begun()
    tape.ask(5, "POST", CHAT_DIALOG)

    (presumed,) = compiled(tape).presumed_pushes

    assert (presumed.at_us, presumed.wish.action) == (at(5) - 1, "get-dialog-start-chat")
    assert presumed.causes == (Cause(Act.START, 1, at(0)),)
    assert compiled(tape).pushes == ()


@pytest.mark.parametrize(("now_s", "shift_s"), [(None, 70), (1000, 1000)])
def test_timeline_begins_when_the_session_does(now_s: float | None, shift_s: float) -> None:
    told = compiled(begun()).timeline(None if now_s is None else at(now_s), Shift.EXACT)

    assert told.shift_us(at(1), at(71)) == shift_s * 1_000_000


def test_request_without_host_is_at_its_address() -> None:
    tape = begun()
    (start,) = tape.exchanges
    tape.exchanges = [replace(start, request=replace(start.request, headers=()))]

    assert compiled(tape).recorded.authorities == {factories.HOST}


@pytest.mark.parametrize(
    ("timestamp", "written"),
    [
        ("Fri, 02 May 2014 16:27:31 GMT", "Fri, 02 May 2014 16:27:30 GMT"),
        ("2014-05-02T16:27:31.000Z", "2014-05-02T16:27:30.000Z"),
        ("just now", None),
        (7, None),
    ],
)
def test_comet_writes_instants_as_it_did(timestamp: object, written: str | None) -> None:
    tape = begun()
    shaken = {"channel": "/meta/handshake", "clientId": factories.CLIENT, "successful": True, "timestamp": timestamp}
    tape.comet(1, [{"channel": "/meta/handshake"}], [shaken])

    settings = compiled(tape).comet

    assert (settings.timestamp and settings.timestamp(at(0)), settings.advice) == (written, {})


def test_first_handshake_sets_cookies() -> None:
    tape = begun()
    for at_s, cookie in ((1, "node=1"), (3, "node=2")):
        tape.open_comet(at_s, headers=(("Set-Cookie", cookie),))

    ((name, template),) = compiled(tape).comet.headers

    assert (name, template.pieces) == ("set-cookie", (b"node=1",))


class Watched:
    """Facts that note which exchanges are read."""

    def __init__(self, recording: Recording) -> None:
        self.outlines, self.answers_with, self.carried = (recording.outlines, recording.answers_with, recording.carried)
        self.pushed_with = recording.pushed_with
        self.read: list[list[int]] = []
        self._recording = recording

    def part(self, exchange_ids: Sequence[int], message_ids: Sequence[int]) -> Recording:
        self.read.append(list(exchange_ids))
        return self._recording.part(exchange_ids, message_ids)


def test_visits_are_read_as_they_are_played() -> None:
    """Whoever opens a visit has those read that may begin like it, until one does."""
    tape = Tape(user=None)
    tape.ask(0, "POST", CALLBACK, {"_media_type": "voice"}, {"_id": "3SQI3S31693JL9L3R0O5O6T4OC000U01"})
    tape.ask(10, "POST", CALLBACK, {"_media_type": "chat"}, {"_id": "3SQI3S31693JL9L3R0O5O6T4OC000U02"})
    tape.ask(20, "POST", f"{CALLBACK}s", b"", {"_id": "3SQI3S31693JL9L3R0O5O6T4OC000U03"})
    tape.ask(30, "POST", CALLBACK, {"_media_type": "chat"}, {"_id": "3SQI3S31693JL9L3R0O5O6T4OC000U04"})
    facts = Watched(tape.recording())

    driver = Driver(Player(compile_stories(facts)))

    assert facts.read == []
    driver.arrive(Asked("POST", "http", f"{CALLBACK}?_media_type=chat", (), b""))
    assert facts.read == [[1], [2]]
    driver.arrive(Asked("POST", "http", f"{CALLBACK}s", (), b"", peer="another"))
    assert facts.read == [[1], [2], [3]]
    assert driver.player.missed == 0
