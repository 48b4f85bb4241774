"""Players that faults befall, for tests: rules as JSON has them."""

from typing import Any

from driver import App, Driver
from factories import CALLBACK, ORDER

from gms_replay import fault_rules
from gms_replay.clocks import Clock, Pacing
from gms_replay.model import Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories


def faulty(recording: Recording, *rules: dict[str, Any], seed: int = 0, clock: str = "real", **options: Any) -> Driver:
    """A driver of a player of that recording, with these rules."""
    read = fault_rules.read_all(list(rules), "faults")
    pacing = Pacing(clock=Clock(clock))
    return Driver(Player(compile_stories(recording), pacing, seed=seed, faults=read, **options))


def chatting(recording: Recording, *rules: dict[str, Any], **options: Any) -> App:
    """An app there that started at 0 s, and is subscribed at once."""
    app = App(faulty(recording, *rules, **options))
    listening(app)
    return app


def listening(app: App) -> None:
    app.call("POST", CALLBACK, ORDER)
    app.shake_hands()
    app.subscribe()


def rule(on: str, do: str, *times: int, **fields: Any) -> dict[str, Any]:
    """A rule; without times it strikes each time."""
    return {"on": on, "do": do} | ({"times": list(times)} if times else {}) | fields
