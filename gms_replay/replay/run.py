"""A cassette played on a socket, from the first line that is told to the last."""

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gms_replay.cassette.archive import Archive
from gms_replay.clocks import Pacing
from gms_replay.player import Player
from gms_replay.replay.aside import Aside
from gms_replay.replay.server import ReplayServer, spare_collector
from gms_replay.rules import Rules
from gms_replay.story import compile_stories


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play where, and how. `on_miss`: "error" or "pass:URL"; `record_new`: where what comes anew is recorded.

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

    aside = Aside.opened(plan.on_miss, plan.record_new, note, plan.push_to, plan.bundle_id)
    player = Player(
        stories, plan.pacing, seed=plan.seed, has_devices=aside.stand_ins is not None, holds_pushes=plan.holds_pushes
    )
    try:
        server = ReplayServer(
            player,
            plan.host,
            plan.port,
            announce=announce,
            note=note,
            log=note,
            compress_sockets=plan.compress_sockets,
            passing=aside.passing,
            keep=aside.keep,
            stand_ins=aside.stand_ins,
        )
        # What is there by now, the visits, is not looked at again.
        gc.freeze()
        server.run_bound()
    finally:
        aside.close()
    unused = player.unused
    complaints = tuple(found(player, unused))
    if plan.as_json:
        misses = [one.miss.as_json() for one in player.misses]
        unlike = player.arrivals.unlike
        say(json.dumps({"missed": player.missed, "misses": misses, "unlike": unlike, "unused": unused}))
    elif plan.strict:
        for line in complaints:
            note(f"strict: {line}")
    return not (plan.strict and complaints)


def found(player: Player, unused: Sequence[str]) -> Iterator[str]:
    """What strictness finds: how many misses, how many pushes that came in unlike the cassette's, unused parts."""
    missed, unlike = player.missed, player.arrivals.unlike
    if missed or unlike or unused:
        yield f"{missed} miss{'es' * (missed != 1)}"
    if unlike:
        yield f"{unlike} push{'es' * (unlike != 1)} unlike the cassette's"
    yield from unused
