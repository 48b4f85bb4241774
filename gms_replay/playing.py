"""One session: a story being told to one app. It holds all the state there is; see docs/architecture.md, "Causes".

Strategy: everything the session will do is an item with a time. Recorded messages queue up by channel, recorded states
of what apps poll (queue position, refresh) by operation, answers to requests stand alone. `advance` takes whatever is
due, the earliest first, so that what is told depends on when the app acted, never on when we were woken.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from gms_replay import fields, match
from gms_replay.acts import Acts, MissingAct, Patience
from gms_replay.bayeux import HANDSHAKE, Parsed, frame
from gms_replay.comet import Carrier, Comet, Frame
from gms_replay.events import JSON, Action, Asked, Noted, Respond, SendText
from gms_replay.fields import Fields, Said
from gms_replay.gms import OPENINGS, POLLED, Act, Kind, Operation, gms_user
from gms_replay.match import Miss, MissKind, Ranked
from gms_replay.model import Response, header
from gms_replay.rewrite import Telling, Template
from gms_replay.story import Answer, Cause, Event, State, Story
from gms_replay.timeline import Timeline

_Meaning = tuple[tuple[str, ...], Said]
"""What makes two requests the same: the operation, and what is said."""


@dataclass(slots=True)
class _Queue:
    """Items that are told in order: the messages of a channel, or the states of something polled."""

    items: Sequence[Event | State]
    next: int = 0
    released_at_us: int = 0

    @property
    def head(self) -> Event | State | None:
        return self.items[self.next] if self.next < len(self.items) else None

    def outdate(self, has_happened: Callable[[Cause], bool]) -> None:
        """Passes over states that nobody was told in time: the app has done since what made them untrue."""
        for index in range(len(self.items) - 1, self.next, -1):
            item = self.items[index]
            if isinstance(item, State) and item.follows_act and all(map(has_happened, item.causes)):
                self.next = index


@dataclass(frozen=True, slots=True)
class _Pending:
    """An answer on its way: `asked` is the operation and the body that asked for it."""

    request_id: int
    answer: Answer
    due_at_us: int
    asked: _Meaning
    accepts: str


class Playing:
    """A story being told to one app, from `opened_at_us` on.

    `now_us`: with `--now`, the instant at which the session starts for the app. `identities`: recorded to told.
    `speed`: how many times faster than recorded things follow upon each other.
    """

    def __init__(
        self,
        name: str,
        story: Story,
        *,
        opened_at_us: int,
        now_us: int | None,
        identities: dict[str, str],
        mint: Callable[[], str],
        comet_segment: str,
        speed: float = 1.0,
        missing_act: MissingAct = MissingAct.GO_ON,
    ) -> None:
        self.name = name
        self.story = story
        self.user: str | None = None
        self.peer = ""
        ahead_us = 0 if now_us is None else now_us - opened_at_us
        self.comet = Comet(mint, story.comet.advice, ahead_us=ahead_us, timestamp=story.comet.timestamp)
        pinned_us = None if now_us is None else now_us - story.start_us
        self._timeline = Timeline(grid_us=story.grid_us, pinned_shift_us=pinned_us, fences=story.fences)
        self._opened_at_us = opened_at_us
        self._speed = speed
        self._missing_act = missing_act
        self._missed: tuple[Act, int] | None = None
        self._identities = identities
        self._recorded = {told: recorded for recorded, told in identities.items()}
        self._comet_segment = comet_segment
        self._origin, self._base = "", story.recorded.base
        self._acts = {act: Acts() for act in Act}
        self._channels = [_Queue(events) for events in story.events.values()]
        self._polled = [_Queue(states) for states in story.states]
        self._queues = [*self._channels, *self._polled]
        self._states: dict[int, int] = {}
        self._used: set[int] = set()
        self._pending: dict[int, _Pending] = {}
        self._given: dict[int, _Pending] = {}
        self._lost: dict[_Meaning, Answer] = {}
        self._refused: set[_Meaning] = set()
        self._patience = Patience(opened_at_us)
        self._sockets: set[int] = set()
        self._notes: list[str] = []

    @property
    def has_begun(self) -> bool:
        """Whether the app has begun its visit: asked for what opens it."""
        return any(True for _ in self._openings())

    @property
    def is_told(self) -> bool:
        """Whether every message of the story is out."""
        return all(queue.head is None for queue in self._channels)

    def awaits(self, operation: Operation, asked: Asked) -> bool:
        """Whether a request that opens visits belongs to this one.

        It does when its answer never came, and when the story tells of a further one: where a callback was refused for
        one time, and taken for another.
        """
        operation, said = self._as_recorded(operation, asked)
        if _meaning(operation, said) in self._lost:
            return True
        ranked = match.candidates(operation, said, self.story.answers, self._means)
        last = max(self._openings(), default=-1)
        return any(not one.differences and one.answer.index > last for one in ranked)

    @property
    def service_ids(self) -> frozenset[str]:
        """The ids of services that this app is told of."""
        return frozenset(self._identities.get(recorded, recorded) for recorded in self.story.service_ids)

    def visit(self, asked: Asked, operation: Operation, origin: str) -> None:
        """Notes how the app reached us: the URLs it is told lead back the same way.

        A Comet server may stand at any path: it says where we are only if nothing else did, and nothing of our base.
        """
        base, recorded = operation.base, self.story.recorded.base
        is_comet = operation.kind is Kind.COMET
        if base.endswith(recorded) and not (is_comet and self._origin):
            self._origin, self._base = origin + base.removesuffix(recorded), recorded
        elif not is_comet:
            self._origin, self._base = origin, base
        self._origin = self._origin or origin
        user = gms_user(asked.headers)
        self.user = user or self.user
        self.peer = asked.peer
        if user and self.story.user:
            self._identities[self.story.user] = user

    def ask(self, request_id: int, operation: Operation, asked: Asked, now_us: int) -> Miss | None:
        """Takes a REST request. Its answer comes out of `advance`; a miss comes back at once."""
        operation, said = self._as_recorded(operation, asked)
        ranked = match.candidates(operation, said, self.story.answers, self._means)
        right = [one for one in ranked if not one.differences]
        key = _meaning(operation, said)
        if not right:
            miss = self._miss(operation, asked, ranked)
            if miss.kind is MissKind.UNANSWERED and key not in self._refused:
                self._refused.add(key)
                self._act(operation, None, now_us)
            return miss
        if key in self._lost:
            answer = self._lost.pop(key)
        else:
            answer = self._choose(operation, right)
            self._act(operation, answer.response, now_us)
        self._used.add(answer.index)
        if operation.kind in POLLED:
            self._patience.ask(now_us)
        accepts = header(asked.headers, "accept-encoding") or ""
        self._pending[request_id] = _Pending(
            request_id, answer, now_us + self._paced_us(answer.latency_us), key, accepts
        )
        return None

    def _as_recorded(self, operation: Operation, asked: Asked) -> tuple[Operation, Fields]:
        """What a request is about and what it says, in the identities of the recording."""

        def back(told: str) -> str:
            return self._recorded.get(told, told)

        name = "/".join(back(step) for step in operation.name.split("/"))
        service_id = operation.service_id and back(operation.service_id)
        said = fields.read(asked.target, asked.headers, asked.body)
        return (
            replace(operation, name=name, service_id=service_id),
            {field: back(value) for field, value in said.items()},
        )

    def _act(self, operation: Operation, response: Response | None, now_us: int) -> None:
        act = operation.act
        # A start that is not taken begins nothing: so `story` counts them, too.
        if act is None or (act is Act.START and (response is None or response.is_refusal)):
            return
        self._acts[act].happen(now_us)
        self._patience.move(now_us)
        for queue in self._polled:
            queue.outdate(self._has_happened)

    def ask_comet(self, carrier: Carrier, messages: tuple[Parsed, ...], now_us: int) -> Iterator[Action]:
        """Takes the Bayeux messages of one request, or of one frame of a WebSocket."""
        if carrier.is_socket:
            self._sockets.add(carrier.id)
        shakes_hands = any(message.channel == HANDSHAKE for message in messages)
        for answer in self.comet.receive(carrier, messages, now_us):
            shaken_at_us = now_us if shakes_hands and answer.request_id == carrier.id else None
            yield self._framed(answer, shaken_at_us=shaken_at_us)
        self._patience.poll(self.comet.is_polled, now_us)

    def gone(self, request_id: int, now_us: int) -> None:
        """The app hung up on a request: its answer is kept for the retry, unless it is what the story says by then."""
        lost = self._pending.pop(request_id, None) or self._given.pop(request_id, None)
        if lost is not None and lost.answer.operation.kind not in POLLED:
            self._lost[lost.asked] = lost.answer
        self._sockets.discard(request_id)
        self.comet.gone(request_id, now_us)
        self._patience.poll(self.comet.is_polled, now_us)

    def sent(self, request_id: int) -> None:
        """The app has the answer to a request."""
        self._given.pop(request_id, None)
        self.comet.sent(request_id)

    def advance(self, now_us: int) -> Iterator[Action]:
        """Does all that is due by now, the earliest first."""
        yield from (Noted(self._notes.pop(0)) for _ in range(len(self._notes)))
        while (due := self._earliest()) is not None and due[0] <= now_us:
            due_at_us, item = due
            if isinstance(item, _Pending):
                self._given[item.request_id] = self._pending.pop(item.request_id)
                yield self._respond(item)
            elif isinstance(item, Act):
                yield self._lack(item, due_at_us)
            else:
                self._patience.move(due_at_us)
                self._release(item, due_at_us)
        for answer in self.comet.flush(now_us):
            yield self._framed(answer)
        self._patience.poll(self.comet.is_polled, now_us)

    def next_wakeup_us(self) -> int | None:
        due = self._earliest()
        times = (self.comet.next_wakeup_us(), due[0] if due else None)
        return min((at_us for at_us in times if at_us is not None), default=None)

    def _openings(self) -> Iterator[int]:
        """The answers that the app got to what opens a visit."""
        return (index for index in self._used if self.story.answers[index].operation.kind in OPENINGS)

    def _means(self, asked_us: int, recorded_us: int) -> bool:
        return self._timeline.recall(asked_us) == recorded_us

    def _miss(self, operation: Operation, asked: Asked, ranked: list[Ranked]) -> Miss:
        if ranked:
            return match.field_differs(asked.method, asked.target, ranked)
        same = [one for one in self.story.unanswered if one.operation.key == operation.key]
        kind = MissKind.UNANSWERED if same else MissKind.UNKNOWN_ROUTE
        return Miss(kind, asked.method, asked.target, match.nearest(asked.method, asked.target, self.story.answers))

    def _choose(self, operation: Operation, right: list[Ranked]) -> Answer:
        """Of the answers that fit: for what is polled the state of the story, else the first that was not given yet."""
        if operation.kind in POLLED:
            # What the story has not come to yet is told to nobody, unless there is nothing else to tell.
            reached = [one for one in right if one.answer.index in self._states]
            best = [one.answer for one in reached if one.remarks == reached[0].remarks]
            return best[-1] if best else min((one.answer for one in right), key=lambda answer: answer.index)
        unused = [one.answer for one in right if one.answer.index not in self._used]
        if not unused:
            self._notes.append(f"session {self.name}: {operation} once more than recorded: the last answer is repeated")
        return unused[0] if unused else max((one.answer for one in right), key=lambda answer: answer.index)

    def _earliest(self) -> tuple[int, _Queue | _Pending | Act] | None:
        """What is due next, and when: an item of the story, an answer, or to give up an act and go on."""
        items: list[tuple[int, _Queue | _Pending | Act]] = []
        for queue in self._queues:
            if (due_at_us := self._due_us(queue)) is not None:
                items.append((due_at_us, queue))
        if not items and (given_up := self._patience_out()):
            items.append(given_up)
        items += [(one.due_at_us, one) for one in self._pending.values()]
        return min(items, key=lambda due: due[0], default=None)

    def _due_us(self, queue: _Queue) -> int | None:
        """When a queue's head is due: the latest, over its causes and the one before, of then plus the paced gap."""
        item = queue.head
        if item is None:
            return None
        due_at_us = self._opened_at_us + self._paced_us(item.at_us - self.story.start_us) if not item.causes else 0
        if queue.next:
            due_at_us = max(due_at_us, queue.released_at_us + self._paced_us(item.gap_us))
        for cause in item.causes:
            happened = self._acts[cause.act].happened_at_us
            if len(happened) < cause.count:
                return None
            due_at_us = max(due_at_us, happened[cause.count - 1] + self._paced_us(item.at_us - cause.at_us))
        return due_at_us

    def _paced_us(self, recorded_us: int) -> int:
        """How long something takes that took so long when it was recorded."""
        return round(recorded_us / self._speed)

    def _release(self, queue: _Queue, due_at_us: int) -> None:
        item = queue.items[queue.next]
        queue.next += 1
        queue.released_at_us = due_at_us
        shift_us = self._timeline.shift_us(item.at_us, due_at_us)
        if isinstance(item, State):
            self._states[item.answer.index] = shift_us
        else:
            told = item.body.render(self._telling([item.body], shift_us))
            self.comet.deliver(item.channel, told, item.position)

    def _lack(self, act: Act, at_us: int) -> Noted:
        """The app's patience for what this act should bring about is over."""
        if self._missing_act is MissingAct.MISS:
            place = len(self._acts[act].happened_at_us) + 1
            self._missed = act, place
            return Noted(f"session {self.name}: miss: the story waits for {act} {place}, which the app does not do")
        self._patience.move(at_us)
        place = self._acts[act].give_up(at_us)
        return Noted(f"session {self.name}: went on without {act} {place}, which the app never did")

    def _patience_out(self) -> tuple[int, Act] | None:
        """The act that the story is stuck for, and when that is too long; asked only while nothing else is due."""
        if self._missing_act is MissingAct.WAIT:
            return None
        ends_at_us = self._patience.ends_at_us
        heads = [queue.head for queue in self._queues if queue.head is not None]
        missing = [cause for item in heads for cause in item.causes if not self._has_happened(cause)]
        if ends_at_us is None or not missing:
            return None
        act = min(missing, key=lambda cause: cause.at_us).act
        is_told = self._missed == (act, len(self._acts[act].happened_at_us) + 1)
        return None if is_told else (ends_at_us, act)

    def _has_happened(self, cause: Cause) -> bool:
        return len(self._acts[cause.act].happened_at_us) >= cause.count

    def _respond(self, pending: _Pending) -> Respond:
        answer = pending.answer
        shift_us = self._states.get(answer.index)
        if shift_us is None:
            shift_us = self._timeline.shift_us(answer.at_us, pending.due_at_us)
        telling = self._telling([answer.body, *(template for _, template in answer.headers)], shift_us)
        body, is_coded = answer.response.body.wire, True
        coding = header(answer.response.headers, "content-encoding")
        is_readable = coding is None or answer.response.body.decoded is not None
        if is_readable and not (answer.body.is_literal and _accepted(coding, pending.accepts)):
            body, is_coded = answer.body.render(telling), False
        headers = tuple(
            (name, template.render(telling).decode("latin-1"))
            for name, template in answer.headers
            if is_coded or name != "content-encoding"
        )
        return Respond(pending.request_id, answer.response.status, headers, body)

    def _framed(self, answer: Frame, *, shaken_at_us: int | None = None) -> Action:
        if answer.request_id in self._sockets:
            return SendText(answer.request_id, frame(answer.messages))
        headers, comet = JSON, self.story.comet
        if shaken_at_us is not None and comet.headers:
            shift_us = self._timeline.shift_us(comet.at_us, shaken_at_us)
            telling = self._telling([template for _, template in comet.headers], shift_us)
            headers += tuple((name, template.render(telling).decode("latin-1")) for name, template in comet.headers)
        return Respond(answer.request_id, 200, headers, frame(answer.messages))

    def _telling(self, templates: Sequence[Template], shift_us: int) -> Telling:
        """What one message's slots are filled with: all its instants are told together."""
        needed = frozenset(instant for template in templates for instant in template.instants)
        return Telling(
            instants=self._timeline.tell(needed, shift_us),
            origin=self._origin,
            base=self._base,
            comet_segment=self._comet_segment,
            identities=self._identities,
        )


def _meaning(operation: Operation, said: Fields) -> _Meaning:
    return operation.key, frozenset(said.items())


def _accepted(coding: str | None, accepts: str) -> bool:
    """Whether the app takes a body in the coding in which it was recorded."""
    offers = (offer.replace(" ", "").lower() for offer in accepts.split(","))
    # A weight of nought is a refusal (RFC 9110, section 12.4.2).
    weighed = (offer.partition(";q=") for offer in offers)
    taken = {name for name, _, weight in weighed if not weight or weight.strip("0.")}
    return coding is None or coding.lower() in taken
