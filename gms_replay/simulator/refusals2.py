"""What chat version 2 refuses. The HTTP status is 200 all the same; `statusCode` tells (the vendor's API pages).

1: the client may try again, for its chat goes on. 2: there is no use. The numbers in `code` and the words of `advice`
stand in: the vendor's were not seen in public.
"""

from enum import IntEnum
from typing import Any


class Code(IntEnum):
    """What is wrong."""

    PARAMETER = 100
    OPERATION = 101
    CHAT_UNKNOWN = 201
    CREDENTIALS = 202
    CHAT_ENDED = 203


_TRY_AGAIN = {Code.PARAMETER, Code.OPERATION}


class ChatError(Exception):
    """The operation is refused."""

    def __init__(self, code: Code, advice: str) -> None:
        super().__init__(advice)
        self._code = code

    def told(self) -> dict[str, Any]:
        """The answer, or the data of the frame."""
        return {
            "statusCode": 1 if self._code in _TRY_AGAIN else 2,
            "chatEnded": self._code is Code.CHAT_ENDED,
            "errors": [{"code": self._code.value, "advice": str(self)}],
        }
