import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gms_replay.cassette import checksums

VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5) | st.binary(max_size=5)
ROW = [7, "apns", b"\xff", None, ""]


def test_checksum_stays_what_it_is() -> None:
    """Cassettes hold it."""
    assert checksums.of("push", ROW) == zlib.crc32(b"push7i4tapns1b\xffn0t")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a", "b"], ["ab", ""]),
        (["1"], [1]),
        (["a"], [b"a"]),
        ([None], [""]),
        (["1t1", ""], ["", "1t1"]),
        ([1.0], [1]),
    ],
    ids=["border", "number", "bytes", "nothing", "order", "float"],
)
def test_rows_are_told_apart(one: list, other: list) -> None:
    assert checksums.of("push", one) != checksums.of("push", other)


def test_table_is_part_of_it() -> None:
    assert len({checksums.of(table, ROW) for table in ("push", "frame", "message")}) == 3


@given(st.lists(VALUES, min_size=1, max_size=4), st.data())
def test_one_bit_is_always_found(values: list, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(values) - 1))
    content = data.draw(st.binary(min_size=1, max_size=200))
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    flipped = bytearray(content)
    flipped[bit // 8] ^= 1 << bit % 8

    told = [checksums.of("push", [*values[:at], one, *values[at:]]) for one in (content, bytes(flipped))]

    assert told[0] != told[1]


def test_all_values_of_a_row_count() -> None:
    told = [checksums.of("push", [*ROW[:at], "other", *ROW[at + 1 :]]) for at in range(len(ROW))]

    assert not any(one == other for one, other in itertools.combinations([*told, checksums.of("push", ROW)], 2))
