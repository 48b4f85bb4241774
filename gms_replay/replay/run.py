"""A cassette played on a socket, from the first line that is told to the last."""

import asyncio
import gc
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gms_replay.cassette.archive import Archive
from gms_replay.clocks import Pacing
from gms_replay.errors import OptionError
from gms_replay.player import Player
from gms_replay.replay.server import ReplayServer, spare_collector, wall_clock_us
from gms_replay.rules import Rules
from gms_replay.story import compile_stories

if TYPE_CHECKING:
    from gms_replay.replay.passing import Passing
    from gms_replay.replay.stand_ins import StandIns


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play where, and how. `on_miss`: "error" or "pass:URL"; `record_new`: where what is passed is recorded.

    `push_to`: who gets the pushes, and for which app; `holds_pushes`: whether they wait for a tester to release them.
    `strict`: whether misses, and parts that nobody used, are a failure. `as_json`: whether machines listen.
    """

    cassette: Path
    host: str
    port: int
    pacing: Pacing
    seed: int
    rules: Rules
    on_miss: str
    record_new: Path | None
    strict: bool
    as_json: bool
    compress_sockets: bool
    push_to: tuple[str, ...]
    bundle_id: str | None
    holds_pushes: bool


def serve(plan: Plan, facts: Archive, *, say: Callable[[str], None], note: Callable[[str], None]) -> bool:
    """Plays until SIGTERM or SIGINT; False where strictness found something.

    `say` gets what the user asked for, `note` remarks. Raises CassetteError, StoryError or OptionError.
    """
    spare_collector()
    stories = compile_stories(facts, plan.rules)
    facts.assure()

    def announce(origin: str) -> None:
        shown = origin.replace("0.0.0.0", "ADDRESS-OF-THIS-MACHINE").replace("[::]", "ADDRESS-OF-THIS-MACHINE")
        urls = [f"{shown}{base}" for base in dict.fromkeys(story.visit.base for story in stories)]
        if plan.as_json:
            say(json.dumps({"cassette": str(plan.cassette), "visits": len(stories), "urls": urls}))
            return
        say(f"playing {plan.cassette}: {len(stories)} session{'s' * (len(stories) != 1)}")
        for url in urls:
            say(f"put this URL into the app: {url}")

    stand_ins = _stand_ins(plan, note)
    player = Player(
        stories, plan.pacing, seed=plan.seed, has_devices=stand_ins is not None, holds_pushes=plan.holds_pushes
    )
    passing = _passing(plan, note)
    try:
        server = ReplayServer(
            player,
            plan.host,
            plan.port,
            announce=announce,
            note=note,
            log=note,
            compress_sockets=plan.compress_sockets,
            passing=passing,
            stand_ins=stand_ins,
        )
    except OptionError:
        if passing is not None:
            asyncio.run(passing.close())
        raise
    # What is there by now, the visits, is not looked at again.
    gc.freeze()
    server.run_bound()
    unused = player.unused
    if plan.as_json:
        misses = [one.miss.as_json() for one in player.misses]
        say(json.dumps({"missed": player.missed, "misses": misses, "unused": unused}))
    elif plan.strict and (player.missed or unused):
        note(f"strict: {player.missed} miss{'es' * (player.missed != 1)}")
        for line in unused:
            note(f"strict: {line}")
    return not (plan.strict and (player.missed or unused))


def _passing(plan: Plan, note: Callable[[str], None]) -> "Passing | None":
    """Who answers what the cassette does not; None for nobody. Raises OptionError."""
    if plan.on_miss == "error":
        if plan.record_new is not None:
            raise OptionError("--record-new: nothing is sent on without --on-miss pass:URL")
        return None
    # It brings httpx and the writer, which nobody else needs here: start-up is felt every day.
    from gms_replay.replay.passing import chosen

    return chosen(plan.on_miss, plan.record_new, clock=wall_clock_us, note=note)


def _stand_ins(plan: Plan, note: Callable[[str], None]) -> "StandIns | None":
    """Who gets the pushes; None for nobody. Raises OptionError."""
    if not plan.push_to:
        if plan.bundle_id is not None:
            raise OptionError("--bundle-id: it goes with --push-to apns:FOLDER or simctl:DEVICE")
        return None
    # It brings httpx: start-up is felt every day.
    from gms_replay.replay.stand_ins import chosen

    return chosen(plan.push_to, plan.bundle_id, note)
