import json

import pytest

from gms_replay.simulator import dialogs

VALUES = {
    "ExtURLBase": "http://h/genesys",
    "ServiceID": "3S",
    "Date": "D",
    "CometURL": "C",
    "GMSUser": 'a"b\\é',
    "TelURL": "tel:1",
    "AccessCode": "n/a",
}


@pytest.mark.parametrize(
    "dialog",
    [
        dialogs.MENU_WITH_CODE,
        dialogs.MENU_WITHOUT_CODE,
        dialogs.START_CHAT,
        dialogs.CONNECT_INBOUND,
        dialogs.CONNECT_OUTBOUND,
        dialogs.WAIT_FOR_AGENT,
    ],
)
def test_filled_dialogs_are_json(dialog):
    filled = dialogs.fill(dialog, VALUES)
    assert b"$(" not in filled
    assert b"<tail>" not in filled
    assert isinstance(json.loads(filled), dict)


def test_values_are_escaped():
    assert json.loads(dialogs.fill(dialogs.START_CHAT, VALUES))["_user_header"] == 'a"b\\é'


def test_trailing_comma_breaks_json():
    filled = dialogs.fill(dialogs.MENU_WITH_TRAILING_COMMA, VALUES)
    with pytest.raises(ValueError, match=r"property name|trailing comma"):
        json.loads(filled)


def test_comma_is_the_difference():
    broken = dialogs.MENU_WITH_TRAILING_COMMA
    assert broken.replace('"exit://",\n', '"exit://"\n') == dialogs.MENU_WITHOUT_CODE
