import pytest
from factories import CALLBACK

from gms_replay import calls
from gms_replay.addresses import Address
from gms_replay.calls import Call
from gms_replay.errors import OptionError
from gms_replay.events import Asked
from gms_replay.gms import Kind

HEADERS = (
    ("host", "play.example:8080"),
    ("gms_user", "ann"),
    ("accept-encoding", "gzip"),
    ("content-type", "application/x-www-form-urlencoded"),
)


def asked(target: str = CALLBACK, body: bytes = b"", **more: str) -> Asked:
    return Asked("POST", "https", target, HEADERS, body, **more)


def test_call_is_read() -> None:
    call = calls.read(asked(f"{CALLBACK}?gms_session=ann:2&a=1", b"b=2&a=3", forwarded_prefix="/proxied"))

    assert isinstance(call, Call)
    assert call.operation.kind is Kind.START_CALLBACK
    assert call.address == Address("ann", 2)
    assert call.asked.target == f"{CALLBACK}?a=1"
    assert call.said == {"a": "3", "b": "2"}
    assert (call.user, call.accepts) == ("ann", "gzip")
    assert call.origin == "https://play.example:8080/proxied"


def test_call_may_say_nothing() -> None:
    call = calls.read(Asked("GET", "http", CALLBACK, (), b""))

    assert isinstance(call, Call)
    assert (call.user, call.accepts, call.said, call.address) == (None, "", {}, Address())
    assert call.origin == "http://localhost"


def test_request_for_nothing_of_gms_is_no_call() -> None:
    assert calls.read(asked("/favicon.ico?gms_session=ann")) == asked("/favicon.ico")


def test_app_sends_no_notices() -> None:
    """Though it says what a notice says, without a user."""
    notice = Asked("POST", "http", "/analytics", (), b'{"_id": "3SQI3S31693JL9L3", "_action": "connect"}')

    assert calls.read(notice) == notice


def test_address_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError, match="names no session"):
        calls.read(asked(f"{CALLBACK}?gms_session=!"))


def test_equal_requests_are_read_once() -> None:
    assert calls.read(asked()) is calls.read(asked())
    assert calls.read(asked()) is not calls.read(asked(peer="192.0.2.1"))
    assert calls.read(asked(body=b"a=1")) is not calls.read(asked(body=b"a=1"))


@pytest.mark.parametrize("long", ["target", "headers"])
def test_long_requests_are_not_kept(long: str) -> None:
    """What strangers write would fill the memory."""
    filling = "a" * 3000
    target, user = (f"{CALLBACK}?a={filling}", "ann") if long == "target" else (CALLBACK, filling)
    one = Asked("GET", "http", target, (("gms_user", user),), b"")

    assert calls.read(one) is not calls.read(one)


def test_call_says_how_it_came() -> None:
    one, other = (calls.read(asked(peer=peer)) for peer in ("192.0.2.1", "192.0.2.2"))

    assert isinstance(one, Call)
    assert isinstance(other, Call)
    assert one.came == ("https://play.example:8080", "/genesys", False, "ann", "192.0.2.1")
    assert one.came != other.came
