"""One REST request as the simulated GMS sees it, and what it answers."""

import json
from dataclasses import dataclass
from typing import Any

from gms_replay.model import Headers, header
from gms_replay.simulator.fields import UnknownTypeError, UnreadableBodyError, body_fields, query_fields
from gms_replay.simulator.refusals import RefusalError, Wrong

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body of JSON, and headers beside its type and length."""

    status: int
    body: bytes
    headers: Headers = ()
    content_type: str = JSON_TYPE


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the app's `user`, "" where the request does not name one, and the address that it comes from."""

    user: str
    address: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `parts` is its path below `base_url`, which the app knows the server by."""

    address: str
    method: str
    base_url: str
    parts: tuple[str, ...]
    query: str
    headers: Headers
    body: bytes

    @property
    def user(self) -> str:
        """The app's user, as every request of an app names it; "" where it does not."""
        return header(self.headers, "gms_user") or ""

    @property
    def caller(self) -> Caller:
        return Caller(self.user, self.address)

    def fields(self) -> dict[str, str]:
        """The fields of query and body, the body's first. Raises RefusalError."""
        try:
            body = body_fields(header(self.headers, "content-type") or "", self.body)
        except UnreadableBodyError as error:
            raise RefusalError(400, Wrong.REQUEST, f"The body cannot be read: {error}") from None
        except UnknownTypeError as error:
            raise RefusalError(415, Wrong.TYPE, f"Content type {error} is not supported") from None
        return query_fields(self.query) | body


def json_answer(value: Any, headers: Headers = ()) -> Answer:
    """A value as the JSON of a 200."""
    return Answer(200, _json(value), headers)


def refusal_answer(refusal: RefusalError) -> Answer:
    """A refusal as GMS writes it."""
    return Answer(refusal.status, _json(refusal.told()))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
