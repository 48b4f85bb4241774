from collections.abc import Iterator
from pathlib import Path

import factories
import httpx
import pytest

from gms_replay.cassette.copy import write
from gms_replay.errors import GmsReplayError
from gms_replay.replay.beside import Answer, Asking, Beside
from gms_replay.replay.plays import Play
from gms_replay.replay.stage import Stage

STARTING = Asking("POST", "http", factories.CALLBACK.encode(), [(b"host", b"gms.test")], b"{}")


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    write(tmp_path / "visit.sqlite", factories.visit())
    beside = Beside(Stage(Play(tmp_path / "visit.sqlite")))
    yield beside
    beside.close()


def test_in_process_and_server_share_sessions(beside: Beside) -> None:
    origin = beside.serve()
    missed = beside.ask(Asking("GET", "http", b"/genesys/1/nowhere", [(b"host", b"gms.test")])).answer.result()
    httpx.get(f"{origin}/genesys/1/nowhere/else", trust_env=False)

    assert isinstance(missed, Answer)
    assert missed.status == 404
    assert beside.look(lambda stage: stage.player.missed) == 2
    assert beside.serve() == origin


def test_who_hangs_up_gets_nothing(beside: Beside) -> None:
    listening = b"/__gms_replay__/pushes?wait_ms=60000"
    held = beside.ask(Asking("GET", "http", listening, [(b"host", b"localhost")]))
    held.let_go()

    assert held.answer.result(60) is None


def test_end_comes_once(beside: Beside) -> None:
    held = beside.ask(Asking("GET", "http", b"/genesys/1/nowhere", [(b"host", b"gms.test")]))
    assert held.answer.result(60)
    beside.close()
    beside.close()
    # Nobody is there to hear it.
    held.let_go()

    assert beside.is_closed
    for late in (lambda: beside.ask(STARTING), lambda: beside.look(id), beside.serve):
        with pytest.raises(GmsReplayError, match="the player has ended"):
            late()
