from pathlib import Path

import factories
import pytest
from factories import START_US, Tape

from gms_replay.cassette import reader
from gms_replay.cassette.copy import write
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError
from gms_replay.events import PushTaken
from gms_replay.model import Redaction
from gms_replay.redact.wishes import Wish
from gms_replay.replay.keeping import Keeper

OFF = Wish(Redaction.OFF)


def test_secrets_are_not_kept(tmp_path: Path) -> None:
    exchange = Tape().ask(0, "POST", "/genesys/1/service/x/storage", {"token": "hunter-4711"}, {"pin": "hunter-4711"})
    keeper = Keeper(tmp_path / "new.sqlite", None, Wish(), clock=lambda: START_US, note=print)

    keeper.end(keeper.begin(exchange.request), exchange.outcome)
    keeper.close()

    assert reader.read(tmp_path / "new.sqlite").runs[0].redaction is Redaction.ON
    assert b"hunter-4711" not in (tmp_path / "new.sqlite").read_bytes()


def test_push_is_kept_with_its_exchange(tmp_path: Path) -> None:
    tape = Tape()
    exchange = tape.push(1, "get-dialog-start-chat", payload=b"{\xff", status=410, answer={"reason": "Unregistered"})
    notes: list[str] = []
    keeper = Keeper(tmp_path / "new.sqlite", None, OFF, clock=lambda: START_US, note=notes.append)

    keeper.keep(PushTaken("apns", exchange))
    keeper.close()

    recording = reader.read(tmp_path / "new.sqlite")
    (kept,), (push,), (run,) = recording.exchanges, recording.pushes, recording.runs
    assert (kept.request, kept.outcome, notes) == (exchange.request, exchange.outcome, [])
    assert (push.exchange_id, push.provider, push.at_us, push.payload) == (kept.id, "apns", factories.at(1), b"{\xff")
    assert (run.mode, run.upstream) == ("serve", None)


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite"
    write(old, factories.visit())
    before = old.read_bytes()

    for file in (old, tmp_path / "new.sqlite"):
        Keeper(file, None, OFF, clock=lambda: START_US, note=print).close()

    assert old.read_bytes() == before
    assert [*tmp_path.iterdir()] == [old]


def test_what_cannot_be_recorded_into_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("precious")

    for file in (tmp_path / "none" / "new.sqlite", tmp_path / "notes.txt"):
        with pytest.raises(CassetteError, match=rf"^\S+{file.name}: "):
            Keeper(file, None, OFF, clock=lambda: 0, note=print)


def test_what_is_found_later_is_noted_once(tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    taken = PushTaken("apns", Tape().push(1, "get-dialog-start-chat"))
    notes: list[str] = []
    keeper = Keeper(new, None, OFF, clock=lambda: START_US, note=notes.append)
    other = Writer(new, started_at_us=0, mode="reverse", upstream=None, versions=())
    try:
        for _ in range(2):
            keeper.keep(taken)
    finally:
        other.close()

    (note,) = notes
    assert note.startswith(f"--record-new {new}: {new}: ")
    with pytest.raises(CassetteError, match="another program records into it"):
        keeper.close()
