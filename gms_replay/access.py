"""Who may ask the player itself (`control`): who is at this machine, but no page of another site, and who has a token.

A page of another site asks from this machine, too: under its own name, if it lets that lead here (DNS rebinding: then
Host is that name), or across origins (then browsers say Origin, or Sec-Fetch-Site). And who comes through a proxy on
this machine is anybody. All of them need the token, as everybody elsewhere does.
"""

import hmac
import re
from urllib.parse import parse_qsl, urlencode

from gms_replay import control
from gms_replay.errors import OptionError
from gms_replay.events import JSON, Asked, Respond
from gms_replay.model import header

VARIABLE = "GMS_REPLAY_TOKEN"
"""The environment's, which has the token where no option has it."""

_HERE = re.compile(r"(([a-z0-9-]+\.)*localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?", re.ASCII | re.IGNORECASE)
_NEAR = re.compile(r"(::ffff:)?127\..*|::1", re.IGNORECASE)
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{8,}=*", re.ASCII)
"""What a header can carry (RFC 6750, section 2.1), and nobody guesses."""
_CHALLENGE = ("www-authenticate", "Bearer")
_WAY_OUT = "give the token: Authorization: Bearer TOKEN, or ?token=TOKEN"
_NO_TOKEN = f"or set one, by {VARIABLE}, and give it: Authorization: Bearer TOKEN"


def token(name: str, said: str) -> str:
    """A token as a user sets it; `name`: of the option or variable. Raises OptionError."""
    if not _TOKEN.fullmatch(said):
        raise OptionError(
            f"{name}: a token has 8 or more letters, digits and -._~+/ (`openssl rand -hex 16` draws one)"
        )
    return said


class Access:
    """Whether a request for the player itself is admitted; with None for `token` only from this machine."""

    def __init__(self, token: str | None = None) -> None:
        self._token = token

    def admitted(self, asked: Asked) -> Asked | Respond:
        """The request, without the token; or the answer to whoever may not ask that."""
        given, asked = _given(asked)
        if given is not None and self._token is not None:
            if hmac.compare_digest(given.encode(), self._token.encode()):
                return asked
            return _refused(401, "that is not the token of this server")
        why = _why_not_near(asked)
        if why is None:
            return asked
        if self._token is not None:
            return _refused(401, f"{why}; {_WAY_OUT}")
        return _refused(
            403, f"{why}; ask on this machine, at {asked.scheme}://127.0.0.1, with curl or a test, {_NO_TOKEN}"
        )


def _given(asked: Asked) -> tuple[str | None, Asked]:
    """The token that a request has, None where it has none, and the request without it."""
    path, _, query = asked.target.partition("?")
    found = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "token"]
    if found:
        others = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "token"]
        asked = asked._replace(target=f"{path}?{urlencode(others)}" if others else path)
    scheme, _, value = (header(asked.headers, "authorization") or "").partition(" ")
    if scheme.lower() == "bearer":
        found.append(value.strip())
        asked = asked._replace(headers=tuple(pair for pair in asked.headers if pair[0].lower() != "authorization"))
    return (found[-1] if found else None), asked


def _why_not_near(asked: Asked) -> str | None:
    """Why a request is none of this machine's; None where it is."""
    if asked.peer == "":
        # This very process.
        return None
    host, page = header(asked.headers, "host") or "", header(asked.headers, "origin")
    if not _NEAR.fullmatch(asked.peer):
        return f"{asked.peer} is another machine, or another address of this one"
    if any(header(asked.headers, name) is not None for name in _PASSED_ON):
        return "a proxy passed that on, for whoever asked it"
    if not _HERE.fullmatch(host):
        return f"{host[:100]!r} is no name of this machine alone: a page of that name may ask here"
    if (page is not None and page != f"{asked.scheme}://{host}") or header(asked.headers, "sec-fetch-site") in (
        "cross-site",
        "same-site",
    ):
        return f"a page of another site, {(page or 'unnamed')[:100]!r}, asks for that"
    return None


def _refused(status: int, why: str) -> Respond:
    return Respond(0, status, (*JSON, _CHALLENGE) if status == 401 else JSON, control.wrong(why))
