"""What befalls one session, where a rule says so; see docs/architecture.md, "Faults".

Strategy: whatever the app asks, and whatever it is to be told, passes here first. What a bad GMS refuses never reaches
the story. All else does, as always: only what comes of it is spoiled, and whatever did not arrive counts as lost, so
that it is told again where the protocol promises that. What comes late waits here, in the story's time.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from gms_replay import bayeux, fault_answers, publications
from gms_replay.bayeux import Parsed
from gms_replay.carriers import Carrier
from gms_replay.clocks import SessionTime
from gms_replay.deliveries import Position
from gms_replay.events import JSON, TEXT, UNEXPECTED, Action, Break, CloseSocket, Logged, Respond, SendPush, SendText
from gms_replay.failovers import Failovers
from gms_replay.faults import ANY, COMET, PUSH, Do, Fault, Faults, Strike, share
from gms_replay.fields import Fields
from gms_replay.gms import Operation
from gms_replay.late import Backlog, Late, Sort
from gms_replay.publications import Publication

WRONG_ALIAS = "alias is wrong: use the one that was told last"

_MOST_LATE = 100
"""Messages that wait over one WebSocket: each may be as large as one may be, and a tester's delay as long as he likes.

An app that awaits answers has a few on their way.
"""
_POLICY = 1008  # RFC 6455, section 7.4.1


class Mishaps:
    """What befalls a session of that name, which plays that visit. Instants are the wall's, unless they say otherwise.

    `lose` is told of a request, or a WebSocket, that has ended at that wall's time; `deliver` gets what goes to the
    app, with whether it is lost on its way; `log` what happens.
    """

    def __init__(
        self,
        faults: Faults,
        time: SessionTime,
        failovers: Failovers,
        session: str,
        visit: int,
        lose: Callable[[int, int], None],
        deliver: Callable[[str, bytes, Position | None, bool], None],
        log: Callable[[Logged], None],
    ) -> None:
        self._faults = faults
        self._time = time
        self._failovers = failovers
        self._session = session
        self._visit = visit
        self._lose = lose
        self._deliver = deliver
        self._log = log
        self._seen: Counter[int] = Counter()
        self._struck: Counter[int] = Counter()
        self._spoiled: dict[int, Strike] = {}
        self._lost: list[int] = []
        self.late = Backlog()

    @property
    def awaited(self) -> tuple[int, ...]:
        """The requests, and WebSockets, whose answers are late."""
        return tuple(late.of for late in self.late if late.sort is Sort.ANSWER and isinstance(late.of, int))

    def holds(self, sort: Sort) -> bool:
        """Whether something of that sort is late."""
        return any(late.sort is sort for late in self.late)

    def release(self, late: Late, now_us: int) -> Iterable[Action]:
        """Lets go what was late."""
        self.late.remove(late)
        return late.then(now_us)

    def ends(self, carrier_id: int) -> bool:
        """Whether a WebSocket's end is late: whatever comes there now is behind it."""
        return self.late.ends(carrier_id)

    def hurry(self, carrier_id: int, now_us: int) -> list[Action]:
        """Has the story hear at once what is late there, because who sent it goes to another session."""
        actions: list[Action] = []
        while there := self.late.of(carrier_id):
            actions += self.release(next(iter(there)), now_us)
        return actions

    def gone(self, request_id: int) -> None:
        """The app hung up there: nothing comes for it any more."""
        self._spoiled.pop(request_id, None)
        self.late.drop(request_id)

    def take_lost(self) -> Sequence[int]:
        """The requests whose answers went out, and did not arrive; each once."""
        if not self._lost:
            return ()
        lost, self._lost = self._lost, []
        return lost

    def refuses(self, request_id: int, operation: Operation, said: Fields, now_us: int) -> bool:
        """Takes a request before the story does; True where the story is not to hear of it."""
        if not self._faults.rules and not self._failovers.count:
            return False
        story_us = self._time.story_us(now_us)
        if self._failovers.outdated(said.get("alias")):
            self._answer(story_us, request_id, _wrong_alias())
            return True
        strike = self._strike((ANY, operation.kind, str(operation)))
        if strike is None:
            return False
        if strike.fault.do is Do.ERROR:
            self._answer(story_us + strike.delay_us, request_id, fault_answers.error(strike.fault))
            return True
        if strike.fault.do is Do.ALIAS:
            self._failovers.happen(strike.drawn)
        else:
            self._spoil(request_id, strike, story_us)
        return False

    def befall(
        self,
        carrier: Carrier,
        messages: tuple[Parsed, ...],
        now_us: int,
        hear: Callable[[int, bool], Iterable[Action]],
    ) -> Iterable[Action]:
        """Takes Bayeux messages before the story does, and tells what is to be done about them now.

        `hear` has the story hear them, at that wall's time; where it is told so, once it has forgotten their clients.
        """
        if not self._faults.rules and not self._failovers.count and not self.late:
            return hear(now_us, False)
        if self.ends(carrier.id):
            return ()
        if len(self.late.of(carrier.id)) >= _MOST_LATE:
            return self._end(CloseSocket(carrier.id, _POLICY, f"{_MOST_LATE} messages may wait here"), now_us)
        published = [one for one in map(publications.read, (message.fields for message in messages)) if one]
        # It counts when it comes, not in its turn: else how fast an app talks would say what strikes it.
        strike = None if self._is_outdated(published) else self._strike(_names(messages, published))

        def take(at_us: int) -> Iterable[Action]:
            if strike is not None and not (carrier.is_socket and strike.fault.do is Do.DELAY):
                return self._happen(strike, carrier, messages, at_us, hear)
            if self._is_outdated(published):
                return _told(carrier, fault_answers.failed2(messages, fault_answers.error2(2, WRONG_ALIAS)))
            return hear(at_us, False)

        turn_us = self._turn_us(carrier, strike, self._time.story_us(now_us))
        if turn_us is None:
            return take(now_us)
        is_end = carrier.is_socket and strike is not None and _is_end(strike.fault)
        self.late.add(Late(turn_us, Sort.ANSWER, carrier.id, take, is_end=is_end))
        return ()

    def _turn_us(self, carrier: Carrier, strike: Strike | None, story_us: int) -> int | None:
        """When messages that came by then have their turn, behind what is late there; None where that is now."""
        delay_us = 0
        # The story hears a request's at once, unless they are refused: only its answer is late then.
        if strike is not None and (carrier.is_socket or strike.fault.do is Do.ERROR):
            delay_us = strike.delay_us
        behind_us = self.late.behind_us(carrier.id)
        if behind_us is None and not delay_us:
            return None
        return max(story_us + delay_us, behind_us or 0)

    def _happen(
        self,
        strike: Strike,
        carrier: Carrier,
        messages: tuple[Parsed, ...],
        now_us: int,
        hear: Callable[[int, bool], Iterable[Action]],
    ) -> Iterable[Action]:
        """What befalls messages in their turn."""
        fault = strike.fault
        match fault.do:
            case Do.FORGET:
                return hear(now_us, True)
            case Do.ALIAS:
                self._failovers.happen(strike.drawn)
            case Do.REFUSE:
                return _told(carrier, fault_answers.refused(messages, fault.advice))
            case Do.ERROR if fault.status_code is not None:
                told = fault_answers.error2(fault.status_code, fault.message)
                return _told(carrier, fault_answers.failed2(messages, told))
            case _ if carrier.is_socket:
                return self._stop(carrier.id, strike, now_us)
            case Do.ERROR:
                return (Respond(carrier.id, fault.status, TEXT, b""),)
            case _:
                self._spoil(carrier.id, strike, self._time.story_us(now_us))
        return hear(now_us, False)

    def answered(self, answer: Respond, now_us: int) -> tuple[Action, ...]:
        """What goes out of an answer that the story gives."""
        strike = self._spoiled.get(answer.request_id) if self._spoiled else None
        if strike is None:
            return (answer,)
        match strike.fault.do:
            case Do.DELAY:
                del self._spoiled[answer.request_id]
                due_at_us = self._time.story_us(now_us) + strike.delay_us
                self._put(due_at_us, Sort.ANSWER, answer.request_id, answer)
                return ()
            case Do.CUT:
                self._lost.append(answer.request_id)
                half, wanted = len(answer.body) // 2, strike.fault.after_bytes
                return (answer._replace(cut_at=half if wanted is None else min(wanted, len(answer.body))),)
            case Do.GARBAGE:
                self._lost.append(answer.request_id)
                return (answer._replace(body=fault_answers.garbage(strike.drawn)),)
        # It hangs, or is reset.
        return ()

    def tell(self, channel: str, raw: bytes, position: Position | None, due_at_us: int) -> None:
        """Takes a message that the story tells, due then, in its time."""
        strike = self._strike((channel,)) if self._faults.rules else None
        do = strike.fault.do if strike else None

        def deliver(*, is_lost: bool = False) -> tuple[Action, ...]:
            self._deliver(channel, raw, position, is_lost)
            return ()

        def late(at_us: int, *, is_swapped: bool = False) -> None:
            self.late.add(Late(at_us, Sort.MESSAGE, channel, lambda _: deliver(), is_swapped))

        behind_us = self.late.behind_us(channel)
        if strike is not None and do in (Do.DELAY, Do.REORDER):
            late(max(due_at_us + strike.delay_us, behind_us or 0), is_swapped=do is Do.REORDER)
            return
        if do is Do.LOSE:
            deliver(is_lost=True)
            return
        for _ in range(2 if do is Do.DOUBLE else 1):
            if behind_us is None:
                deliver()
            else:
                late(behind_us)
        for swapped in [one for one in self.late.of(channel) if one.is_swapped]:
            self.release(swapped, due_at_us)

    def push(self, push: SendPush, due_at_us: int) -> tuple[SendPush, ...]:
        """What becomes of a push that is due then, in the story's time."""
        strike = self._strike((PUSH, f"{PUSH} {push.action}")) if self._faults.rules else None
        if strike is None:
            return (push,)
        if strike.fault.do is Do.DELAY:
            self._put(due_at_us + strike.delay_us, Sort.PUSH, PUSH, push)
            return ()
        return (push, push) if strike.fault.do is Do.DOUBLE else ()

    def _spoil(self, request_id: int, strike: Strike, story_us: int) -> None:
        """The story hears of a request, and the app not, or badly, of its answer."""
        self._spoiled[request_id] = strike
        if strike.fault.do is not Do.RESET:
            return
        broken = partial(self._end, Break(request_id, resets=True))
        self.late.add(Late(story_us + strike.delay_us, Sort.ANSWER, request_id, broken))

    def _stop(self, socket_id: int, strike: Strike, now_us: int) -> tuple[Action, ...]:
        """What befalls a message that came over a WebSocket: there is no answer of its own to be spoiled."""
        match strike.fault.do:
            case Do.GARBAGE:
                return (SendText(socket_id, fault_answers.garbage(strike.drawn)),)
            case Do.HANG:
                return ()
            case Do.ERROR:
                why = strike.fault.message or "an error of the server's"
                return self._end(CloseSocket(socket_id, UNEXPECTED, why), now_us)
        return self._end(Break(socket_id, resets=strike.fault.do is Do.RESET), now_us)

    def _end(self, end: CloseSocket | Break, now_us: int) -> tuple[Action, ...]:
        """Ends a WebSocket, or breaks a request off: what waits behind it is lost with it."""
        self._lose(end.socket_id if isinstance(end, CloseSocket) else end.carrier_id, now_us)
        return (end,)

    def _answer(self, due_at_us: int, request_id: int, answer: fault_answers.Answer) -> None:
        self._put(due_at_us, Sort.ANSWER, request_id, Respond(request_id, *answer))

    def _put(self, due_at_us: int, sort: Sort, of: int | str, action: Action) -> None:
        self.late.add(Late(due_at_us, sort, of, lambda _: (action,)))

    def _is_outdated(self, published: Iterable[Publication]) -> bool:
        # Fields are read anew each time, and most chats have no failover.
        return self._failovers.count > 0 and any(self._failovers.outdated(one.fields.get("alias")) for one in published)

    def _strike(self, names: Collection[str]) -> Strike | None:
        """What happens to what is called so, if anything: the first rule that strikes."""
        found: Strike | None = None
        for number, rule in self._faults.rules.items():
            if not rule.is_for(self._session, self._visit) or not rule.names(names):
                continue
            self._seen[number] += 1
            drawn = self._faults.drawn(rule, self._session, self._seen[number])
            if found is None and rule.strikes(self._seen[number], self._struck[number], share(drawn)):
                found = Strike(rule, rule.delay_us(share(drawn[8:])), drawn[16:])
                self._struck[number] += 1
                self._faults.note(number, self._session)
                told = f"session {self._session}: fault {number}: {rule} {self._seen[number]}"
                self._log(Logged(told))
        return found


def _names(messages: Iterable[Parsed], published: Iterable[Publication]) -> set[str]:
    """What Bayeux messages are called in rules; `published`: what they ask of GMS."""
    meta = (message.channel for message in messages if bayeux.is_meta(message.channel))
    named = (name for one in published for name in (one.operation.kind, str(one.operation)))
    return {ANY, COMET, *meta, *named}


def _is_end(fault: Fault) -> bool:
    """Whether the WebSocket ends over which there came what it befalls."""
    return fault.do in (Do.RESET, Do.CUT) or (fault.do is Do.ERROR and fault.status_code is None)


def _told(carrier: Carrier, frame: bytes) -> tuple[Action, ...]:
    return (SendText(carrier.id, frame) if carrier.is_socket else Respond(carrier.id, 200, JSON, frame),)


def _wrong_alias() -> fault_answers.Answer:
    return 200, JSON, bayeux.dump(fault_answers.error2(2, WRONG_ALIAS))
