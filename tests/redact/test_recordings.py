import gzip
from dataclasses import replace

import factories
import pytest
from apns_frames import enhanced
from factories import TOKEN, Tape

from gms_replay.model import (
    Body,
    Connection,
    Direction,
    Exchange,
    Frame,
    Message,
    Push,
    Recording,
    Redaction,
    Socket,
    Transport,
)
from gms_replay.redact.recordings import redact
from gms_replay.redact.standins import StandIns
from gms_replay.redact.wishes import Wish

KEY = b"a key for tests!"
WISH = Wish(key=KEY)
OF = StandIns(KEY).of
SECRET = "hunter-4711"


def held(recording: Recording, secret: str = SECRET) -> bool:
    return secret in repr(recording)


def recording(redaction: Redaction = Redaction.OFF) -> Recording:
    """Each kind of fact, with one secret in all of them; the first tells it where nobody would look for it."""
    tape = Tape()
    tape.ask(0, "GET", f"/genesys/1/service/x/{SECRET}")
    tape.ask(1, "POST", "/genesys/1/service/x/storage", {"token": SECRET, "message": "I am here"}, {"pin": SECRET})
    made = tape.recording()
    (run,) = made.runs
    raw = b'{"channel":"/a/%s","data":"%s"}' % (SECRET.encode(), SECRET.encode())
    frame = enhanced(7, payload=b'{"a":"%s"}' % SECRET.encode())
    return replace(
        made,
        runs=(replace(run, upstream=f"http://user:{SECRET}@gms", redaction=redaction),),
        messages=(Message(1, 1, Direction.TO_CLIENT, Transport.WEBSOCKET, 5, 0, f"/a/{SECRET}", raw),),
        pushes=(Push(1, run.id, 1, "fcm", 5, raw),),
        sockets=(Socket(1, 5, 6, 1000, f"no {SECRET}", Direction.TO_CLIENT),),
        connections=(Connection(1, run.id, "apns", 2195, "192.0.2.7:5", 1),),
        frames=(Frame(1, 1, Direction.TO_SERVER, 5, frame),),
    )


def test_each_kind_of_fact_is_redacted() -> None:
    found = redact(recording(), WISH)

    assert not held(found.recording)
    assert OF(SECRET) in found.recording.exchanges[0].request.target
    assert found.recording.runs[0].redaction is Redaction.ON
    assert (found.changed, found.withheld) == (6, 0)
    assert found.recording.frames[0].raw != recording().frames[0].raw


def test_off_changes_nothing() -> None:
    assert redact(recording(), Wish(Redaction.OFF)).recording == recording()


def test_redacted_run_is_left_alone() -> None:
    told = recording(Redaction.ON)

    assert redact(told, WISH).recording == told
    assert redact(told, replace(WISH, mode=Redaction.TYPED)).recording.runs[0].redaction is Redaction.TYPED


def test_redacted_again_keeps_what_is_too_short_for_a_mark() -> None:
    tape = Tape()
    tape.ask(0, "POST", "/genesys/1/service/x/storage", {"_access_code": "n/a", "first_name": "Jo"}, {"pin": "12"})
    once = redact(tape.recording(), WISH)
    assert once.changed == 1

    assert redact(once.recording, Wish(key=b"another key of ours"), again=True).changed == 0


def test_redacted_again_keeps_stand_ins() -> None:
    once = redact(recording(), WISH).recording
    again = redact(once, Wish(key=b"another key for tests"), again=True)
    typed = redact(once, Wish(Redaction.TYPED, b"another key for tests"), again=True).recording

    assert again.recording == once
    assert again.changed == 0
    assert OF(SECRET) in repr(typed)
    assert "I am here" not in repr(typed)
    assert redact(typed, WISH, again=True).recording.runs[0].redaction is Redaction.TYPED


def test_only_some_runs_are_redacted() -> None:
    told = redact(recording(), WISH).recording
    (run,), (first, second) = told.runs, told.exchanges
    mixed = replace(
        told,
        runs=(run, replace(run, id=2, redaction=Redaction.OFF)),
        exchanges=(first, replace(recording().exchanges[1], run_id=2)),
    )

    found = redact(mixed, WISH).recording
    assert found.exchanges == (first, replace(second, run_id=2))
    assert [run.redaction for run in found.runs] == [Redaction.ON, Redaction.ON]


def test_what_cannot_be_read_is_counted() -> None:
    def closed(exchange: Exchange) -> Exchange:
        coded = (*exchange.request.headers, ("content-encoding", "gzip"))
        return replace(exchange, request=replace(exchange.request, headers=coded, body=Body(gzip.compress(b"x")[:-4])))

    told = replace(recording(), exchanges=tuple(map(closed, recording().exchanges)))
    once = redact(told, WISH)

    assert once.withheld == 2
    assert redact(once.recording, WISH, again=True).withheld == 0


@pytest.mark.parametrize("secret", ["alice", factories.USER, TOKEN])
def test_visit_is_redacted(secret: str) -> None:
    visit = factories.visit()

    assert held(visit, secret) or secret == TOKEN
    assert not held(redact(visit, WISH).recording, secret)
