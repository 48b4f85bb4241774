"""The course of a story: what is due when, and what it waits for; see docs/architecture.md, "Causes".

Strategy: recorded messages queue up by channel, recorded states of what apps poll (queue position, refresh) by
operation, pushes by themselves. The head of a queue has a time as soon as its causes are met, and the earliest head
goes first: so what is told depends on when the app acted, never on when somebody looked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gms_replay.acts import Acts
from gms_replay.causes import Cause
from gms_replay.clocks import Pacing
from gms_replay.gms import Act, Wish
from gms_replay.items import Event, Pushed, State
from gms_replay.story import Story

Item = Event | State | Pushed
_Kind = TypeVar("_Kind", Event, State, Pushed)


@dataclass(slots=True, eq=False)
class _Queue(Generic[_Kind]):
    """Items that are told in order: the messages of a channel, the states of something polled, or the pushes."""

    items: Sequence[_Kind]
    next: int = 0
    released_at_us: int = 0

    @property
    def head(self) -> _Kind | None:
        return self.items[self.next] if self.next < len(self.items) else None

    def outdate(self, has_happened: Callable[[Cause], bool]) -> None:
        """Passes over states that nobody was told in time: the app has done since what made them untrue."""
        for index in range(len(self.items) - 1, self.next, -1):
            item = self.items[index]
            if isinstance(item, State) and item.follows_act and all(map(has_happened, item.causes)):
                self.next = index


_AnyQueue = _Queue[Event] | _Queue[State] | _Queue[Pushed]


class Course:
    """How far a story has come that was opened at `opened_at_us`, the story's time, as are all times here."""

    def __init__(self, story: Story, pacing: Pacing, opened_at_us: int) -> None:
        self._story = story
        self._pacing = pacing
        self._opened_at_us = opened_at_us
        self._acts = {act: Acts() for act in Act}
        self._channels: list[_Queue[Event]] = [_Queue(events) for events in story.events.values()]
        self._polled: list[_Queue[State]] = [_Queue(states) for states in story.states]
        self._pushes = _Queue(story.pushes)
        self._presumed: _Queue[Pushed] | None = None
        self._asked: list[Wish] = []
        self._queues: list[_AnyQueue] = [*self._channels, *self._polled, self._pushes]
        # Looked for at each change, for there are many more looks at them than changes.
        self._due: tuple[int, _AnyQueue] | None = None
        self.next_us: int | None = None
        """When the next item is due, of those whose causes are met."""
        self.missing: tuple[Act, int] | None = None
        """The act that the story is stuck for, and its number, from 1; None where something is due, or nothing left."""
        self._look()

    @property
    def is_told(self) -> bool:
        """Whether every message of the story is out."""
        return all(queue.head is None for queue in self._channels)

    def act(self, act: Act, at_us: int, wish: Wish | None = None) -> None:
        """Notes that the app did something. `wish`: which dialog of which service it asked for, if it did."""
        self._acts[act].happen(at_us)
        for queue in self._polled:
            queue.outdate(self._has_happened)
        if wish is not None:
            self._asked.append(wish)
            self._pass_over(wish)
        self._look()

    def give_up(self, act: Act, at_us: int) -> None:
        """Goes on as if the app had done it."""
        self._acts[act].give_up(at_us)
        self._look()

    @property
    def has_push(self) -> bool:
        """Whether a push comes that waits for nothing but its time."""
        return any(self._due_us(queue) is not None for queue in (self._pushes, self._presumed) if queue)

    def hear_pushes(self) -> None:
        """Somebody takes pushes: from now on those are told, too, that nobody saw."""
        # It takes long to derive them from all that was told.
        if self._presumed is None:
            self._presumed = _Queue(self._story.presumed_pushes)
            self._queues.append(self._presumed)
            for wish in self._asked:
                self._pass_over(wish)
            self._look()

    def release(self) -> Item:
        """Takes out the item that is due next; only where there is one."""
        assert self._due is not None, "nothing is due"
        queue = self._due[1]
        queue.released_at_us = self._due[0]
        queue.next += 1
        self._look()
        return queue.items[queue.next - 1]

    def _pass_over(self, wish: Wish) -> None:
        """Takes out the presumed push for what the app has asked for by itself, if one is to come."""
        queue = self._presumed
        if queue is None:
            return
        to_come = range(queue.next, len(queue.items))
        fits = (at for at in to_come if queue.items[at].wish == wish)
        if (found := next(fits, None)) is not None:
            queue.items = [*queue.items[:found], *queue.items[found + 1 :]]

    def _look(self) -> None:
        """Looks for what is due next, or for what keeps it from coming."""
        due = [(at_us, queue) for queue in self._queues if (at_us := self._due_us(queue)) is not None]
        self._due = min(due, key=lambda one: one[0], default=None)
        self.next_us = self._due[0] if self._due else None
        self.missing = None if self._due else self._lacking()

    def _lacking(self) -> tuple[Act, int] | None:
        heads = [queue.head for queue in self._queues if queue.head is not None]
        causes = [cause for item in heads for cause in item.causes if not self._has_happened(cause)]
        if not causes:
            return None
        act = min(causes, key=lambda cause: cause.at_us).act
        return act, len(self._acts[act].happened_at_us) + 1

    def _due_us(self, queue: _AnyQueue) -> int | None:
        """When a queue's head is due: the latest, over its causes and the one before, of then plus the paced gap."""
        item, paced_us = queue.head, self._pacing.paced_us
        if item is None:
            return None
        due_at_us = self._opened_at_us + paced_us(item.at_us - self._story.start_us) if not item.causes else 0
        if queue.next:
            due_at_us = max(due_at_us, queue.released_at_us + paced_us(item.gap_us))
        for cause in item.causes:
            happened = self._acts[cause.act].happened_at_us
            if len(happened) < cause.count:
                return None
            due_at_us = max(due_at_us, happened[cause.count - 1] + paced_us(item.at_us - cause.at_us))
        return due_at_us

    def _has_happened(self, cause: Cause) -> bool:
        return len(self._acts[cause.act].happened_at_us) >= cause.count
