"""What of a visit is compared."""

import json

from factories import (
    CALLBACK,
    CHAT_DIALOG,
    CHAT_PATH,
    CLIENT,
    HELLO,
    JOINED,
    MENU,
    ORDER,
    REFRESH,
    SERVICE,
    Tape,
    page,
    visit,
)

from gms_replay import pieces
from gms_replay.bodies import shown
from gms_replay.grades import CONTENT_TYPE, FORM
from gms_replay.likeness import Leaf
from gms_replay.privacy import WITHHELD
from gms_replay.sessions import Session, split
from gms_replay.spans import Sort


def test_polls_for_another_place_in_the_chat_are_one() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    for at_s, said in enumerate(("transcriptPosition=1", "transcriptPosition=2", "message=x"), start=1):
        tape.ask(at_s, "POST", REFRESH, said.encode(), {})
    (session,) = split(tape.recording())

    assert [piece.place for piece in pieces.polls(session)] == ["request refresh"] * 2


def test_visit_is_told_by_pieces_and_states() -> None:
    (session,) = split(visit())

    assert [piece.place for piece in pieces.asked(session)] == [
        "request start callback sales",
        "request dialog get-dialog-user-confirmation-provide_code-false",
        "request dialog get-dialog-start-chat",
        "request start chat",
        "request send",
        "request send",
        "request disconnect chat",
    ]
    assert [piece.place for piece in pieces.answers(session)][-3:] == ["send", "send", "disconnect chat"]
    assert [piece.place for piece in pieces.lines_of(session, session)[0]][:2] == [
        "chat AGENT Notice.Joined", "chat CLIENT Message.Text",
    ]  # fmt: skip
    assert {place: (len(some.nodes), some.tells_chat) for place, some in pieces.states(session).items()} == {
        "availability sales": (1, False), "queue position": (2, False), "chat on /_genesys": (6, True),
    }  # fmt: skip
    assert [piece.place for piece in pieces.polls(session)] == ["request availability sales", "request queue position"]
    assert pieces.events(session) == {}


def session_of(tape: Tape) -> Session:
    (only,) = split(tape.recording())
    return only


def begun() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    return tape


def forms(*bodies: str) -> list[str]:
    """What is said of the forms of answers."""
    tape = begun()
    for at_s, body in enumerate(bodies, start=1):
        tape.ask(at_s, "POST", MENU, b"", body)
    return [shown(piece.node[FORM]) for piece in pieces.answers(session_of(tape))][1:]


def test_form_tells_whether_json_parses() -> None:
    told = forms('{"a":1}', '{"a":1,}', "[1", "plain", "", WITHHELD)

    assert told == ["well-formed", "JSON with mistakes", "JSON with mistakes", "well-formed", "well-formed", WITHHELD]


def test_answer_without_a_type_tells_none() -> None:
    tape = begun()
    tape.ask(1, "POST", MENU, headers=())
    tape.ask_in_vain(2, "POST", CHAT_DIALOG)

    first, second = pieces.answers(session_of(tape))

    assert (CONTENT_TYPE in first.node, CONTENT_TYPE in second.node) == (True, False)


def test_piece_is_known_by_its_words() -> None:
    """Whole ones, or by what may be in common of them."""
    ann, ben = (pieces.Piece("x", 0, Leaf(("note",), text, Sort.STRING)) for text in ("for Ann", "for Ben"))

    assert ann.alike.rough == ann.alike_by(lambda path, text: text).rough == "x"
    assert ann.alike_by(lambda path, text: text) != ben.alike_by(lambda path, text: text)
    assert ann.alike_by(lambda path, text: text[:3]) == ben.alike_by(lambda path, text: text[:3])


def news(number: str, **said: object) -> bytes:
    return json.dumps({"channel": "/news", "data": {"no": number, **said}}).encode()


def test_event_that_comes_again_is_one() -> None:
    """If it has an id of its own: else nobody can tell."""
    tape = begun()
    tape.poll(1, 1, news("1", id="a"), news("2"), b'{"channel":"/news","data":"3"}')
    tape.poll(3, 1, news("1", id="a"), news("2"), news("4", id="b"))

    told = pieces.events(session_of(tape))["/news"]

    assert [piece.place for piece in told] == ["message on /news"] * 5
    assert pieces.states(session_of(tape)) == {}


def test_refusal_over_comet_is_told_without_its_words() -> None:
    tape = begun()
    tape.open_comet(1)
    said = {"channel": "/meta/subscribe", "clientId": CLIENT, "subscription": "/x", "id": "9"}
    tape.comet(2, [said], [{"channel": "/meta/subscribe", "id": "9", "successful": False, "error": "403:x:denied"}])

    told = pieces.events(session_of(tape))

    assert {channel: [(one.place, shown(one.node)) for one in some] for channel, some in told.items()} == {
        "/meta/subscribe": [("refusal on /meta/subscribe", "403")]
    }


def test_lines_by_rest_count_where_comet_told_none() -> None:
    tape = begun()
    tape.ask(1, "POST", CHAT_PATH, "", page(JOINED, after=0))
    tape.ask(2, "POST", REFRESH, "", page(JOINED, HELLO, after=0))
    by_rest, (over_comet,) = session_of(tape), split(visit())

    was, now = pieces.lines_of(by_rest, by_rest)

    assert [piece.place for piece in was] == ["chat AGENT Notice.Joined", "chat CLIENT Message.Text"]
    assert (now, pieces.lines_of(by_rest, over_comet)[0]) == (was, [])
