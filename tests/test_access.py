import json

import pytest

from gms_replay import access
from gms_replay.access import Access
from gms_replay.control import CLOCK, PUSHES
from gms_replay.errors import OptionError
from gms_replay.events import Asked, Respond
from gms_replay.model import Headers

TOKEN = "0123456789abcdef"
BEARER = ("authorization", f"Bearer {TOKEN}")


def asked(*headers: tuple[str, str], peer: str = "127.0.0.1", host: str = "localhost:8080", query: str = "") -> Asked:
    return Asked("POST", "http", f"{CLOCK}{query}", (("host", host), *headers), b"{}", peer)


def status(asked: Asked, token: str | None = None) -> int:
    told = Access(token).admitted(asked)
    return told.status if isinstance(told, Respond) else 200


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1", ""])
@pytest.mark.parametrize("token", [None, TOKEN])
def test_this_machine_may(peer: str, token: str | None) -> None:
    assert status(asked(peer=peer), token) == 200


@pytest.mark.parametrize("peer", ["192.0.2.1", "::2", "::12", "::1:2", "::ffff:192.0.2.1", "-", "testclient"])
def test_others_may_not_without_token(peer: str) -> None:
    assert (status(asked(peer=peer)), status(asked(peer=peer), TOKEN)) == (403, 401)


@pytest.mark.parametrize("header", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"])
def test_whoever_comes_through_a_proxy_may_be_anybody(header: str) -> None:
    assert status(asked((header, "127.0.0.1"))) == 403


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:9000", "[::1]:9000", "gms.localhost", "LOCALHOST"]
)
def test_names_of_this_machine(host: str) -> None:
    assert status(asked(host=host)) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil", "", "192.168.0.7"]
)
def test_rebound_name_may_not(host: str) -> None:
    """A page whose name was let lead here asks its own origin, so browsers say no Origin."""
    assert status(asked(host=host)) == 403


def test_this_process_may_call_itself_anything() -> None:
    assert status(asked(peer="", host="gms.test")) == 200


@pytest.mark.parametrize(
    ("host", "page", "expected"),
    [
        ("localhost:9000", "http://localhost:9000", 200),
        ("127.0.0.1:9000", "http://127.0.0.1:9000", 200),
        ("[::1]:9000", "http://[::1]:9000", 200),
        ("localhost:9000", "https://localhost:9000", 403),
        ("localhost:9000", "http://localhost:9001", 403),
        ("localhost:9000", "null", 403),
        ("evil.test:9000", "http://evil.test:9000", 403),
        ("127.0.0.1.evil.test", "http://127.0.0.1.evil.test", 403),
    ],
)
def test_pages_of_other_sites_may_not(host: str, page: str, expected: int) -> None:
    assert status(asked(("origin", page), host=host)) == expected


@pytest.mark.parametrize(
    ("site", "expected"), [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
)
def test_what_the_browser_says_of_the_page_counts(site: str, expected: int) -> None:
    """Of an image's or script's request it says no Origin."""
    assert status(asked(("sec-fetch-site", site))) == expected


@pytest.mark.parametrize("given", [{"headers": (BEARER,)}, {"query": f"?token={TOKEN}"}])
@pytest.mark.parametrize("peer", ["192.0.2.1", "127.0.0.1"])
def test_token_opens_from_everywhere(given: dict[str, object], peer: str) -> None:
    headers: Headers = given.get("headers", ())  # type: ignore[assignment]
    one = asked(
        *headers, ("origin", "http://page.test"), peer=peer, host="evil.test", query=str(given.get("query", ""))
    )

    assert status(one, TOKEN) == 200


@pytest.mark.parametrize("said", ["Bearer 0123456789abcdeX", "Bearer", "Bearer \u00fc", "Basic 0123456789abcdef"])
def test_wrong_token_opens_nothing(said: str) -> None:
    assert status(asked(("authorization", said), peer="192.0.2.1"), TOKEN) == 401


def test_token_is_taken_off() -> None:
    one = asked(BEARER, query=f"?after=3&token={TOKEN}&session=a%26b")._replace(method="GET")

    told = Access(TOKEN).admitted(one)

    assert isinstance(told, Asked)
    assert (told.target, told.headers) == (f"{CLOCK}?after=3&session=a%26b", (("host", "localhost:8080"),))


def test_refusal_says_the_way_out() -> None:
    told = Access().admitted(Asked("GET", "http", PUSHES, (("host", "evil.example"),), b"", "127.0.0.1"))

    assert isinstance(told, Respond)
    assert "http://127.0.0.1" in json.loads(told.body)["error"]
    assert "GMS_REPLAY_TOKEN" in json.loads(told.body)["error"]


def test_refusal_says_the_scheme_that_is_served() -> None:
    told = Access().admitted(Asked("GET", "https", PUSHES, (("host", "evil.example"),), b"", "127.0.0.1"))

    assert isinstance(told, Respond)
    assert "at https://127.0.0.1, " in json.loads(told.body)["error"]


def test_who_has_no_token_is_told_which_kind() -> None:
    told = Access(TOKEN).admitted(asked(peer="192.0.2.1"))

    assert isinstance(told, Respond)
    assert ("www-authenticate", "Bearer") in told.headers
    assert TOKEN not in told.body.decode()


@pytest.mark.parametrize("said", ["", "short", "with blank", "new\nline", "sch\u00f6nes-token"])
def test_bad_token_is_refused(said: str) -> None:
    with pytest.raises(OptionError, match="--token"):
        access.token("--token", said)


def test_drawn_tokens_are_good() -> None:
    assert access.token("--token", TOKEN) == TOKEN
