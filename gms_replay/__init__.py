"""Record Genesys Mobile Services sessions, Comet included, and play them back as a server.

What programs need of it is named here, and imported when it is first used: `from gms_replay import ReplayTransport`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gms_replay.cassette.reader import read
    from gms_replay.errors import (
        BayeuxError,
        CassetteDamagedError,
        CassetteError,
        CassetteTooNewError,
        FormatError,
        GmsReplayError,
        NotACassetteError,
        OptionError,
        StoryError,
    )
    from gms_replay.model import Recording
    from gms_replay.player import Player
    from gms_replay.replay.asgi import ReplayApp
    from gms_replay.replay.stage import Stage, staged
    from gms_replay.replay.transport import ReplayTransport
    from gms_replay.story import compile_stories

__version__ = "0.1.0"

__all__ = [
    "BayeuxError",
    "CassetteDamagedError",
    "CassetteError",
    "CassetteTooNewError",
    "FormatError",
    "GmsReplayError",
    "NotACassetteError",
    "OptionError",
    "Player",
    "Recording",
    "ReplayApp",
    "ReplayTransport",
    "Stage",
    "StoryError",
    "__version__",
    "compile_stories",
    "read",
    "staged",
]

_HOMES = {
    "Player": "player",
    "Recording": "model",
    "ReplayApp": "replay.asgi",
    "ReplayTransport": "replay.transport",
    "Stage": "replay.stage",
    "compile_stories": "story",
    "read": "cassette.reader",
    "staged": "replay.stage",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    # The next one finds it without asking.
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
