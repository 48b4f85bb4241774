"""What of a recording apps were given: who records more than is asked for keeps what nobody needs."""

from collections.abc import Callable, Collection, Iterable, Iterator

from gms_replay.gms import POLLED
from gms_replay.playing import Playing
from gms_replay.story import Story


class Usage:
    """What was given of each story, by sessions that are forgotten, too.

    `pushes_told`: how many of the pushes that were recorded went for a session of that name.
    """

    def __init__(self, stories: tuple[Story, ...], pushes_told: Callable[[str], int]) -> None:
        self._stories = stories
        self._pushes_told = pushes_told
        self._answers: dict[int, frozenset[int]] = {}
        self._heard: dict[int, int] = {}
        self._pushed: dict[int, int] = {}

    def note(self, session: Playing) -> None:
        """Adds what one session's app was given."""
        number = session.story.number
        self._answers[number] = self._answers.get(number, frozenset()) | session.given
        self._heard[number] = max(self._heard.get(number, 0), session.comet.told_count)
        self._pushed[number] = max(self._pushed.get(number, 0), self._pushes_told(session.name))

    def unused(
        self, sessions: Iterable[Playing], told_elsewhere: Collection[int], *, takes_pushes: bool
    ) -> tuple[str, ...]:
        """A line for each part that nobody was given, when these sessions are counted, too.

        `told_elsewhere`: the numbers of visits that another GMS told its app. `takes_pushes`: whether anybody does.
        """
        for session in sessions:
            self.note(session)
        return tuple(
            line
            for story in self._stories
            if story.number in self._answers or story.number not in told_elsewhere
            for line in self._of(story, takes_pushes)
        )

    def _of(self, story: Story, takes_pushes: bool) -> Iterator[str]:
        where = f"visit {story.number}"
        given = self._answers.get(story.number)
        if given is None:
            yield f"{where} was not played"
            return
        # A state that nobody saw was passed by: what counts is that it was asked for at all.
        polled = {answer.operation.key for answer in story.answers if answer.index in given}
        for answer in story.answers:
            is_seen = answer.operation.kind in POLLED and answer.operation.key in polled
            if answer.index not in given and not is_seen and not answer.is_derived:
                yield f"{where}: {answer.method} {answer.target} was not asked for"
                polled.add(answer.operation.key)
        events = [event for told in story.events.values() for event in told]
        # What was derived is asked for by nobody who asks as the recorded app did.
        count = len(events) if any(not event.is_derived for event in events) else 0
        if (heard := self._heard[story.number]) < count:
            yield f"{where}: of {count} messages over Comet {count - heard} were not told"
        if takes_pushes and (pushed := self._pushed[story.number]) < len(story.pushes):
            yield f"{where}: of {len(story.pushes)} pushes {len(story.pushes) - pushed} were not sent"
