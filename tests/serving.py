"""A replay server on a socket of its own, in a thread: for tests that come as an app comes."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gms_replay import fault_rules
from gms_replay.access import Access
from gms_replay.clocks import Pacing
from gms_replay.limits import DEFAULT, Limits
from gms_replay.model import Facts
from gms_replay.player import Player
from gms_replay.replay.asgi import ReplayApp
from gms_replay.replay.aside import Aside
from gms_replay.replay.certificates import Certificates
from gms_replay.replay.passing import Passing
from gms_replay.replay.server import ReplayServer
from gms_replay.replay.stand_ins import StandIn, StandIns
from gms_replay.replay.wall import wall_clock_us
from gms_replay.story import compile_stories


@dataclass
class Served:
    """Where it serves, and what the player remarked."""

    player: Player
    origin: str = ""
    notes: list[str] = field(default_factory=list)
    stop: Callable[[], None] = lambda: None
    thread: threading.Thread = field(default_factory=threading.Thread)

    @property
    def base(self) -> str:
        return f"{self.origin}/genesys"


@contextmanager
def served(
    facts: Facts,
    pacing: Pacing | None = None,
    *,
    compress_sockets: bool = False,
    passing: Passing | None = None,
    push_to: Sequence[StandIn] = (),
    holds_pushes: bool = False,
    faults: Sequence[dict[str, Any]] = (),
    limits: Limits = DEFAULT,
    access: Access | None = None,
    certificates: Certificates | None = None,
    before: Callable[[Served], None] = lambda _: None,
) -> Iterator[Served]:
    """Serves a recording on loopback until the end of the block. `before`: done while it answers nobody."""
    ready = threading.Event()
    player = Player(
        compile_stories(facts),
        pacing,
        has_devices=bool(push_to),
        holds_pushes=holds_pushes,
        faults=fault_rules.read_all(faults, "faults"),
        limits=limits,
    )
    told = Served(player)
    aside = Aside(passing, None, StandIns(push_to, told.notes.append) if push_to else None)
    app = ReplayApp(
        player,
        clock=wall_clock_us,
        note=told.notes.append,
        pass_on=passing.ask if passing else None,
        devices=aside.stand_ins,
        limits=limits,
        access=access,
    )
    server = ReplayServer(
        app,
        aside,
        "127.0.0.1",
        0,
        announce=lambda _: ready.set(),
        compress_sockets=compress_sockets,
        certificates=certificates,
    )
    told.origin = server.origin
    told.stop = lambda: setattr(server, "should_exit", True)
    before(told)
    thread = told.thread = threading.Thread(target=server.run_bound)
    thread.start()
    try:
        assert ready.wait(60), "the server did not start"
        yield told
    finally:
        told.stop()
        thread.join(60)
        assert not thread.is_alive(), "the server did not end"
