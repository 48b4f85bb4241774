"""What of a visit is compared."""

from factories import CALLBACK, ORDER, REFRESH, SERVICE, Tape, visit

from gms_replay import pieces
from gms_replay.sessions import split


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
