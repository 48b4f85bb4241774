"""The actions of a service: which dialog each is answered with, and what it does."""

from collections.abc import Callable

from gms_replay.simulator import dialogs
from gms_replay.simulator.call import Answer, Call
from gms_replay.simulator.chance import Chance
from gms_replay.simulator.clock import MINUTE_US, iso_millis
from gms_replay.simulator.refusals import RefusalError, Wrong
from gms_replay.simulator.services import Service, Services
from gms_replay.simulator.versions import Version
from gms_replay.simulator.waiting import Waiting

_LIFE_US = 30 * MINUTE_US
_TEL_URL = "tel:+14155550142"

_CONFIRMATION = "get-dialog-user-confirmation"
_MENUS = {
    _CONFIRMATION: dialogs.MENU_WITH_CODE,
    f"{_CONFIRMATION}-provide_code-true": dialogs.MENU_WITH_CODE,
    f"{_CONFIRMATION}-provide_code-false": dialogs.MENU_WITHOUT_CODE,
}
_CONNECTIONS = {
    "get-dialog-start-chat": dialogs.START_CHAT,
    "connect-inbound": dialogs.CONNECT_INBOUND,
    "connect-outbound": dialogs.CONNECT_OUTBOUND,
}


def connection(service: Service) -> str:
    """The action that connects a service, by its media and direction; by default its user dials."""
    if service.says("_media_type", "chat"):
        return "get-dialog-start-chat"
    return "connect-outbound" if service.says("_call_direction", "USERTERMINATED") else "connect-inbound"


def wake_up(service: Service) -> str:
    """The action that a push names when an agent is free: the menu where the user is to confirm, else to connect."""
    if not service.says("_wait_for_user_confirm", "true"):
        return connection(service)
    return f"{_CONFIRMATION}-provide_code-{'true' if service.says('_provide_code', 'true') else 'false'}"


class Steps:
    """What an app does with the dialogs of its services. A menu stands for half an hour, told once or more often."""

    def __init__(
        self,
        services: Services,
        waiting: Waiting,
        chance: Chance,
        now_us: Callable[[], int],
        *,
        version: Version,
        trailing_comma: bool,
    ) -> None:
        self._services = services
        self._waiting = waiting
        self._chance = chance
        self._now_us = now_us
        self._version = version
        self._trailing_comma = trailing_comma

    def first(self, call: Call, service: Service) -> Answer:
        """What a callback's start is answered with: to wait for the agent, or how it is connected."""
        text = dialogs.WAIT_FOR_AGENT if service.waits else _CONNECTIONS[connection(service)]
        return self._dialog(call, service, text)

    def take(self, call: Call, service_id: str, action: str) -> Answer:
        """Do an action, and tell its dialog. Raises RefusalError."""
        if action == "not-used":
            return self._decline(service_id)
        service = self._services.find(service_id)
        if action in _MENUS:
            return self._dialog(call, service, self._menu(service, action))
        if action == "snooze":
            self._waiting.snooze(service)
        if action in ("snooze", "wait-for-agent"):
            return self._dialog(call, service, dialogs.WAIT_FOR_AGENT)
        if action in self._version.more_steps:
            return self._dialog(call, service, self._version.more_steps[action])
        return self._connect(call, service, action)

    def _decline(self, service_id: str) -> Answer:
        service = self._services.find(service_id, over=True)
        self._waiting.cancel(service)
        return Answer(200, b"{}")

    def _menu(self, service: Service, action: str) -> str:
        if service.expires_us is None or service.expires_us < self._now_us():
            service.expires_us = self._now_us() + _LIFE_US
        text = _MENUS[action]
        if action == _CONFIRMATION and service.says("_provide_code", "false"):
            text = dialogs.MENU_WITHOUT_CODE
        return dialogs.MENU_WITH_TRAILING_COMMA if self._trailing_comma and text is dialogs.MENU_WITHOUT_CODE else text

    def _connect(self, call: Call, service: Service, action: str) -> Answer:
        text = _CONNECTIONS.get(connection(service) if action == "connect" else action)
        if text is None:
            raise RefusalError(404, Wrong.NOT_FOUND, f"Service {service.id} has no action {action}")
        if action == "connect" and service.expires_us is not None and service.expires_us < self._now_us():
            raise RefusalError(400, Wrong.REQUEST, "The dialog has expired")
        self._waiting.connect(service)
        return self._dialog(call, service, text)

    def _dialog(self, call: Call, service: Service, text: str) -> Answer:
        code = self._chance.source("access code", service.number).randint(10_000, 99_999)
        values = {
            "ExtURLBase": call.base_url,
            "CometURL": f"{call.base_url}/cometd",
            "ServiceID": service.id,
            "GMSUser": call.user,
            "Date": iso_millis(service.expires_us or 0),
            "TelURL": _TEL_URL,
            "AccessCode": str(code) if service.says("_provide_code", "true") else "n/a",
        }
        return Answer(200, dialogs.fill(self._version.worded(text), values))
