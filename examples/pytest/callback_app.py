"""A small app: it wants to be told when an agent is free, and then which number to dial."""

import time
from collections.abc import Callable
from typing import Any

import httpx

_WISH = {
    "_customer_number": "+4930123456",
    "_call_direction": "USERORIGINATED",
    "_media_type": "voice",
    "_wait_for_agent": "true",
    "_wait_for_user_confirm": "true",
    "_provide_code": "true",
    "first_name": "Anna",
    "last_name": "Berg",
}
_POLL_EVERY_S = 5.0


class Callback:
    """One callback. `http` is a client whose base URL is the GMS's ("https://gms.example/genesys")."""

    def __init__(self, http: httpx.Client, pause: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._pause = pause
        self._id = ""
        self.positions: list[int] = []
        """The places in the queue that the customer has seen."""

    def start(self) -> str:
        """Asks for it, and gives what the customer is told."""
        told = self._ask("POST", "callback/customer-service", data=_WISH)
        self._id = told["_id"]
        return str(told["_text"])

    def wait(self) -> None:
        """Waits until an agent is free."""
        while not self.positions or self.positions[-1] > 0:
            position = int(self._ask("GET", f"{self._id}/check-queue-position")["_position"])
            if [position] != self.positions[-1:]:
                self.positions.append(position)
            self._pause(_POLL_EVERY_S)

    def accept(self) -> tuple[str, str]:
        """The customer is ready: the number to dial, and the code to say there."""
        menu = self._ask("POST", f"{self._id}/get-dialog-user-confirmation-provide_code-true")
        if menu["_action"] != "DisplayMenu":
            raise RuntimeError(f"a menu was expected, not {menu['_action']}")
        told = self._ask("POST", f"{self._id}/connect")
        return told["_tel_url"].removeprefix("tel:"), told["_access_code"]

    def _ask(self, method: str, what: str, **more: Any) -> dict[str, Any]:
        answer = self._http.request(method, f"/1/service/{what}", **more)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json(strict=False)
        return told
