import time

from gms_replay.record.tap import Tap


def test_tap_passes_and_tells():
    told = []
    tap = Tap(7, told.append)
    before_s = time.time()

    assert [tap(piece) for piece in (b"a", b"bc", b"")] == [b"a", b"bc", b""]
    assert [(piece.number, piece.content) for piece in told] == [(7, b"a"), (7, b"bc")]
    assert before_s <= told[0].at_s <= told[1].at_s <= time.time()
