"""A cassette played on a socket, from the first line that is told to the last."""

import gc
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gms_replay import reach
from gms_replay.cassette.archive import Archive
from gms_replay.player import Player
from gms_replay.replay.plays import Play
from gms_replay.replay.server import ReplayServer, spare_collector
from gms_replay.replay.stage import Stage


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play where. `strict`: whether misses, and parts that nobody used, are a failure.

    `as_json`: whether machines listen.
    """

    play: Play
    host: str
    port: int
    strict: bool
    as_json: bool
    compress_sockets: bool


def serve(plan: Plan, facts: Archive, *, say: Callable[[str], None], note: Callable[[str], None]) -> bool:
    """Plays until SIGTERM or SIGINT; False where strictness found something.

    `say` gets what the user asked for, `note` remarks. Raises CassetteError, StoryError or OptionError.
    """
    spare_collector()
    stage = Stage(plan.play, facts, note=note, log=note)
    stories, player = stage.stories, stage.player

    def announce(origin: str) -> None:
        urls = [f"{reach.shown(origin)}{base}" for base in dict.fromkeys(story.visit.base for story in stories)]
        if plan.as_json:
            say(json.dumps({"cassette": str(plan.play.cassette), "visits": len(stories), "urls": urls}))
            return
        say(f"playing {plan.play.cassette}: {len(stories)} session{'s' * (len(stories) != 1)}")
        for url in urls:
            say(f"put this URL into the app: {url}")

    with stage:
        server = ReplayServer(
            stage.app,
            stage.aside,
            plan.host,
            plan.port,
            announce=announce,
            compress_sockets=plan.compress_sockets,
        )
        # What is there by now, the visits, is not looked at again.
        gc.freeze()
        server.run_bound()
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
