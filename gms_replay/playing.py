"""One session: a story being told to one app. It holds all the state there is; see docs/architecture.md, "Causes".

Strategy: the course of the story says what is due when, answers to requests are due by themselves. `advance` takes
whatever is due, the earliest first, so that what is told depends on when the app acted, never on when we were woken.
"""

from collections.abc import Callable, Iterable, Iterator, Set
from functools import partial

from gms_replay import match
from gms_replay.acts import Lack, Lacking, Patience
from gms_replay.bayeux import HANDSHAKE, Parsed, frame
from gms_replay.calls import Call
from gms_replay.carriers import Carrier
from gms_replay.choice import Choice, Pending
from gms_replay.clocks import Pacing, SessionTime, earlier
from gms_replay.comet import Client, Comet, Frame
from gms_replay.course import Course, Item
from gms_replay.devices import Device
from gms_replay.events import JSON, TEXT, Action, CloseSocket, Logged, Noted, Respond, SendPush, SendText
from gms_replay.faults import Faults
from gms_replay.gms import AWAITED, OPENINGS, POLLED, Act, Operation
from gms_replay.items import Pushed, State
from gms_replay.late import Late, Sort
from gms_replay.match import Miss, MissKind
from gms_replay.meanings import Meanings
from gms_replay.mishaps import Mishaps
from gms_replay.publications import Publications
from gms_replay.story import Story
from gms_replay.translation import Translation
from gms_replay.underway import Underway

_DROPPED = "the session was dropped"
_GOING_AWAY = 1001  # RFC 6455, section 7.4.1


class Playing:
    """A story being told to one app, from `opened_at_us` on, by the wall's time. `identities`: recorded to told."""

    def __init__(
        self,
        name: str,
        story: Story,
        pacing: Pacing,
        *,
        opened_at_us: int,
        identities: dict[str, str],
        mint: Callable[[], str],
        comet_segment: str,
        faults: Faults,
    ) -> None:
        self.name = name
        self.story = story
        self.opened_at_us = opened_at_us
        self.seen_at_us = opened_at_us
        """When, by the wall, the app was there last: asked, waited, or hung up."""
        self.user: str | None = None
        self.peer = ""
        self.is_named = False
        """Whether its app named it."""
        self.is_guessed = False
        """Whether its Comet client might as well be another session's."""
        self.published = Publications(story.published)
        self._pacing = pacing
        self._time = SessionTime(pacing, opened_at_us)
        self.comet = Comet(mint, story.comet.advice, told_us=self._time.told_us, timestamp=story.comet.timestamp)
        self._translation = Translation(
            story, identities, now_us=pacing.now_us, comet_segment=comet_segment, shift=pacing.shift
        )
        self._meanings = Meanings(story, self._translation)
        self._course = Course(story, pacing, self._time.story_us(opened_at_us))
        self._device = Device(name, story, self._translation)
        self._patience = Patience(self._time.patience_us(opened_at_us))
        self._lacking = Lacking(pacing.missing_act, self._patience)
        self._choice = Choice(story)
        self._underway = Underway()
        self._aside: list[Noted | Logged | SendPush] = []
        acts = self.gone, self.comet.deliver, self._aside.append
        self.mishaps = Mishaps(faults, self._time, self._translation.failovers, name, story.number, *acts)
        self._sockets: set[int] = set()
        self._came: tuple[object, ...] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the app has asked for what opens its visit."""
        return any(True for _ in self._openings())

    @property
    def is_told(self) -> bool:
        """Whether every message of the story is out."""
        return self._course.is_told

    def awaits(self, call: Call) -> bool:
        """Whether a request that opens visits belongs to this one.

        It does when its answer never came, and when the story tells of a further one: where a callback was refused for
        one time, and taken for another.
        """
        meant = self._meanings.of(call)
        last = max(self._openings(), default=-1)
        return self._underway.has_lost(meant.key) or any(one.answer.index > last for one in meant.right)

    @property
    def is_untouched(self) -> bool:
        """Whether its app has shaken hands at most, and has left, and waits for no answer."""
        has_asked = self._choice.given or self.published or self.mishaps.holds(Sort.ANSWER)
        return not (has_asked or self.comet.told_count or self.comet.is_alive)

    def release(self, client_id: str, now_us: int) -> tuple[Client, tuple[Action, ...]]:
        """Lets a Bayeux client go to another session of its app's, which has to adopt it."""
        client, frames = self.comet.release(client_id, self._time.protocol_us(now_us))
        told = tuple(self._framed(frames, now_us))
        if client.carrier is not None:
            self._sockets.discard(client.carrier.id)
        return client, told

    def adopt(self, client: Client, now_us: int) -> None:
        """Takes in a Bayeux client that another session has released."""
        self.comet.adopt(client, self._time.protocol_us(now_us))

    @property
    def given(self) -> Set[int]:
        """The recorded answers that the app got."""
        return self._choice.given

    @property
    def is_waited_for(self) -> bool:
        """Whether the app waits at this moment, or may be told something at any."""
        return bool(self._underway.pending or self._sockets) or self.comet.is_polled

    @property
    def service_ids(self) -> frozenset[str]:
        """The ids of services that this app is told of."""
        return self._translation.service_ids

    def visit(self, call: Call) -> bool:
        """Notes how the app reached us, and who it is; False where it is as the last time."""
        if call.came == self._came:
            return False
        self._came = call.came
        self.user = call.user or self.user
        self.peer = call.asked.peer
        self._translation.visit(call.operation, call.origin, call.user)
        return True

    def ask(self, request_id: int, call: Call, now_us: int) -> Miss | None:
        """Takes a REST request. Its answer comes out of `advance`; a miss comes back at once."""
        self.seen_at_us = now_us
        meant = self._meanings.of(call)
        operation, said, key = meant.operation, meant.said, meant.key
        if not meant.right:
            miss = match.miss(operation, call.asked, meant.ranked, self.story)
            if miss.kind is MissKind.UNANSWERED and self._underway.miss(key):
                self._act(operation, now_us, is_taken=False)
                self._translation.hear(operation, call.said, None)
            return miss
        if self.mishaps.refuses(request_id, operation, call.said, now_us):
            return None
        if self._underway.has_lost(key):
            answer = self._underway.retried(key)
        else:
            answer, is_repeated = self._choice.of(operation, meant.right)
            if self._time.stands and operation.kind in AWAITED and not self._choice.is_news(answer, said):
                self._jump_to_item(now_us)
                answer, _ = self._choice.of(operation, meant.right)
            if is_repeated:
                self._note(f"{operation} once more than recorded: its last answer again")
            if operation.kind in POLLED:
                self._patience.ask(self._time.patience_us(now_us))
            else:
                self._act(operation, now_us, is_taken=not answer.is_refusal)
                self._translation.hear(operation, call.said, answer.index)
        self._device.hear(call.said)
        news = self._choice.give(answer, said)
        due_at_us = self._time.story_us(now_us) + self._pacing.paced_us(answer.latency_us)
        self._underway.expect(Pending(request_id, answer, due_at_us, key, call.accepts, news))
        return None

    def _act(self, operation: Operation, now_us: int, *, is_taken: bool = True) -> None:
        act = operation.act
        # A start that is not taken begins nothing: so `causes` counts them, too.
        if act is None or (act is Act.START and not is_taken):
            return
        self._course.act(act, self._time.story_us(now_us), operation.wish)
        self._patience.move(self._time.patience_us(now_us))

    def ask_comet(self, carrier: Carrier, messages: tuple[Parsed, ...], now_us: int) -> Iterable[Action]:
        """Takes the Bayeux messages of one request, or of one frame of a WebSocket."""
        self.seen_at_us = now_us
        if carrier.is_socket:
            self._sockets.add(carrier.id)
        return self.mishaps.befall(carrier, messages, now_us, partial(self._hear, carrier, messages))

    def _hear(self, carrier: Carrier, messages: tuple[Parsed, ...], now_us: int, forgets: bool) -> Iterator[Action]:
        if forgets:
            yield from self._framed(self.comet.forget(messages), now_us)
        shakes_hands = any(message.channel == HANDSHAKE for message in messages)
        if shakes_hands and self._time.stands:
            self.comet.make_room()
        known = [message for message in messages if self.comet.knows(message.fields.get("clientId"))]
        for one in self.published.take(None if carrier.is_socket else carrier.id, known):
            if self.published.is_one_too_many(one.operation):
                self._note(f"{one.operation} once more than recorded: nothing follows")
            self._act(one.operation, now_us)
            self._device.hear(one.fields)
            self._translation.hear(one.operation, one.fields, None)
        frames = self.comet.receive(carrier, messages, self._time.protocol_us(now_us))
        yield from self._framed(frames, now_us, carrier.id if shakes_hands else None)
        if self.comet.was_asked_in_vain:
            self._patience.ask(self._time.patience_us(now_us))
        self._wait(now_us)

    def gone(self, request_id: int, now_us: int) -> None:
        """The app hung up on a request: its answer is kept for the retry, unless it is what the story says by then."""
        self.seen_at_us = now_us
        self.mishaps.gone(request_id)
        if (lost := self._underway.lose(request_id)) is not None:
            self._choice.lose(lost)
        self.published.lost(request_id)
        self._sockets.discard(request_id)
        self.comet.gone(request_id, self._time.protocol_us(now_us))
        self._wait(now_us)

    def sent(self, request_id: int) -> None:
        """The app has the answer to a request."""
        if not self._underway.arrive(request_id):
            self.published.sent(request_id)
            self.comet.sent(request_id)

    def advance(self, now_us: int, *, pushes_awaited: int | None = None) -> list[Action]:
        """Does all that is due by now, the earliest first; where the clock is virtual, all that the app waits for.

        `pushes_awaited`: for how many its device waits; -1 for all, None where nobody takes any.
        """
        if pushes_awaited is not None:
            self._course.hear_pushes()
        if self.is_waited_for:
            self.seen_at_us = now_us
        actions = self._do_due(now_us)
        while self._time.stands and self._is_awaited(pushes_awaited, actions) and self.jump(now_us):
            actions += self._do_due(now_us)
        self._wait(now_us)
        return actions

    def move_clock(self, by_us: int | None, now_us: int) -> None:
        """Lets so much time pass at once, for all that waits; where that is None, moves the story to what is next."""
        if by_us is None:
            self.jump(now_us)
        else:
            self._time.put_forward(by_us)
            self._patience.put_forward(by_us)

    def end(self) -> Iterator[Action]:
        """Answers whatever the app waits for, as a server that knows nothing of it any more."""
        for request_id in sorted({*self._underway.pending, *self.mishaps.awaited} - self._sockets):
            yield Respond(request_id, 503, TEXT, _DROPPED.encode())
        yield from self._framed(self.comet.end(), self.seen_at_us)
        for socket_id in self._sockets:
            yield CloseSocket(socket_id, _GOING_AWAY, _DROPPED)

    def jump(self, now_us: int) -> bool:
        """Makes it the time of what is due next, and no later for what waits; False where nothing is due."""
        if (due := self._earliest(now_us)) is not None:
            self._time.jump(due[0], now_us)
        return due is not None

    def story_us(self, now_us: int) -> int:
        """What time it is for the app."""
        return self._time.story_us(now_us)

    @property
    def next_us(self) -> int | None:
        """When, in the app's time, something is due next."""
        next_us = self._course.next_us
        for one in self._waiting:
            next_us = earlier(next_us, one.due_at_us)
        return next_us

    @property
    def _waiting(self) -> Iterable[Pending | Late]:
        pending = self._underway.pending.values()
        return [*pending, late] if (late := self.mishaps.late.first) else pending

    @property
    def missing(self) -> tuple[Act, int] | None:
        """The act of the app's that the story waits for, and its number, from 1."""
        return self._course.missing

    def next_wakeup_us(self) -> int | None:
        lack = self._lacking.of(self._course.missing)
        earliest_us = lack.ends_at_us if lack else None
        if not self._time.stands:
            next_us = self.next_us
            next_us = None if next_us is None else next_us - self._time.jumped_us
            earliest_us = earlier(earliest_us, earlier(next_us, self.comet.next_wakeup_us()))
        return None if earliest_us is None else self._time.wall_us(earliest_us)

    def _openings(self) -> Iterator[int]:
        """The answers that the app got to what opens a visit."""
        return (index for index in self._choice.given if self.story.answers[index].operation.kind in OPENINGS)

    def _jump_to_item(self, now_us: int) -> None:
        """Jumps, and releases what is due then, past pushes: nothing, where an answer is due first."""
        while self.jump(now_us):
            told: list[Item] = []
            while (due_at_us := self._course.next_us) is not None and due_at_us <= self._time.story_us(now_us):
                told.append(self._release(due_at_us, now_us))
            if not told or not all(isinstance(item, Pushed) for item in told):
                return

    def _wait(self, now_us: int) -> None:
        """Notes whether the app waits from now on."""
        self._patience.poll(self.comet.is_polled, self._time.patience_us(now_us))

    def _do_due(self, now_us: int) -> list[Action]:
        actions: list[Action] = []
        story_us = self._time.story_us(now_us)
        while (due := self._earliest(now_us)) is not None and due[0] <= story_us:
            due_at_us, what = due
            if isinstance(what, Pending):
                self._underway.give(what)
                actions += self.mishaps.answered(self._respond(what), now_us)
            elif isinstance(what, Late):
                actions += self.mishaps.release(what, now_us)
            elif isinstance(what, Lack):
                goes_on, text = self._lacking.end(what)
                if goes_on:
                    self._course.give_up(what.act, due_at_us)
                self._note(text)
            else:
                self._release(due_at_us, now_us)
        if self.comet.is_alive:
            actions += self._framed(self.comet.flush(self._time.protocol_us(now_us)), now_us)
        for request_id in self.mishaps.take_lost():
            self.gone(request_id, now_us)
        actions[:0] = self._aside
        self._aside.clear()
        return actions

    def _earliest(self, now_us: int) -> tuple[int, Lack | Pending | Late | None] | None:
        """What is due next, and when: an answer, what is late, a lack's end, or, where it is None, the story's next."""
        due_at_us = self._course.next_us
        due: Lack | Pending | Late | None = None
        lack = self._lacking.of(self._course.missing)
        if lack and lack.ends_at_us <= self._time.patience_us(now_us):
            # Where the story lacks an act, nothing of it is due.
            due_at_us, due = self._time.story_at_us(lack.ends_at_us, now_us), lack
        for one in self._waiting:
            if due_at_us is None or one.due_at_us < due_at_us:
                due_at_us, due = one.due_at_us, one
        return None if due_at_us is None else (due_at_us, due)

    def _release(self, due_at_us: int, now_us: int) -> Item:
        """Tells the next item of the story, which is due."""
        self._patience.move(self._time.patience_at_us(due_at_us, now_us))
        item = self._course.release()
        shift_us = self._translation.shift_us(item.at_us, due_at_us)
        if isinstance(item, State):
            self._choice.reach(item.answer, shift_us)
        elif isinstance(item, Pushed):
            self._aside += self.mishaps.push(self._device.told(item, shift_us, due_at_us), due_at_us)
        else:
            self._choice.happen(item, shift_us)
            told = self._translation.text(item.body, shift_us)
            self.mishaps.tell(item.channel, told, item.position, due_at_us)
        return item

    def _note(self, text: str) -> None:
        self._aside.append(Noted(f"session {self.name}: {text}"))

    def _is_awaited(self, pushes: int | None, told: list[Action]) -> bool:
        """Whether the app waits for an answer, or listens; or its device for more pushes than it was told."""
        if self._underway.pending or self.comet.is_awaited or self.mishaps.holds(Sort.ANSWER):
            return True
        is_enough = pushes is None or 0 <= pushes <= sum(isinstance(one, SendPush) for one in told)
        return not is_enough and (self._course.has_push or self.mishaps.holds(Sort.PUSH))

    def _respond(self, pending: Pending) -> Respond:
        answer = pending.answer
        shift_us = self._choice.shift_us(answer)
        if shift_us is None:
            shift_us = self._translation.shift_us(answer.at_us, pending.due_at_us)
            self._choice.happen(answer, shift_us)
        news, shift_us = pending.news or (None, shift_us)
        headers, body = self._translation.answer(answer, shift_us, pending.accepts, news)
        return Respond(pending.request_id, answer.response.status, headers, body)

    def _framed(self, frames: Iterable[Frame], now_us: int, shaken: int | None = None) -> Iterator[Action]:
        """What carries these; `shaken`: the request that shook hands."""
        comet = self.story.comet
        for one in frames:
            if one.carrier.is_socket:
                yield SendText(one.carrier.id, frame(one.messages))
                continue
            headers = JSON
            if one.carrier.id == shaken and comet.headers:
                shift_us = self._translation.shift_us(comet.at_us, self._time.story_us(now_us))
                headers += self._translation.headers(comet.headers, shift_us)
            yield from self.mishaps.answered(Respond(one.carrier.id, 200, headers, frame(one.messages)), now_us)
