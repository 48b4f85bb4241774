"""What apps were told, as a transcript that others can be compared with: by the player, or in a recording."""

from collections.abc import Iterable
from typing import NamedTuple

from gms_replay import bayeux, calls, control, jsonp
from gms_replay.calls import Call
from gms_replay.diff import Seen, Transcript
from gms_replay.errors import BayeuxError, OptionError
from gms_replay.events import Asked, Respond
from gms_replay.gms import Kind
from gms_replay.model import Request, header
from gms_replay.sessions import Session, told


class _Answered(NamedTuple):
    """An answer that went out. `session`: whose it is."""

    number: int
    asked: Asked
    answer: Respond
    session: str | None


class Witness:
    """Hears what a front end tells its apps."""

    def __init__(self) -> None:
        self._answers: list[_Answered] = []
        self._frames: list[tuple[str | None, bytes]] = []

    def answered(self, number: int, asked: Asked, answer: Respond, session: str | None) -> None:
        """An answer went out; `number` grows with each request. `session`: whose it is, None where it is nobody's."""
        if control.is_meant(asked):
            return
        if _is_comet(asked):
            self._frames.append((session, jsonp.frame(answer.body)))
        else:
            self._answers.append(_Answered(number, asked, answer, session))

    def said(self, frame: bytes, session: str | None) -> None:
        """A frame went out over a WebSocket."""
        self._frames.append((session, frame))

    def transcript(self, started_at_us: int, session: str | None = None) -> Transcript:
        """Answers in the order in which they were asked for, messages in the order in which they went out.

        `started_at_us`: when the visit began for its app. `session`: whose it is to be; None for all of it.
        """
        answers: list[Seen] = []
        origin = ""
        for _, asked, answer, whose in sorted(self._answers, key=lambda one: one.number):
            if session in (None, whose):
                origin = origin or f"{asked.scheme}://{header(asked.headers, 'host')}"
                answers.append(Seen(f"{asked.method} {asked.target}", answer.status, answer.headers, answer.body))
        frames = (frame for whose, frame in self._frames if session in (None, whose))
        return Transcript(origin, started_at_us, tuple(answers), _channels(frames))


def recorded(session: Session) -> Transcript:
    """What the recorded app was told in a visit."""
    answers: list[Seen] = []
    for one in session:
        request, response = one.exchange.request, one.exchange.response
        if response is not None and one.operation.kind is not Kind.COMET:
            asked = f"{request.method} {request.target}"
            answers.append(Seen(asked, response.status, response.headers, response.body.plain))
    events = sorted((one for one in told(session) if one.message_id is not None), key=lambda one: one.at_us)
    first = session[0]
    return Transcript(
        _origin(first.exchange.request), first.at_us, tuple(answers), _channels(one.raw for one in events)
    )


def _is_comet(asked: Asked) -> bool:
    try:
        call = calls.read(asked)
    except OptionError:
        return False
    return isinstance(call, Call) and call.operation.kind is Kind.COMET


def _channels(frames: Iterable[bytes]) -> dict[str, tuple[bytes, ...]]:
    """The events in frames, by their channels."""
    channels: dict[str, list[bytes]] = {}
    for frame in frames:
        try:
            messages = bayeux.parse(frame)
        except BayeuxError:
            # A refusal in plain words.
            continue
        for message in messages:
            if message.is_event:
                channels.setdefault(message.channel, []).append(message.raw)
    return {channel: tuple(told) for channel, told in channels.items()}


def _origin(request: Request) -> str:
    """Where the app found its server."""
    return f"{request.scheme}://{header(request.headers, 'host') or f'{request.host}:{request.port}'}"
