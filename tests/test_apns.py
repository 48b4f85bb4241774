import struct
from itertools import pairwise

import pytest
from apns_frames import PAYLOAD, TOKEN, enhanced, item, items, refusal, simple
from hypothesis import example, given
from hypothesis import strategies as st

from gms_replay import apns
from gms_replay.apns import Framer, Refusal, Sent
from gms_replay.model import Direction

frames = st.lists(
    st.one_of(
        st.builds(simple, st.binary(max_size=40), st.binary(max_size=40)),
        st.builds(enhanced, st.integers(0, 2**32 - 1), token=st.binary(max_size=40), payload=st.binary(max_size=40)),
        st.builds(items, st.builds(item, st.integers(0, 255), st.binary(max_size=40)), st.binary(max_size=9)),
    ),
    max_size=5,
)
directions = st.sampled_from(Direction)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Some bytes, cut at these places."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


def framed(direction: Direction, *data: bytes) -> list[bytes]:
    framer = Framer(direction)
    found = [frame for piece in data for frame in framer.take(piece)]
    return [*found, *filter(None, [framer.rest()])]


cuts = st.lists(st.integers(0, 400), max_size=30)


@given(frames, cuts)
def test_any_split_gives_the_same_frames(sent: list[bytes], cuts: list[int]) -> None:
    assert framed(Direction.TO_SERVER, *pieces(b"".join(sent), cuts)) == sent


@given(st.lists(st.builds(refusal, st.integers(0, 255), st.integers(0, 2**32 - 1)), max_size=4), cuts)
def test_refusals_are_framed(told: list[bytes], cuts: list[int]) -> None:
    assert framed(Direction.TO_CLIENT, *pieces(b"".join(told), cuts)) == told


streams = st.binary(max_size=400) | st.builds(lambda sent, junk: b"".join(sent) + junk, frames, st.binary())


@given(directions, streams, cuts)
def test_any_bytes_come_out_as_they_went_in(direction: Direction, data: bytes, cuts: list[int]) -> None:
    given_back = framed(direction, *pieces(data, cuts))

    assert b"".join(given_back) == data
    assert all(given_back)


@given(st.binary())
@example(items(item(4, bytes(400))))
@example(b"\x02\0\0\0\x01\x01")
def test_any_bytes_are_read(raw: bytes) -> None:
    said = apns.read(raw)

    assert said is None or isinstance(said, Refusal | Sent)
    if isinstance(said, Sent):
        assert said.expires_at_s is None or said.expires_at_s < 2**32


@given(st.binary())
def test_recognition_never_takes_back_its_word(data: bytes) -> None:
    words = [apns.is_ours(data[:length]) for length in range(len(data) + 1)]

    decided = [word for word in words if word is not None]
    assert len(set(decided)) <= 1
    assert words == [None] * (len(words) - len(decided)) + decided


def test_frames_before_a_break_are_whole() -> None:
    """What follows comes as it came, also where it would be a frame."""
    broken = [b"\x07hello", enhanced(3), b"more"]

    assert framed(Direction.TO_SERVER, enhanced(1) + enhanced(2)[:9], enhanced(2)[9:] + broken[0], *broken[1:]) == [
        enhanced(1), enhanced(2), *broken
    ]  # fmt: skip


@pytest.mark.parametrize(
    "head",
    [
        b"\x02" + struct.pack(">I", apns.LARGEST_FRAME),
        b"\x02\xff\xff\xff\xff",
        b"\x00\0\x20" + TOKEN + b"\xff\xff",
        b"\x01" + bytes(8) + b"\xff\xff",
    ],
    ids=["2", "2, longest", "0", "1"],
)
def test_long_frame_is_none(head: bytes) -> None:
    assert list(Framer(Direction.TO_SERVER).take(head)) == [head]


def test_longest_frame_is_one() -> None:
    longest = items(item(2, bytes(apns.LARGEST_FRAME - 8)))

    assert framed(Direction.TO_SERVER, longest[:-1], longest[-1:], enhanced(1)) == [longest, enhanced(1)]


@pytest.mark.parametrize(
    ("direction", "frame"), [(Direction.TO_SERVER, refusal(8, 1)), (Direction.TO_CLIENT, simple()[:6])]
)
def test_other_side_s_frames_are_none(direction: Direction, frame: bytes) -> None:
    assert list(Framer(direction).take(frame + enhanced(1))) == [frame + enhanced(1)]


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (simple(), Sent(0, None, None, TOKEN, PAYLOAD, None)),
        (enhanced(7, 1_399_048_858), Sent(1, 7, 1_399_048_858, TOKEN, PAYLOAD, None)),
        (
            items(
                item(5, b"\x0a"), item(1, TOKEN), item(9, b"?"), item(4, bytes(4)), item(3, b"\xff" * 4), item(2, b"{}")
            ),
            Sent(2, 2**32 - 1, 0, TOKEN, b"{}", 10),
        ),
        (items(), Sent(2, None, None, b"", b"", None)),
        (items(item(4, bytes(400)), item(3, b"\1"), item(5, b"")), Sent(2, None, None, b"", b"", None)),
        (simple(b"", b""), Sent(0, None, None, b"", b"", None)),
    ],
    ids=["0", "1", "2, in any order", "2, empty", "2, wrong sizes", "0, empty"],
)
def test_push_is_read(raw: bytes, sent: Sent) -> None:
    assert apns.read(raw) == sent


@pytest.mark.parametrize(
    ("status", "name"),
    [(1, "ProcessingError"), (8, "InvalidToken"), (10, "Shutdown"), (255, "Unknown"), (77, "status 77")],
)
def test_refusal_is_read(status: int, name: str) -> None:
    said = apns.read(refusal(status, 2**32 - 2))

    assert said == Refusal(status, 2**32 - 2)
    assert said.name == name


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x07",
        b"\x07\0\0\0\0",
        simple()[:-1],
        simple() + b"\0",
        enhanced(1) + enhanced(2),
        refusal(8, 1)[:-1],
        items(item(1, TOKEN)[:-1]),
        items(item(1, TOKEN), b"\2\0"),
        items(b"\2\xff\xff{}"),
    ],
)
def test_other_bytes_say_nothing(raw: bytes) -> None:
    assert apns.read(raw) is None


@pytest.mark.parametrize(
    ("start", "is_ours"),
    [
        (b"", None),
        (simple()[:-1], None),
        (simple(), True),
        (enhanced(1) + b"whatever", True),
        (items(item(1, TOKEN), item(2, PAYLOAD)), True),
        (items(item(2, PAYLOAD), item(5, b"\5"), item(3, bytes(4)), item(4, bytes(4)), item(1, TOKEN)), True),
        (b"\x16\x03\x01", False),
        (b"\x02\xff\xff\xff\xff", False),
        (simple(TOKEN[1:]), False),
        (enhanced(1, payload=b"hello"), False),
        (enhanced(1, payload=b""), False),
        (items(item(1, TOKEN)), False),
        (items(item(1, TOKEN), item(2, PAYLOAD), item(6, b"")), False),
        (items(item(1, TOKEN), item(2, PAYLOAD), item(3, b"")), False),
        (items(item(1, TOKEN), item(2, PAYLOAD), b"\0"), False),
        (b"\x02\x00\x00\x05\x00\x00\x00\x00" + bytes(1280), False),
        (b"\x00\x00\x00\x00\x08\x04\xd2\x16\x2f" + bytes(9), False),
    ],
)
def test_protocol_is_known_by_its_first_frame(start: bytes, is_ours: bool | None) -> None:
    assert apns.is_ours(start) is is_ours


def longer(content: bytes) -> bytes:
    return content + b"!"


def empty(content: bytes) -> bytes:
    return b"{}"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (simple(), simple(TOKEN + b"!", b"{}")),
        (enhanced(7, 9), enhanced(7, 9, TOKEN + b"!", b"{}")),
        (
            items(item(5, b"\x0a"), item(2, PAYLOAD), item(9, b"?"), item(1, TOKEN)),
            items(item(5, b"\x0a"), item(2, b"{}"), item(9, b"?"), item(1, TOKEN + b"!")),
        ),
        (simple()[:13], b"\0" + struct.pack(">H", 33) + TOKEN[:10] + b"!"),
        (simple()[:36], simple(TOKEN + b"!")[:37]),
        (items(item(1, TOKEN), item(2, PAYLOAD))[:40], items(item(1, TOKEN + b"!"), item(2, PAYLOAD))[:41]),
        (items()[:3], items()[:3]),
        (b"", None),
        (b"?", None),
        (refusal(8, 1), None),
        (simple() + b"?", None),
    ],
    ids=[
        "0",
        "1",
        "2",
        "cut in its token",
        "cut behind it",
        "2, cut",
        "2, cut at once",
        "none",
        "odd",
        "refusal",
        "two",
    ],
)
def test_frame_is_written_anew(raw: bytes, expected: bytes | None) -> None:
    assert apns.rewritten(raw, longer, empty) == expected


@given(frames.filter(bool), st.integers(1, 400))
def test_what_is_the_same_stays_the_frame(sent: list[bytes], length: int) -> None:
    """However much of it is there."""
    raw = sent[0][:length]

    assert apns.rewritten(raw, bytes, bytes) == raw


@pytest.mark.parametrize(
    "raw",
    [simple(TOKEN, b"{}")[:35] + b"\xff\xff{}", items(item(2, b"{}"))[:6] + b"\xff\xff{}"],
    ids=["simple", "items"],
)
def test_what_no_length_can_say_is_no_frame(raw: bytes) -> None:
    assert apns.rewritten(raw, bytes, lambda payload: payload + b" ") is None
