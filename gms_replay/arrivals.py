"""The pushes that came in from whoever sends them, and what the cassette expects of them.

Strategy: a push names a service. One that a session was told is that session's; any other is a GMS's own, and belongs
to the visit whose next expected push leads to the same action, from then on with all that names it. Each session, and
each visit that a GMS tells, has a course of its own: the visit's pushes in order, those that were refused too. What
is not expected, comes out of order, or says something else, is answered all the same, and listed so.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gms_replay import control, gms, latest, provider, pushdiff, pushes
from gms_replay.base_url import DEFAULT_PORTS
from gms_replay.control import ForgetArrivals, TellArrivals
from gms_replay.events import Action, Asked, Logged, Noted, PushTaken, Respond
from gms_replay.gms import Operation
from gms_replay.model import Body, Exchange, Outcome, Request, Response, header
from gms_replay.provider import Precedent, Reply, Sent, Verdict
from gms_replay.pushes import Derived, Notification
from gms_replay.registry import Registry
from gms_replay.story import Story

_KEPT = 1000
_LONGEST_SHOWN = 80


class _Course:
    """The pushes of one visit as they come in. `session`: whose they are; None for those of a GMS's own."""

    def __init__(self, session: str | None, story: Story) -> None:
        self.session = session
        self.story = story
        self.expected = story.notifications
        self.left = list(range(len(self.expected)))
        """The places of those that did not come yet."""
        self.recorded: dict[str | None, str | None] = {}
        """The recorded ids of services, by those that stand for them."""

    def place_of(self, push: Notification, among: Iterable[int]) -> int | None:
        """The first of these places where such a push is expected: of that service, leading to the same action."""
        for place in among:
            one = self.expected[place]
            is_same = self.recorded.get(push.service_id, one.service_id) == one.service_id
            is_free = push.service_id in self.recorded or one.service_id not in self.recorded.values()
            if one.action == push.action and is_same and is_free:
                return place
        return None

    def told(self, recorded_id: str | None) -> str | None:
        """What stands for a recorded id, as far as it is known; else that."""
        return next((told for told, recorded in self.recorded.items() if recorded == recorded_id), recorded_id)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A push that came in. `number`: its place among all, from 1; `push`: what it says, and what it was answered.

    `expected`: what the cassette has in its place, which is `place` of its visit, from 1; None where nothing is.
    `differences`: a line for each thing that is other than expected.
    """

    number: int
    push: Notification
    verdict: Verdict
    session: str | None = None
    visit: int | None = None
    place: int | None = None
    expected: Notification | Derived | None = None
    differences: tuple[str, ...] = ()

    @property
    def is_as_expected(self) -> bool:
        return self.expected is not None and not self.differences

    def __str__(self) -> str:
        push, result = self.push, self.push.result
        what = f"push {self.number} by {push.provider}, {(push.action or 'without an action')[:_LONGEST_SHOWN]}"
        whose = f"session {self.session}" if self.session else f"visit {self.visit}" if self.visit else "nobody"
        became = f"refused with {result.reason}" if result and result.reason else "taken"
        found = "; ".join(self.differences) if self.expected else "unexpected"
        line = f"{what}, for {whose}, {became}: {found or f'as expected, number {self.place}'}"
        # It is people's and strangers' text.
        return line if line.isprintable() else ascii(line)[1:-1]

    def as_json(self) -> dict[str, Any]:
        """What is listed of it."""
        push, result = self.push, self.push.result
        return {
            "number": self.number,
            "at": control.instant(push.at_us),
            "provider": push.provider,
            "device": push.device,
            "_id": push.service_id,
            "_action": push.action,
            "alert": push.alert,
            "session": self.session,
            "visit": self.visit,
            "verdict": self.verdict,
            "result": result and {"status": result.status, "name": result.name, "reason": result.reason},
            "expected": self.expected and {"place": self.place, **_listed(self.expected)},
            "differences": self.differences,
            "payload": push.payload.decode("utf-8", "replace"),
        }


class _Due(NamedTuple):
    """What is expected of a push: where, of which course; `is_next`: whether nothing was to come before."""

    course: _Course
    place: int
    is_next: bool


class Arrivals:
    """What came in. `seed`: what names of ours are drawn from."""

    def __init__(self, stories: tuple[Story, ...], registry: Registry, seed: int) -> None:
        self._stories = stories
        self._registry = registry
        self._seed = seed
        self.forget()

    def forget(self) -> None:
        """Forgets all that came in: from now on all is as at the start."""
        self.unlike = 0
        """How many were unexpected, or other than expected."""
        self._count = 0
        self._arrived: deque[Arrived] = deque(maxlen=_KEPT)
        self._of_sessions: dict[str, _Course] = {}
        self._of_services: dict[str | None, _Course] = {}
        self._begun: Counter[int] = Counter()
        self._named: set[tuple[int, int]] = set()

    def forget_session(self, name: str) -> None:
        """A session is no more: one of that name begins anew."""
        self._of_sessions.pop(name, None)

    def take(self, request_id: int, asked: Asked, operation: Operation, now_us: int) -> Iterator[Action]:
        """Answers a push, and notes what it was."""
        self._count += 1
        carrier = gms.PUSH_PROVIDERS[operation.name]
        exchange = Exchange(0, 0, _request(asked, now_us))
        due = self._due(pushes.read_exchange(carrier, exchange))
        sent = Sent(asked, self._stories[0].rules, now_us, f"{self._seed} push {self._count}")
        if due is not None:
            sent = replace(sent, precedent=self._precedent(due, operation, now_us))
        reply = provider.answer(operation.name, sent)
        exchange = replace(exchange, outcome=_outcome(reply, asked, now_us))
        arrived = self._noted(pushes.read_exchange(carrier, exchange), reply, due)
        yield Respond(request_id, reply.status, reply.headers, reply.body)
        yield PushTaken(carrier, exchange)
        yield (Logged if arrived.is_as_expected else Noted)(str(arrived))

    def obey(self, wanted: TellArrivals | ForgetArrivals) -> bytes:
        """What is told to a tester who asks what came in, or wants it forgotten."""
        if isinstance(wanted, ForgetArrivals):
            forgotten = self._count
            self.forget()
            return control.done(forgotten=forgotten)
        arrived = [one.as_json() for one in self._arrived]
        return control.done(count=self._count, unlike=self.unlike, arrived=arrived, missing=list(self._missing()))

    @property
    def visits(self) -> frozenset[int]:
        """The numbers of the visits that a GMS of its own tells."""
        return frozenset(course.story.number for course in self._of_services.values())

    @property
    def overdue(self) -> tuple[str, ...]:
        """A line for each push that such a GMS did not send."""
        return tuple(
            f"visit {course.story.number}: push {place + 1} ({course.expected[place].action}) did not come"
            for course in dict.fromkeys(self._of_services.values())
            for place in course.left
        )

    def _due(self, push: Notification) -> _Due | None:
        course = self._course_of(push)
        if course is None:
            return None
        place = course.place_of(push, course.left)
        return None if place is None else _Due(course, place, place == course.left[0])

    def _course_of(self, push: Notification) -> _Course | None:
        if push.service_id is None:
            return None
        if session := self._registry.told(push.service_id):
            known = self._of_sessions.get(session.name)
            return known or self._of_sessions.setdefault(session.name, _Course(session.name, session.story))
        if course := self._of_services.get(push.service_id):
            return course
        courses = dict.fromkeys(self._of_services.values())
        course = next((one for one in courses if one.place_of(push, one.left[:1]) is not None), None)
        if course is None and (story := self._story_of(push)) is not None:
            course = _Course(None, story)
            self._begun[story.number] += 1
        if course is not None:
            latest.keep(self._of_services, push.service_id, course, _KEPT)
        return course

    def _story_of(self, push: Notification) -> Story | None:
        """The visit that begins with such a push, or has that very service: of several the one that came least often.

        Looked at in that order, because a visit is read for it.
        """
        ordered = sorted(self._stories, key=lambda story: (self._begun[story.number], story.number))
        own = (story for story in ordered if push.service_id in story.visit.service_ids)
        alike = (one for one in ordered if one.notifications and one.notifications[0].action == push.action)
        return next(own, None) or next(alike, None)

    def _precedent(self, due: _Due, operation: Operation, now_us: int) -> Precedent | None:
        """What the provider said to this push, if it was the same provider, spoken to in the same way."""
        story, expected = due.course.story, due.course.expected[due.place]
        if not isinstance(expected, Notification) or expected.result is None or expected.exchange_id is None:
            return None
        (recorded,) = story.visit.facts.part([expected.exchange_id], ()).exchanges
        asked = gms.recognise(recorded.request.method, recorded.request.target, b"")
        if asked is None or asked.name != operation.name:
            return None
        is_told = (story.number, due.place) in self._named
        return Precedent(
            name=None if is_told else expected.result.name,
            refusal=recorded.response if expected.result.reason is not None else None,
            later_us=now_us - expected.at_us,
        )

    def _noted(self, push: Notification, reply: Reply, due: _Due | None) -> Arrived:
        arrived = Arrived(self._count, push, reply.verdict)
        if due is None:
            if course := self._course_of(push):
                arrived = replace(arrived, session=course.session, visit=course.story.number)
        else:
            course, place = due.course, due.place
            expected = course.expected[place]
            # A refusal that is no fault of the sender's is no difference either.
            compared = push if reply.verdict is Verdict.FAULTY else replace(push, result=None)
            before = () if due.is_next else (f"number {place + 1} came before number {course.left[0] + 1}",)
            arrived = replace(
                arrived,
                session=course.session,
                visit=course.story.number,
                place=place + 1,
                expected=expected,
                differences=before + pushdiff.differences(expected, compared),
            )
            course.recorded[push.service_id] = expected.service_id
            self._named.add((course.story.number, place))
            if reply.verdict in (Verdict.TAKEN, Verdict.RECORDED):
                # Who was refused otherwise tries again.
                course.left.remove(place)
        self.unlike += not arrived.is_as_expected
        self._arrived.append(arrived)
        return arrived

    def _missing(self) -> Iterator[dict[str, Any]]:
        """What is expected and did not come yet, of each session and of what a GMS tells; else of each visit."""
        courses = [*self._of_sessions.values(), *dict.fromkeys(self._of_services.values())]
        begun = {course.session for course in courses}
        courses += [_Course(one.name, one.story) for one in self._registry if one.name not in begun]
        played = {course.story.number for course in courses}
        courses += [_Course(None, story) for story in self._stories if story.number not in played]
        for course in courses:
            for place in course.left:
                one = course.expected[place]
                told = {**_listed(one), "_id": course.told(one.service_id)}
                yield {"session": course.session, "visit": course.story.number, "place": place + 1, **told}


def _listed(one: Notification | Derived) -> dict[str, Any]:
    """What of an expected push is told: `derived` is one that nobody saw."""
    result = None if isinstance(one, Derived) else one.result
    return {
        "_id": one.service_id,
        "_action": one.action,
        "derived": isinstance(one, Derived),
        "provider": None if isinstance(one, Derived) else one.provider,
        "recorded_at": control.instant(one.at_us),
        "reason": result.reason if result else None,
    }


def _request(asked: Asked, now_us: int) -> Request:
    """A request as a recorder would have seen it."""
    try:
        place = urlsplit(f"//{header(asked.headers, 'host') or 'localhost'}")
        host, port = place.hostname or "localhost", place.port
    except ValueError:
        host, port = "localhost", None
    return Request(
        method=asked.method,
        scheme=asked.scheme,
        host=host,
        port=port or DEFAULT_PORTS.get(asked.scheme, 80),
        target=asked.target,
        http_version=asked.http_version,
        headers=asked.headers,
        body=Body(asked.body),
        started_at_us=now_us,
        ended_at_us=now_us,
        client=f"{asked.peer}:0" if asked.peer else "",
    )


def _outcome(reply: Reply, asked: Asked, now_us: int) -> Outcome:
    response = Response(reply.status, "", asked.http_version, reply.headers, Body(reply.body), now_us, now_us)
    return Outcome(now_us, response)
