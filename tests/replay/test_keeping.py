from pathlib import Path

import factories
import pytest
from factories import START_US, Tape

from gms_replay.cassette import reader
from gms_replay.errors import CassetteError
from gms_replay.events import PushTaken
from gms_replay.replay import keeping


def test_push_is_kept_with_its_exchange(tmp_path: Path) -> None:
    tape = Tape()
    exchange = tape.push(1, "get-dialog-start-chat", payload=b"{\xff", status=410, answer={"reason": "Unregistered"})
    notes: list[str] = []
    writer = keeping.writer(tmp_path / "new.sqlite", None, clock=lambda: START_US, note=notes.append)

    keeping.keep(writer, PushTaken("apns", exchange))
    writer.close()

    recording = reader.read(tmp_path / "new.sqlite")
    (kept,), (push,), (run,) = recording.exchanges, recording.pushes, recording.runs
    assert (kept.request, kept.outcome, notes) == (exchange.request, exchange.outcome, [])
    assert (push.exchange_id, push.provider, push.at_us, push.payload) == (kept.id, "apns", factories.at(1), b"{\xff")
    assert (run.mode, run.upstream) == ("serve", None)


def test_what_cannot_be_recorded_into_is_named(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"new\.sqlite"):
        keeping.writer(tmp_path / "none" / "new.sqlite", None, clock=lambda: 0, note=print)
