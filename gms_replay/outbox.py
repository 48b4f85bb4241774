"""The pushes that devices were told, for whoever asks; and those that a tester holds back.

Strategy: a push that is due is numbered and told, unless its session's are held: then it waits for its release, behind
those of its session that wait already. Who asks for news, and is in no hurry, is answered by the first that comes.
"""

from collections import Counter, deque
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from gms_replay import control
from gms_replay.control import HoldPushes, ReleasePushes, TellPushes
from gms_replay.events import JSON, Action, Respond, SendPush

_KEPT = 1000
_ALL = -1


class _Listener(NamedTuple):
    """Who waits, till then, for a push that comes after what it wants to be told of."""

    request_id: int
    wanted: TellPushes
    until_us: int


class Outbox:
    """The pushes of all sessions. `holds_all`: whether they wait for their release from the start."""

    def __init__(self, *, holds_all: bool = False) -> None:
        self._holds_all = holds_all
        self._told: deque[SendPush] = deque(maxlen=_KEPT)
        self._count = 0
        self._listeners: dict[int, _Listener] = {}
        self.clear()

    def clear(self) -> None:
        """All sessions are forgotten: what is held is as at the start. Numbers go on."""
        self._holding: set[str | None] = {None} if self._holds_all else set()
        self._held: list[SendPush] = []
        self._seen: Counter[str] = Counter()

    def post(self, actions: list[Action]) -> list[Action]:
        """The actions, with their pushes numbered, and without those that are held back."""
        if not any(isinstance(action, SendPush) for action in actions):
            return actions
        posted = (self._take(one) if isinstance(one, SendPush) else one for one in actions)
        return [action for action in posted if action is not None]

    def obey(self, wanted: HoldPushes | ReleasePushes) -> list[SendPush]:
        """Holds pushes, or no longer; those that may go now, in order."""
        if isinstance(wanted, ReleasePushes):
            return self._release(wanted)
        if wanted.holds:
            self._holding.add(wanted.session)
            return []
        self._holding = self._holding - {wanted.session} if wanted.session else set()
        held, self._held = self._held, []
        return [told for push in held if (told := self._take(push))]

    def holding_told(self, gone: list[SendPush]) -> bytes:
        """What is told to who held or released: what may go, whose are held from now on, and how many wait."""
        return control.holding_told(gone, self._holding, len(self._held))

    def listen(self, request_id: int, wanted: TellPushes, now_us: int) -> None:
        """Somebody asks for pushes, and waits for an answer."""
        if wanted.after > self._count:
            # It was told so by a server that is no more.
            wanted = replace(wanted, after=0)
        self._listeners[request_id] = _Listener(request_id, wanted, now_us + wanted.wait_us)

    def gone(self, request_id: int) -> None:
        """Whoever waited there hung up."""
        self._listeners.pop(request_id, None)

    def awaited(self, session: str, *, takes_all: bool) -> int:
        """For how many pushes of that session somebody waits; -1 for all. `takes_all`: whether there is who does."""
        if self._holds(session):
            return 0
        if takes_all:
            return _ALL
        listeners = self._listeners.values()
        waiting = (one.wanted for one in listeners if one.wanted.wait_us and one.wanted.session in (None, session))
        return int(any(not self._news(wanted) for wanted in waiting))

    def answers(self, now_us: int) -> list[Respond]:
        """The answers to those who ask: to who has news, or has waited long enough."""
        told: list[Respond] = []
        for one in list(self._listeners.values()):
            news = self._news(one.wanted)
            if news or now_us >= one.until_us:
                del self._listeners[one.request_id]
                told.append(Respond(one.request_id, 200, JSON, control.pushes_told(news, len(self._held))))
        return told

    @property
    def next_us(self) -> int | None:
        """When the first of them has waited long enough."""
        return min((one.until_us for one in self._listeners.values()), default=None)

    def told_count(self, session: str) -> int:
        """How many pushes of a session went that were seen when they were recorded."""
        return self._seen[session]

    def forget(self, session: str) -> None:
        """A session is no more: nobody is told of its pushes."""
        self._held = [push for push in self._held if push.session != session]
        self._told = deque((push for push in self._told if push.session != session), maxlen=_KEPT)
        del self._seen[session]

    def _holds(self, session: str) -> bool:
        return bool(self._holding & {None, session})

    def _take(self, push: SendPush) -> SendPush | None:
        """A push that is due, numbered; None where it is held back."""
        if self._holds(push.session):
            self._held.append(push)
            return None
        return self._tell(push)

    def _release(self, wanted: ReleasePushes) -> list[SendPush]:
        gone: list[SendPush] = []
        kept: list[SendPush] = []
        for push in self._held:
            goes = wanted.session in (None, push.session) and (wanted.count is None or len(gone) < wanted.count)
            (gone if goes else kept).append(push)
        self._held = kept
        return [self._tell(push) for push in gone]

    def _tell(self, push: SendPush) -> SendPush:
        self._count += 1
        self._seen[push.session] += push.provider is not None
        told = push._replace(number=self._count)
        self._told.append(told)
        return told

    def _news(self, wanted: TellPushes) -> list[SendPush]:
        news = takewhile(lambda push: push.number > wanted.after, reversed(self._told))
        return [push for push in news if wanted.session in (None, push.session)][::-1]
