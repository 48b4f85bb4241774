import pytest

from gms_replay.carriers import Carrier
from gms_replay.events import JSON, Respond, SendText
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
