"""One session without a player around it, for tests of `playing`; times are in seconds from its start."""

from typing import Any

from driver import NOW_US
from factories import CALLBACK, SERVICE, Tape

from gms_replay import bayeux, calls, fault_rules
from gms_replay.calls import Call
from gms_replay.carriers import Carrier
from gms_replay.clocks import Pacing
from gms_replay.events import Action, Asked
from gms_replay.faults import Faults
from gms_replay.match import Miss
from gms_replay.model import Transport
from gms_replay.playing import Playing
from gms_replay.story import compile_stories

SECOND_US = 1_000_000
MESSAGE = b'{"channel":"/_genesys","data":"hi"}'
HANDSHAKE = b'{"channel":"/meta/handshake"}'
CONNECT = b'{"channel":"/meta/connect","clientId":"a"}'
PASSING = b'{"channel":"/meta/connect","clientId":"a","advice":{"timeout":0}}'
SUBSCRIBE = b'{"channel":"/meta/subscribe","clientId":"a","subscription":"/**"}'


def playing(tape: Tape, *rules: dict[str, Any], **pacing: Any) -> Playing:
    """A session of that tape's visit; `rules`: of faults, as JSON has them."""
    (story,) = compile_stories(tape.recording())
    names = iter("abc")
    return Playing(
        "s1",
        story,
        Pacing(**pacing),
        opened_at_us=NOW_US,
        identities={},
        mint=lambda: next(names),
        comet_segment="",
        faults=Faults(fault_rules.read_all(list(rules), "faults")),
    )


def ask(session: Playing, request_id: int, method: str, target: str, at_s: float = 0, text: bytes = b"") -> Miss | None:
    asked = Asked(method, "http", target, (("host", "play.test"),), text)
    call = calls.read(asked)
    assert isinstance(call, Call)
    session.visit(call)
    return session.ask(request_id, call, at_us(at_s))


def advance(session: Playing, at_s: float) -> list[Action]:
    return list(session.advance(at_us(at_s)))


def at_us(at_s: float) -> int:
    return NOW_US + round(at_s * SECOND_US)


def listen(session: Playing, request_id: int) -> None:
    """Shakes hands, connects, subscribes, and holds a poll of that id."""
    for number, text in enumerate((HANDSHAKE, CONNECT, SUBSCRIBE)):
        say(session, 1000 + number, text)
    assert say(session, request_id, CONNECT) == []


def say(session: Playing, carrier_id: int, text: bytes, transport: Transport = Transport.LONG_POLLING) -> list[Action]:
    """What is to be done about Bayeux messages, before the session advances."""
    return list(session.ask_comet(Carrier(carrier_id, transport), bayeux.parse(text), NOW_US))


def callback() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", b'{"_id":"%s"}' % SERVICE.encode(), takes_s=0.5)
    return tape
