"""What a story is made of: answers, messages and states, and what each waits for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gms_replay import chat2, gms, transcript
from gms_replay.causes import Cause
from gms_replay.echoes import Echoes, TextKey
from gms_replay.fields import Fields
from gms_replay.gms import Operation, Wish
from gms_replay.model import Headers, Response, for_any_page
from gms_replay.pushes import Derived, Notification
from gms_replay.rewrite import Compiler, Recorded, Template
from gms_replay.transcript import Page


@dataclass(frozen=True, slots=True)
class Read:
    """What was found in all that was told in a visit. `grid_us`: what its time slots are multiples of."""

    recorded: Recorded
    compiler: Compiler
    echoes: Mapping[TextKey, Echoes]
    grid_us: int


@dataclass(frozen=True, eq=False)
class Texts:
    """What it takes to tell a visit's texts anew. Read, by `reader`, when a session needs it: it takes long."""

    reader: Callable[[], Read]

    @cached_property
    def read(self) -> Read:
        return self.reader()

    @property
    def compiler(self) -> Compiler:
        return self.read.compiler

    def echoes(self, exchange_id: int, message_id: int | None = None) -> Echoes:
        """Where the app's words stand in a message, or in an exchange's answer."""
        return self.read.echoes.get((exchange_id, message_id), _NO_ECHOES)


_NO_ECHOES: Echoes = {}


@dataclass(frozen=True)
class Answer:
    """A recorded answer, for a request of that meaning. `at_us`: when it began; `latency_us` after the request.

    `is_derived`: it was not recorded, but stands for what an app may ask that was recorded without asking.
    """

    index: int
    operation: Operation
    method: str
    target: str
    fields: Fields
    at_us: int
    latency_us: int
    response: Response
    exchange_id: int
    texts: Texts
    is_derived: bool = False

    @property
    def compiler(self) -> Compiler:
        return self.texts.compiler

    @property
    def echoes(self) -> Echoes:
        """Where words of the app's stand in its body."""
        return self.texts.echoes(self.exchange_id)

    @cached_property
    def body(self) -> Template:
        return self.compiler.body(self.response.body.plain, self.echoes)

    @cached_property
    def is_refusal(self) -> bool:
        """Whether GMS did not do what was asked for."""
        return chat2.refuses(self.operation, self.response)

    @cached_property
    def headers(self) -> tuple[tuple[str, Template], ...]:
        return compiled_headers(self.compiler, self.response.headers)

    @cached_property
    def page(self) -> Page | None:
        """What it tells of a chat."""
        tells = self.operation.kind in gms.TELLS_LINES and not self.is_refusal
        return transcript.read(self.response.body.plain, self.compiler, self.echoes) if tells else None


@dataclass(frozen=True)
class Event:
    """A recorded message to the app on a channel that is not the protocol's own, `gap_us` after the one before it.

    `position`: the chat, and how many lines of it the app has after this; None where it tells none. `is_derived`: it
    was not recorded, but stands for what the recorded app asked for.
    """

    channel: str
    at_us: int
    gap_us: int
    causes: tuple[Cause, ...]
    position: tuple[str, int] | None
    raw: bytes
    compiler: Compiler
    echoes: Echoes
    is_derived: bool = False

    @cached_property
    def body(self) -> Template:
        return self.compiler.body(self.raw, self.echoes)

    @cached_property
    def page(self) -> Page | None:
        """What it tells of a chat."""
        return transcript.read(self.raw, self.compiler, self.echoes)


@dataclass(frozen=True)
class Pushed:
    """A push to the app's device, `gap_us` after the one before it. `text`: what the device got."""

    at_us: int
    gap_us: int
    causes: tuple[Cause, ...]
    seen: Notification | Derived
    text: bytes
    compiler: Compiler

    @property
    def wish(self) -> Wish:
        """What the app is to ask for."""
        return Wish(self.seen.service_id, self.seen.action)

    @cached_property
    def body(self) -> Template:
        return self.compiler.body(self.text)

    @property
    def device(self) -> str | None:
        """The recorded one; None where nobody knows it."""
        return self.seen.device if isinstance(self.seen, Notification) else None

    @cached_property
    def headers(self) -> tuple[tuple[str, Template], ...]:
        """What APNs was told beside the payload, in its own headers."""
        told = self.seen.headers if isinstance(self.seen, Notification) else ()
        return tuple((name.lower(), self.compiler.header(name, value)) for name, value in told)


@dataclass(frozen=True, slots=True)
class State:
    """What something that apps poll says from `at_us` on, `gap_us` after the state before it, until the next.

    `follows_act`: the app acted in between, so that whatever else was said before is no longer true.
    """

    at_us: int
    gap_us: int
    follows_act: bool
    causes: tuple[Cause, ...]
    answer: Answer


@dataclass(frozen=True)
class CometSettings:
    """What the recorded server said of itself when the app shook hands, which it asked for at `at_us`.

    `timestamp` writes an instant as it did in its replies; None where it did not.
    """

    at_us: int
    advice: dict[str, Any]
    headers: tuple[tuple[str, Template], ...]
    timestamp: Callable[[int], str] | None


def compiled_headers(compiler: Compiler, headers: Headers) -> tuple[tuple[str, Template], ...]:
    """The headers that are replayed, names in lower case, in order, duplicates kept."""
    return tuple((name, compiler.header(name, value)) for name, value in for_any_page(headers))
