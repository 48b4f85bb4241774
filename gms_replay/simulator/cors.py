"""What a page on another origin needs before its browser lets it read an answer: the Fetch standard's CORS protocol.

Every origin may do everything, with cookies.
"""

from gms_replay.model import Headers, header
from gms_replay.simulator.call import Answer, Call

_METHODS = "GET, POST, PUT, DELETE"
_REMEMBERED_S = "1800"


def allowance(call: Call) -> Headers:
    """The headers that let the asking page read the answer; none where no page asks."""
    origin = header(call.headers, "origin")
    if origin is None:
        return ()
    # With credentials the origin must be named: `*` would not do.
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("vary", "Origin"),
    )


def preflight(call: Call) -> Answer | None:
    """The answer to a browser that asks whether it may send a request; None for any other request."""
    if call.method != "OPTIONS" or header(call.headers, "access-control-request-method") is None:
        return None
    wanted = header(call.headers, "access-control-request-headers")
    headers: Headers = (("access-control-allow-methods", _METHODS), ("access-control-max-age", _REMEMBERED_S))
    return Answer(200, b"", (*headers, *((("access-control-allow-headers", wanted),) if wanted else ())))
