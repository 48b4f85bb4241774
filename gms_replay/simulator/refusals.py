"""What the simulated GMS refuses, in GMS's own words as far as they were seen.

`Wrong.NOT_FOUND`, `.RESOURCE`, `.AVAILABILITY` and `.REQUEST` are classes that the vendor's public clients and
functional tests name. The others stand in: what GMS names for chats, for other paths, methods, types and sizes was not
seen in public.
"""

from enum import StrEnum
from typing import Any

_CALLBACK = "com.genesyslab.gsg.services.callback.exceptions.CallbackException"
_STAND_IN = "com.genesyslab.gms.exceptions."

_PHRASES = {
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
}


class Wrong(StrEnum):
    """The classes that GMS's error bodies name."""

    NOT_FOUND = f"{_CALLBACK}NotFound"
    RESOURCE = f"{_CALLBACK}Resource"
    AVAILABILITY = f"{_CALLBACK}Availability"
    REQUEST = "com.genesyslab.gsg.GSGException"
    CHAT_NOT_FOUND = f"{_STAND_IN}ChatNotFoundException"
    CHAT_ENDED = f"{_STAND_IN}ChatEndedException"
    PATH = f"{_STAND_IN}NotFoundException"
    METHOD = f"{_STAND_IN}MethodNotAllowedException"
    SIZE = f"{_STAND_IN}RequestTooLargeException"
    TYPE = f"{_STAND_IN}UnsupportedMediaTypeException"


class RefusalError(Exception):
    """The request is refused: with a status, and with GMS's error body.

    `proposed` are time slots to take instead, as availability tells them.
    """

    def __init__(self, status: int, wrong: Wrong, message: str, proposed: dict[str, int] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self._wrong = wrong
        self._proposed = proposed

    def told(self) -> dict[str, Any]:
        """The body: `exception`, `message`, since GMS 8.5.2 `code` and `phrase`, and `availability` if there is."""
        body = {
            "exception": self._wrong.value,
            "message": str(self),
            "code": self.status,
            "phrase": _PHRASES[self.status],
        }
        return body if self._proposed is None else {**body, "availability": self._proposed}
