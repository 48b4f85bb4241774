import pytest

from gms_replay.acts import PATIENCE_US, Acts, Lack, Lacking, MissingAct, Patience
from gms_replay.gms import Act


def test_late_act_fills_its_place() -> None:
    acts = Acts()
    acts.happen(1)
    acts.give_up(5)
    acts.happen(7)
    acts.happen(9)

    assert acts.happened_at_us == [1, 5, 9]


def test_held_polls_add_up() -> None:
    patience = Patience(moved_at_us=0)
    patience.poll(True, 100)
    patience.poll(False, 400)
    patience.poll(True, 1000)

    assert patience.ends_at_us == 1000 + PATIENCE_US - 300


def test_moving_story_renews_patience() -> None:
    patience = Patience(moved_at_us=0)
    patience.poll(True, 100)
    patience.move(700)

    assert patience.ends_at_us == 700 + PATIENCE_US


def test_nobody_waits_for_ever() -> None:
    patience = Patience(moved_at_us=0)
    assert patience.ends_at_us is None

    patience.ask(100)
    assert patience.ends_at_us is None

    patience.ask(100 + PATIENCE_US)
    assert patience.ends_at_us == 100 + PATIENCE_US


def test_asking_anew_is_no_waiting() -> None:
    patience = Patience(moved_at_us=0)
    patience.ask(100)
    patience.ask(200 + PATIENCE_US)

    assert patience.ends_at_us is None


def test_skipped_time_is_no_pause() -> None:
    patience = Patience(moved_at_us=0)
    patience.ask(100)
    patience.put_forward(3 * PATIENCE_US)
    assert patience.ends_at_us is None

    patience.ask(200 + 3 * PATIENCE_US)
    assert patience.ends_at_us == 200 + 3 * PATIENCE_US


def test_lack_is_named() -> None:
    assert str(Lack(0, Act.SEND, 2)) == "send 2"


@pytest.mark.parametrize(
    ("rule", "goes_on", "text"),
    [
        (MissingAct.GO_ON, True, "went on without send 2, which the app never did"),
        (MissingAct.MISS, False, "miss: the story waits for send 2, which the app does not do"),
    ],
)
def test_lack_ends_by_its_rule(rule: MissingAct, goes_on: bool, text: str) -> None:
    patience = Patience(moved_at_us=0)
    lacking = Lacking(rule, patience)
    assert lacking.of((Act.SEND, 2)) is None
    patience.poll(True, 0)
    lack = lacking.of((Act.SEND, 2))

    assert lack == Lack(PATIENCE_US, Act.SEND, 2)
    assert lacking.of(None) is None
    assert lacking.end(lack) == (goes_on, text)
    assert (lacking.of((Act.SEND, 2)) is None) is not goes_on
    assert lacking.of((Act.SEND, 3)) is not None


def test_lack_may_be_waited_for_without_end() -> None:
    patience = Patience(moved_at_us=0)
    patience.poll(True, 0)

    assert Lacking(MissingAct.WAIT, patience).of((Act.SEND, 2)) is None


def test_who_does_not_wait_ends_no_wait() -> None:
    patience = Patience(0)
    patience.poll(False, 5)

    assert patience == Patience(0)
