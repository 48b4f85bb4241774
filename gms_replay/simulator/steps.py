"""The actions of a service: which dialog each is answered with."""

from gms_replay.simulator import dialogs
from gms_replay.simulator.call import Answer, Call, RefusalError
from gms_replay.simulator.clock import MINUTE_US, iso_millis
from gms_replay.simulator.services import Service

_LIFE_US = 30 * MINUTE_US

_DIALOGS = {
    "get-dialog-user-confirmation": dialogs.MENU_WITH_CODE,
    "get-dialog-user-confirmation-provide_code-true": dialogs.MENU_WITH_CODE,
    "get-dialog-user-confirmation-provide_code-false": dialogs.MENU_WITHOUT_CODE,
    "get-dialog-start-chat": dialogs.START_CHAT,
    "connect-inbound": dialogs.CONNECT_INBOUND,
    "connect-outbound": dialogs.CONNECT_OUTBOUND,
    "wait-for-agent": dialogs.WAIT_FOR_AGENT,
    "snooze": dialogs.WAIT_FOR_AGENT,
    "not-used": "{}",
}


def dialog(call: Call, service: Service, action: str, now_us: int, *, trailing_comma: bool) -> Answer:
    """The dialog of an action, or of the menu item that leads to one. Raises RefusalError."""
    text = _connect(service) if action == "connect" else _DIALOGS.get(action)
    if text is None:
        raise RefusalError(404, "exceptions.ActionNotFoundException", f"Service {service.id} has no action {action}")
    if trailing_comma and text is dialogs.MENU_WITHOUT_CODE:
        text = dialogs.MENU_WITH_TRAILING_COMMA
    values = {
        "ExtURLBase": call.base_url,
        "CometURL": f"{call.base_url}/cometd",
        "ServiceID": service.id,
        "GMSUser": call.user,
        "Date": iso_millis(now_us + _LIFE_US),
    }
    return Answer(200, dialogs.fill(text, values))


def _connect(service: Service) -> str:
    if service.fields.get("_media_type", "").lower() == "chat":
        return dialogs.START_CHAT
    if service.fields.get("_call_direction", "").upper() == "USERTERMINATED":
        return dialogs.CONNECT_OUTBOUND
    return dialogs.CONNECT_INBOUND
