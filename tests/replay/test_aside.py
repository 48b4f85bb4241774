import asyncio
from pathlib import Path

import pytest
from factories import TOKEN, Tape

from gms_replay.cassette import reader
from gms_replay.errors import OptionError
from gms_replay.events import Asked, PushTaken
from gms_replay.model import Redaction
from gms_replay.redact.wishes import Wish
from gms_replay.replay.aside import Aside

NOBODY = "http://127.0.0.1:9"


def test_nobody_unless_somebody_is_wanted() -> None:
    aside = Aside.opened("error", None, print)

    assert aside == Aside(None, None, None)
    aside.keep(PushTaken("apns", Tape().push(1, "get-dialog-start-chat")))
    aside.close()


def test_pushes_are_recorded_though_nothing_is_sent_on(tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    aside = Aside.opened("error", new, print, wish=Wish(Redaction.OFF))
    aside.keep(PushTaken("apns", Tape().push(1, "get-dialog-start-chat")))
    aside.close()

    assert aside.passing is None
    assert [exchange.request.target for exchange in reader.read(new).exchanges] == [f"/3/device/{TOKEN}"]


def test_both_record_into_one(tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    aside = Aside.opened(f"pass:{NOBODY}", new, print)
    aside.keep(PushTaken("apns", Tape().push(1, "get-dialog-start-chat")))
    assert aside.passing is not None
    asyncio.run(aside.passing.ask(1, Asked("GET", "http", "/a", (), b"")))
    asyncio.run(aside.passing.close())
    aside.close()

    assert [(run.mode, run.upstream) for run in reader.read(new).runs] == [("serve", NOBODY)]
    assert len(reader.read(new).exchanges) == 2


def test_wrong_wish_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--on-miss ask: it is `error` or pass:URL"):
        Aside.opened("ask", tmp_path / "new.sqlite", print)
    assert [*tmp_path.iterdir()] == []
