import gzip
import json
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seen import ANSWER

from gms_replay import carriage
from gms_replay.mitmdump.seen import Piece
from gms_replay.record.trickle import Objects, Trickle

HEAD = ANSWER._replace(fields=(), body=None, ended_at_s=None, started_at_s=100.0)


def pieces(*contents, first_at_s=101.0):
    """One a second."""
    return [Piece(7, first_at_s + number, content) for number, content in enumerate(contents)]


def told(seen, head=HEAD, is_script=False):
    answer = Trickle(head, is_script=is_script)
    return [
        (at_s, index, channel)
        for at_s, found in [answer.take(piece) for piece in seen]
        for index, channel, _ in found
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ((b'[{"channel":"/a"},', b'{"channel":"/b"}', b"]"), [(101.0, 0, "/a"), (102.0, 1, "/b")]),
        ((b'[{"channel":"/a"}]', b'[{"channel":"/b"}]'), [(101.0, 0, "/a"), (102.0, 1, "/b")]),
        ((b'{"channel":"/a"}\n', b'{"channel":"/b"}\n'), [(101.0, 0, "/a"), (102.0, 1, "/b")]),
        ((b'[{"chan', b'nel":"/a"', b"}", b"]"), [(103.0, 0, "/a")]),
        ((b'[{"channel":"/a","data":"}\\', b'"{"}', b"]"), [(102.0, 0, "/a")]),
        ((b'[{"channel":"/a","data":{"b":[{}]}', b"}]"), [(102.0, 0, "/a")]),
        ((b'[{"id":"1"},{"channel":"/a",}', b"it's over \xff }{"), [(101.0, 1, "/a")]),
        ((b'[{]},{"channel":"/a"}', b"] {] never"), [(101.0, 1, "/a")]),
        ((b"no Bayeux", b"[7]"), []),
    ],
    ids=["one array", "arrays", "objects", "torn", "torn escape", "nested", "comma, garbage", "broken", "none"],
)  # fmt: skip
def test_message_has_time_of_its_end(contents, expected):
    assert told(pieces(*contents)) == expected


def test_piece_with_head_has_its_time():
    seen = pieces(b'[{"channel":"/a"},', b'{"channel":"/b"}]', first_at_s=100.001)

    assert told(seen) == [(100.0, 0, "/a"), (101.001, 1, "/b")]


CODERS = {
    "gzip": lambda: zlib.compressobj(wbits=zlib.MAX_WBITS | 16),
    "x-gzip": lambda: zlib.compressobj(wbits=zlib.MAX_WBITS | 16),
    "deflate": zlib.compressobj,
    "Deflate, identity": lambda: zlib.compressobj(wbits=-zlib.MAX_WBITS),
}


@pytest.mark.parametrize("coding", CODERS)
def test_coding_is_undone_as_it_comes(coding):
    coder = CODERS[coding]()
    first, second = (
        coder.compress(b'[{"channel":"/%s"}]' % name) + coder.flush(zlib.Z_SYNC_FLUSH) for name in (b"a", b"b")
    )
    head = HEAD._replace(fields=((b"Content-Encoding", coding.encode()),))

    assert told(pieces(first[:1], first[1:], second), head) == [(102.0, 0, "/a"), (103.0, 1, "/b")]


def test_members_of_gzip_follow_each_other():
    head = HEAD._replace(fields=((b"content-encoding", b"gzip"),))
    wire = [gzip.compress(b'[{"channel":"/%s"}]' % name) for name in (b"a", b"b")]

    assert told(pieces(b"".join(wire)), head) == [(101.0, 0, "/a"), (101.0, 1, "/b")]
    assert told(pieces(*wire, b"no gzip", wire[0]), head) == [(101.0, 0, "/a"), (102.0, 1, "/b")]


@pytest.mark.parametrize(("coding", "is_script"), [("br", False), ("deflate, gzip", False), ("", True)])
def test_what_waits_for_the_end(coding, is_script):
    answer = Trickle(HEAD._replace(fields=((b"content-encoding", coding.encode()),)), is_script=is_script)

    assert answer.take(Piece(7, 101.0, b'cb([{"channel":"/a"}])')) == (101.0, [])
    assert not answer.has_told
    assert not answer.tells_all
    assert answer.body == b'cb([{"channel":"/a"}])'


def test_body_is_kept_to_its_limit():
    answer = Trickle(HEAD, is_script=False, most_bytes=20)
    found = [answer.take(piece) for piece in pieces(b'[{"channel":"/a"},', b'{"channel":"/b"},')]

    assert [channel for _, some in found for _, channel, _ in some] == ["/a", "/b"]
    assert (answer.body, answer.is_cut) == (b'[{"channel":"/a"},{"', True)


def test_object_without_end_is_given_up():
    objects = Objects(most_bytes=8)

    assert objects.take(b'{"a":1}' * 3) == [b'{"a":1}'] * 3
    assert objects.take(b'{"a":"bcd') == []
    assert objects.take(b'"}{"a":1}') == []


values = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)
messages = st.fixed_dictionaries({"channel": st.text(min_size=1)}, optional={"data": values})


@given(st.lists(messages), st.lists(st.integers(0, 400)), st.booleans())
def test_pieces_tell_what_the_whole_tells(frame, cuts, is_ascii):
    whole = json.dumps(frame, ensure_ascii=is_ascii).encode("utf-8", "backslashreplace")
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    answer = Trickle(HEAD, is_script=False)

    found = [one for start, end in pairwise(places) for one in answer.take(Piece(7, 101.0, whole[start:end]))[1]]

    assert tuple(found) == carriage.messages(whole)
    assert answer.body == whole
