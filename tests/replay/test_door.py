import pytest

from gms_replay.events import Asked
from gms_replay.replay.door import HEADER, Door, Fate

PLAIN = Asked("POST", "http", "/3/device/a", (("host", "127.0.0.1:5"), ("a", "b")), b"x", "127.0.0.1")


def noted(*values: str) -> Asked:
    return PLAIN._replace(headers=(*((HEADER, value) for value in values), *PLAIN.headers))


def test_request_is_as_its_app_sent_it() -> None:
    door = Door()
    note = door.note("https", "api.push.apple.com", "HTTP/2.0", "192.0.2.7")

    assert door.entered(noted(note)) == PLAIN._replace(
        scheme="https", headers=(("host", "api.push.apple.com"), ("a", "b")), peer="192.0.2.7", http_version="HTTP/2.0"
    )


@pytest.mark.parametrize(("version", "kept"), [("HTTP/2.0", False), ("HTTP/1.1", True)])
def test_chunks_are_of_http_1(version: str, kept: bool) -> None:
    door = Door()
    chunked = ("transfer-encoding", "chunked")
    asked = noted(door.note("https", "a", version, "::1"))

    assert (chunked in door.entered(asked._replace(headers=(*asked.headers, chunked))).headers) is kept


def test_who_is_not_known_is_not_near() -> None:
    door = Door()

    assert door.entered(noted(door.note("http", "", "HTTP/1.1", ""))) == PLAIN._replace(peer="-")


def test_host_of_blanks_makes_nobody_near() -> None:
    door = Door()

    assert door.entered(noted(door.note("http", " ", "HTTP/1.1", "192.0.2.7").rstrip())).peer == "192.0.2.7"


@pytest.mark.parametrize("host", ["a b", " ", "a 127.0.0.1 b"])
def test_odd_host_makes_nobody_near(host: str) -> None:
    door = Door()
    entered = door.entered(noted(door.note("http", host, "HTTP/1.1", "192.0.2.7")))

    assert (entered.peer, entered.headers[0]) == ("192.0.2.7", ("host", host))


@pytest.mark.parametrize("lie", ["", "x", "x https HTTP/1.1 127.0.0.1 evil.example", "\xff a b c d"])
def test_whoever_lacks_the_secret_comes_as_he_is(lie: str) -> None:
    assert Door().entered(noted(lie)) == PLAIN


def test_the_last_note_counts() -> None:
    """mitmproxy's own stands in place of whatever an app says; were it not so, it would come after."""
    door = Door()
    lie, note = Door().note("https", "evil.example", "HTTP/1.1", "::1"), door.note("http", "a", "HTTP/1.1", "::2")

    assert door.entered(noted(lie, note)).peer == "::2"


def test_each_run_has_a_secret_of_its_own() -> None:
    assert Door().entered(noted(Door().note("https", "a", "HTTP/2.0", "::1"))) == PLAIN


def test_without_a_note_nothing_changes() -> None:
    assert Door().entered(PLAIN) is PLAIN


def test_fate_is_told_in_secret() -> None:
    door = Door()
    for fate in Fate:
        ((name, note),) = door.end(fate)
        assert (name, door.fate(note), Door().fate(note)) == (HEADER, fate, None)

    assert door.fate(None) is None
    assert door.fate("reset") is None


def test_only_who_has_the_secret_is_brought() -> None:
    door = Door()

    assert door.brings(noted(door.note("http", "a", "HTTP/1.1", "::1")))
    assert not door.brings(noted(Door().note("http", "a", "HTTP/1.1", "::1")))
    assert not door.brings(PLAIN)
