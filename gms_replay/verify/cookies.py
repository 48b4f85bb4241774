"""The cookies of one app: of those that answers set, whichever client got them, one jar, as a browser has it.

httpx keeps the jar; aiohttp, which carries Comet, puts into it what it is told. Only `said` writes what is said.
"""

from collections.abc import Sequence

import aiohttp
import httpx
from aiohttp.typedefs import StrOrURL


class Heard(aiohttp.DummyCookieJar):
    """For aiohttp: a jar that fills one of httpx's, and itself says nothing."""

    def __init__(self, cookies: httpx.Cookies) -> None:
        super().__init__()
        self._cookies = cookies

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: StrOrURL) -> None:
        """Takes what an answer set, as its headers ("set-cookie") have it."""
        request = httpx.Request("GET", str(response_url))
        answer = httpx.Response(200, headers=[("set-cookie", one) for one in headers], request=request)
        self._cookies.extract_cookies(answer)


def said(cookies: httpx.Cookies, url: str, own: str = "") -> str:
    """The header "cookie" of a request for a URL: those of the app's `own` that no answer has set, then the jar's."""
    request = httpx.Request("GET", url)
    cookies.set_cookie_header(request)
    given = request.headers.get("cookie", "")
    names = {_name(one) for one in given.split(";")}
    return "; ".join(filter(None, [*(one.strip() for one in own.split(";") if _name(one) not in names), given]))


def _name(cookie: str) -> str:
    return cookie.partition("=")[0].strip()
