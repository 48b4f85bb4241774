from gms_replay.record.tap import Tap


def test_tap_passes_and_keeps():
    tap = Tap()

    assert [tap(piece) for piece in (b"a", b"bc", b"")] == [b"a", b"bc", b""]
    assert tap.body == b"abc"
