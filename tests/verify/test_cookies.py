"""One jar for two clients: what each says, and that the other hears of it."""

import asyncio

import httpx
import pytest

from gms_replay.verify.cookies import Heard, said

URL = "http://127.0.0.1:8080/genesys/cometd"


def jar(*headers: str, url: str = URL) -> httpx.Cookies:
    """What aiohttp hands over of an answer."""
    cookies = httpx.Cookies()

    async def hear() -> None:
        Heard(cookies).update_cookies_from_headers(headers, url)

    asyncio.run(hear())
    return cookies


@pytest.mark.parametrize(
    ("header", "url", "expected"),
    [
        ("node=a1; Path=/", URL, "node=a1"),
        ("node=a1; Path=/genesys; HttpOnly", URL, "node=a1"),
        ("node=a1; Path=/elsewhere", URL, ""),
        ("node=a1; Secure", URL, ""),
        ("node=a1; Secure; Path=/", URL.replace("http:", "https:"), "node=a1"),
        ("node=a1; Max-Age=0", URL, ""),
        ("node=a1", "http://127.0.0.2/genesys/cometd", ""),
        ('node="a b"', URL, 'node="a b"'),
        ("node=", URL, "node="),
        ("", URL, ""),
    ],
)
def test_what_is_for_a_url_is_said(header: str, url: str, expected: str) -> None:
    assert said(jar(header), url) == expected


def test_several_are_kept() -> None:
    assert sorted(said(jar("a=1", "b=2"), URL).split("; ")) == ["a=1", "b=2"]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("", "node=a1"),
        ("lang=en; theme=dark", "lang=en; theme=dark; node=a1"),
        ("node=old; lang=en", "lang=en; node=a1"),
    ],
)
def test_an_own_one_gives_way_to_what_was_set(own: str, expected: str) -> None:
    assert said(jar("node=a1"), URL, own) == expected


def test_own_ones_alone_are_said_as_they_were() -> None:
    assert said(httpx.Cookies(), URL, 'a="1,2"; b') == 'a="1,2"; b'
