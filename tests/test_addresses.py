import pytest
from factories import CALLBACK

from gms_replay import addresses
from gms_replay.addresses import Address
from gms_replay.errors import OptionError
from gms_replay.events import Asked


def read(target: str, header: str | None = None) -> tuple[Address, str]:
    headers = (("Gms_Session", header),) if header is not None else ()
    address, asked = addresses.read(Asked("GET", "http", target, headers, b""))
    return address, asked.target


@pytest.mark.parametrize(
    ("wish", "address"),
    [
        ("alice", Address("alice")),
        ("s1", Address("s1")),
        ("2", Address(None, 2)),
        ("alice:2", Address("alice", 2)),
        ("2nd_app-x:13", Address("2nd_app-x", 13)),
        ("a" * 64, Address("a" * 64)),
    ],
)
def test_wish_is_read(wish: str, address: Address) -> None:
    assert read(f"/genesys/1?gms_session={wish}") == (address, "/genesys/1")
    assert read("/genesys/1", wish) == (address, "/genesys/1")


@pytest.mark.parametrize(
    "wish", ["", "0", "a:", ":2", "2:alice", "a:b", "a b", "a/b", "ä", "a" * 65, "1234567890", "²"]
)
def test_odd_wish_is_refused(wish: str) -> None:
    """By a line that names the parameter and the way out."""
    with pytest.raises(OptionError, match=r"^gms_session: .* names no session: give a name of letters"):
        read("/genesys/1", wish)


@pytest.mark.parametrize(
    ("target", "rest"),
    [
        (f"{CALLBACK}?gms_session=a&x=1", f"{CALLBACK}?x=1"),
        (f"{CALLBACK}?x=%20&gms_session=a&y", f"{CALLBACK}?x=%20&y"),
        (f"/stage/~a~{CALLBACK}?x=1", f"/stage{CALLBACK}?x=1"),
        ("/~a~/cometd?gms_session=b", "/cometd"),
    ],
)
def test_rest_is_as_asked(target: str, rest: str) -> None:
    """The path's name counts before the query's, that before the header's."""
    assert read(target, "c") == (Address("a"), rest)


@pytest.mark.parametrize("target", [CALLBACK, "/~bob/genesys", "/~~/genesys", "/a?x=1&gms_sessions=2", "/a?x=/~a~/b"])
def test_others_say_nothing(target: str) -> None:
    assert read(target) == (Address(), target)


def test_segment_reads_back() -> None:
    assert read(f"{addresses.segment('a-1')}/genesys") == (Address("a-1"), "/genesys")
