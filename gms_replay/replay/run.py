"""A cassette played on a socket, from the first line that is told to the last."""

import gc
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gms_replay import control, reach
from gms_replay.access import Access
from gms_replay.cassette.archive import Archive
from gms_replay.player import Player
from gms_replay.replay.plays import Play
from gms_replay.replay.server import ReplayServer, spare_collector
from gms_replay.replay.stage import Stage

if TYPE_CHECKING:
    from gms_replay.replay.certificates import Certificates


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play where. `strict`: whether misses, and parts that nobody used, are a failure.

    `as_json`: whether machines listen. `token`: what others give to ask the player itself; where they could, one is
    drawn for None. `certificates` make it https.
    """

    play: Play
    host: str
    port: int
    strict: bool
    as_json: bool
    compress_sockets: bool
    token: str | None = None
    certificates: "Certificates | None" = None


def serve(plan: Plan, facts: Archive, *, say: Callable[[str], None], note: Callable[[str], None]) -> bool:
    """Plays until SIGTERM or SIGINT; False where strictness found something.

    `say` gets what the user asked for, `note` remarks. Raises CassetteError, StoryError or OptionError.
    """
    spare_collector()
    drawn = None if plan.token or reach.is_here(plan.host) else secrets.token_urlsafe(16)
    stage = Stage(plan.play, facts, note=note, log=note, access=Access(plan.token or drawn))
    stories, player = stage.stories, stage.player

    def announce(origin: str) -> None:
        urls = [f"{reach.shown(origin)}{base}" for base in dict.fromkeys(story.visit.base for story in stories)]
        if plan.as_json:
            more = ({"token": drawn} if drawn else {}) | (
                {"ca": str(plan.certificates.ca_file)} if plan.certificates else {}
            )
            say(json.dumps({"cassette": str(plan.play.cassette), "visits": len(stories), "urls": urls} | more))
            return
        say(f"playing {plan.play.cassette}: {len(stories)} session{'s' * (len(stories) != 1)}")
        for url in urls:
            say(f"put this URL into the app: {url}")
        if plan.certificates is not None:
            say(f"let it trust this certificate: {plan.certificates.ca_file}")
        if drawn is not None:
            say(f"other machines ask {control.PREFIX} with this token: {drawn}")

    with stage:
        server = ReplayServer(
            stage.app,
            stage.aside,
            plan.host,
            plan.port,
            announce=announce,
            compress_sockets=plan.compress_sockets,
            certificates=plan.certificates,
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
