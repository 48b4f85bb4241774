import pytest

from gms_replay import bayeux, carriers
from gms_replay.carriers import Carrier, Poll
from gms_replay.errors import BayeuxError
from gms_replay.events import JSON, Asked, Respond, SendText
from gms_replay.model import Transport


@pytest.mark.parametrize(
    ("transport", "told"),
    [
        (Transport.LONG_POLLING, Respond(3, 200, JSON, b"[{},{}]")),
        (Transport.CALLBACK_POLLING, Respond(3, 200, JSON, b"[{},{}]")),
        (Transport.WEBSOCKET, SendText(3, b"[{},{}]")),
    ],
)
def test_messages_go_back_as_they_came(transport: Transport, told: Respond | SendText) -> None:
    assert Carrier(3, transport).told([b"{}", b"{}"]) == told


FRAME = b'[{"channel":"/meta/connect","clientId":"a"}]'
QUERY = "message=%5B%7B%22channel%22%3A%22%2Fmeta%2Fconnect%22%2C%22clientId%22%3A%22a%22%7D%5D"


@pytest.mark.parametrize(
    ("asked", "transport", "callback"),
    [
        (Asked("POST", "http", "/cometd", (), FRAME), Transport.LONG_POLLING, None),
        (Asked("POST", "http", "/cometd", (), QUERY.encode()), Transport.LONG_POLLING, None),
        (Asked("POST", "http", "/cometd?jsonp=f", (), FRAME), Transport.LONG_POLLING, None),
        (Asked("GET", "http", f"/cometd?jsonp=f&{QUERY}", (), b""), Transport.CALLBACK_POLLING, "f"),
    ],
)
def test_request_brings_messages(asked: Asked, transport: Transport, callback: str | None) -> None:
    cookie = (("cookie", "BAYEUX_BROWSER=1fjd8c"),)

    brought = carriers.poll(3, asked._replace(headers=cookie))

    assert brought == Poll(Carrier(3, transport, "1fjd8c"), bayeux.parse(FRAME), callback)


@pytest.mark.parametrize("query", ["", "?jsonp=f", "?message=[]", "?jsonp=a(b&message=[]", "?jsonp=f&message=["])
def test_other_questions_bring_none(query: str) -> None:
    with pytest.raises(BayeuxError):
        carriers.poll(3, Asked("GET", "http", f"/cometd{query}", (), b""))
