"""What every visit needs: requests remembered, bodies read as an app has to, checks that say what was wrong."""

import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from visitor_push import Pushes

from gms_replay.diff import Seen

Fields = dict[str, Any]

_STRING_OR_COMMA = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|,(?=\s*[}\]])', re.DOTALL)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_RFC_1123 = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


class GmsError(Exception):
    """What the GMS did wrong, in one line."""

    def __init__(self, wrong: str) -> None:
        super().__init__(" ".join(wrong.split()))


def expect(is_right: object, wrong: str) -> None:
    """Raises GmsError with `wrong` unless it is right."""
    if not is_right:
        raise GmsError(wrong)


def read_json(body: bytes, asked: str) -> Any:
    """JSON with the article's trailing commas and raw line breaks forgiven."""
    text = body.decode("utf-8", "replace")
    mended = _STRING_OR_COMMA.sub(lambda token: "" if token[0] == "," else token[0], text)
    try:
        return json.loads(mended, strict=False)
    except ValueError as error:
        raise GmsError(f"{asked}: no JSON ({error}): {text[:120]!r}") from None


def instant_of(told: object) -> datetime | None:
    """An instant in one of the notations that GMS may use; None for a duration or anything else."""
    text = str(told).strip()
    if _ISO.fullmatch(text):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if _RFC_1123.fullmatch(text):
        return parsedate_to_datetime(text)
    if text.isdigit() and 10 <= len(text) <= 13:
        return datetime.fromtimestamp(int(text) / (1000 if len(text) > 11 else 1), UTC)
    return None


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Customer:
    """Who uses the app."""

    gms_user: str = "annaberg4711"
    number: str = "+4930123456"
    first_name: str = "Anna"
    last_name: str = "Berg"
    nickname: str = "Anna B."
    email: str = "anna.berg@example.com"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One of GMS's errors. `slots`: the times that it proposes instead."""

    exception: str
    message: str
    slots: Fields


@dataclass(slots=True)
class App:
    """One run of the app: where it asks, as whom, where it wants its pushes (if any), and what it was told."""

    http: httpx.AsyncClient
    base: str
    service: str
    customer: Customer
    say: Callable[[str], None]
    push_url: str | None
    pushes: Pushes | None
    pause_s: float
    patience_s: float
    answers: list[Seen] = field(default_factory=list)
    channels: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def callback_url(self) -> str:
        return f"{self.base}/1/service/callback/{self.service}"

    def service_url(self, service_id: str, action: str) -> str:
        return f"{self.base}/1/service/{service_id}/{action}"

    async def ask(self, method: str, url: str, **request: Any) -> Any:
        """The answer's JSON; GmsError where GMS refuses."""
        seen, told = await self._asked(method, url, **request)
        expect(seen.status == 200, f"{seen.asked}: HTTP {seen.status}: {seen.body[:200]!r}")
        expect(not _is_error(told), f"{seen.asked}: an error under HTTP 200: {told}")
        self.answers.append(seen)
        return told

    async def ask_in_vain(self, method: str, url: str, kind: str, **request: Any) -> Refusal:
        """GMS's refusal, whose class must end as `kind` says."""
        seen, told = await self._asked(method, url, **request)
        expect(seen.status >= 400, f"{seen.asked}: HTTP {seen.status} where a {kind} was due: {seen.body[:120]!r}")
        expect(_is_error(told), f"{seen.asked}: a refusal without exception and message: {seen.body[:200]!r}")
        names = list(told)
        expect(names[:2] == ["exception", "message"], f"{seen.asked}: exception and message come first, not {names}")
        expect(told["exception"].endswith(kind), f"{seen.asked}: refused with {told['exception']}, not {kind}")
        self.answers.append(seen)
        self.say(f"refused: {told['message']}")
        return Refusal(told["exception"], str(told["message"]), told.get("availability") or {})

    async def poll(
        self, method: str, url: str, is_there: Callable[[Any], bool], between: Callable[[], Awaitable[None]]
    ) -> Any:
        """Asks until it is there. Kept are the last answer and, if it had to wait, that a first one was taken.

        How many polls it takes, and what is true at the moment of the first (its `Date`, too), nobody promises.
        """
        first: Seen | None = None
        give_up_at = time.monotonic() + self.patience_s
        while True:
            seen, told = await self._asked(method, url)
            expect(seen.status == 200, f"{seen.asked}: HTTP {seen.status}: {seen.body[:200]!r}")
            first = first or seen
            if is_there(told):
                self.answers += [seen] if first is seen else [replace(first, headers=(), body=b""), seen]
                return told
            expect(time.monotonic() < give_up_at, f"{seen.asked}: after {self.patience_s:g} s still {told}")
            await between()

    async def _asked(self, method: str, url: str, **request: Any) -> tuple[Seen, Any]:
        try:
            answer = await self.http.request(method, url, **request)
        except httpx.TransportError as error:
            raise GmsError(f"{method} {url}: no answer: {error!r}") from error
        asked = f"{method} {answer.request.url.raw_path.decode()}"
        seen = Seen(asked, answer.status_code, tuple(answer.headers.multi_items()), answer.content)
        return seen, read_json(answer.content, asked)


def _is_error(told: object) -> bool:
    return isinstance(told, dict) and isinstance(told.get("exception"), str) and "message" in told
