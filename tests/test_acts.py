from gms_replay.acts import PATIENCE_US, Acts, Lack, Patience
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
