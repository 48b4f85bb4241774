"""One run of `verify`: the visits of a cassette, played at a live GMS through a recorder of our own."""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import httpx

from gms_replay import script, sessions, travel, visits
from gms_replay.base_url import BaseUrl
from gms_replay.errors import GmsReplayError, OptionError
from gms_replay.forwards import Forwards
from gms_replay.grading import Check, Comparison, Row
from gms_replay.instants import SECOND_US
from gms_replay.leniency import Leniency
from gms_replay.mitmdump import process
from gms_replay.model import Headers
from gms_replay.rules import Rules
from gms_replay.sessions import Session
from gms_replay.verify.driver import Driver, Played, Way
from gms_replay.verify.progress import Watch
from gms_replay.visits import Visit

_REACHED_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played. `record` is where the run is recorded; the rest is of `Way`, but whose certificates are taken.

    `insecure`: any; `ca`: a PEM file with whom alone to trust, None for whom all the world trusts. `redact`: options of
    the recorder's (`redact.wishes.options`).
    """

    visits: Sequence[Visit]
    target: BaseUrl
    record: Path
    speed: float
    patience_s: float
    rules: Rules
    insecure: bool = False
    ca: Path | None = None
    headers: Headers = ()
    redact: Mapping[str, str] = field(default_factory=dict)


def play(plan: Plan, watch: Watch) -> tuple[Played, ...]:
    """Plays the visits, and records what comes of it. `watch` gets all that happens.

    Those that overlapped in the recording are played beside each other, each beginning as long after the first as it
    did, over speed; the others one after the other. Gives how each went, in their order.

    Raises OptionError where nobody is reached, GmsReplayError where the recorder fails.
    """
    context = _trusting(plan) if plan.target.scheme == "https" else None
    asyncio.run(_reach(plan.target, context))
    # What a user gives is a live credential, whatever its name.
    more = {**plan.redact, "gms_redact_headers": ",".join({name: None for name, _ in plan.headers})}
    with process.recording(plan.record, insecure=plan.insecure, ca=plan.ca, more=more) as recorder:
        way = Way(plan.target.origin, recorder.url, recorder.ca_file, plan.speed, plan.patience_s, plan.headers)
        return asyncio.run(_play_all(plan, way, watch))


def with_unreached(found: Comparison, played: Sequence[Played], leniency: Leniency) -> Comparison:
    """The comparison of both recordings, and what was waited for in vain."""
    return Comparison(tuple(_with_unreached(row, played, leniency) for row in found.rows))


def _with_unreached(row: Row, played: Sequence[Played], leniency: Leniency) -> Row:
    if row.old is None or row.new is None:
        return row
    unreached = map(leniency.judged, played[row.old - 1].unreached)
    return replace(row, checks=(*row.checks, *(Check("steps", one.where, (one,)) for one in unreached)))


async def _play_all(plan: Plan, way: Way, watch: Watch) -> tuple[Played, ...]:
    played: dict[int, Played] = {}

    async def one(number: int, after_us: int) -> None:
        await asyncio.sleep(after_us / SECOND_US / plan.speed)
        played[number] = await _driver(plan, number, way, watch).play()

    for some in visits.overlapping(plan.visits):
        start_us = plan.visits[some[0]].start_us
        try:
            async with asyncio.TaskGroup() as group:
                for number in some:
                    group.create_task(one(number, plan.visits[number].start_us - start_us))
        except* GmsReplayError as errors:
            raise errors.exceptions[0] from None
    return tuple(how for _, how in sorted(played.items()))


def _driver(plan: Plan, number: int, way: Way, watch: Watch) -> Driver:
    visit = plan.visits[number]
    session = sessions.read(visit)
    acts = script.compile_script(session)
    forwards = Forwards(
        _identities(session, plan.rules),
        (visit.base, plan.target.path.rstrip("/") or visit.base),
        start_us=acts.start_us,
        now_us=time.time_ns() // 1000,
    )
    return Driver(acts, forwards, way, partial(watch, number))


def _identities(session: Session, rules: Rules) -> list[str]:
    found = travel.find(session, sessions.told(session), rules)
    return [one.value for one in found if one.left is None]


def _trusting(plan: Plan) -> ssl.SSLContext:
    """Trusts whom the recorder trusts."""
    try:
        context = ssl.create_default_context(cafile=plan.ca) if plan.ca else httpx.create_ssl_context(trust_env=False)
    except ssl.SSLError:
        raise OptionError(f"--ca {plan.ca}: it holds no certificate; it wants those of CAs, as PEM") from None
    except OSError as error:
        raise OptionError(f"--ca {plan.ca}: cannot be read: {error.strerror}") from None
    if plan.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _reach(target: BaseUrl, context: ssl.SSLContext | None) -> None:
    """Whether anybody is there, and can be trusted: asked before anything is played."""
    try:
        async with asyncio.timeout(_REACHED_WITHIN_S):
            _, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
        # Nothing was said, so there is nothing to say goodbye to.
        writer.transport.abort()
    except ssl.SSLCertVerificationError as error:
        way_out = "--ca FILE names whom to trust, --insecure takes any"
        wrong = f"its certificate is not trusted ({error.verify_message}); {way_out}"
        raise OptionError(f"--against {target.origin}: {wrong}") from None
    except ssl.SSLError as error:
        wrong = f"it does not speak TLS as it should ({error.reason or error}); is it http, or another port?"
        raise OptionError(f"--against {target.origin}: {wrong}") from None
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", None) or str(error) or f"no answer within {_REACHED_WITHIN_S:g} s"
        raise OptionError(f"--against {target.origin}: {reason}; does it run, and is its address right?") from None
