from gms_replay import leaks, marks
from gms_replay.redact import typed
from gms_replay.redact.standins import StandIns

STAND_INS = StandIns(b"a key for tests!")


def told(text: str) -> str:
    return typed.told(text, STAND_INS, known={"ann@mail.test": "b@c.example"}.get, is_done=marks.is_stand_in)


def test_what_is_known_stands_for_itself() -> None:
    found = told("ask ann@mail.test, +15417543010")

    assert found.partition(" ")[2] == f"b@c.example, {STAND_INS.of('+15417543010')}"
    assert not found.startswith("ask")
    assert told(found) == found


def test_words_alone_are_drawn_as_one() -> None:
    assert told("no Ann here") == STAND_INS.typed("no Ann here")


def test_neighbours_make_no_card() -> None:
    for number in range(300):
        found = told(f"see 41111111111{number:05} 1111 2222 3333 4444 0151 1234 5678")

        assert not [one for one in leaks.in_text(found) if one.is_secret]
