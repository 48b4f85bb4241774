"""Which TCP connections carry pushes in Apple's binary protocol, and what is told of them when.

Strategy: a connection to Apple's port, or to a host that the user names, is ours from its first byte, whatever that is.
Any other is a stranger's until its first frame is whole: what passes before is kept, and told with the rest if it is
ours. A provider that speaks before that is none, for Apple's speaks to refuse only. A flow that is in neither table is
none of ours, and costs two look-ups.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mitmproxy.connection import Server
from mitmproxy.tcp import TCPFlow, TCPMessage

from gms_replay import apns, carriage
from gms_replay.mitmdump import snapshots
from gms_replay.mitmdump.seen import Seen

_STRANGER = "gms_stranger"


@dataclass(slots=True)
class _Beginning:
    """What passed of a connection of which nobody knows yet whose it is; `start` is the client's side of it."""

    messages: list[TCPMessage] = field(default_factory=list)
    start: bytearray = field(default_factory=bytearray)


class Connections:
    """Gives what passes over connections to `tell`; one method for each thing that happens to a flow.

    `hosts` and `keep_frames` are those of `recorder.Recorder`.
    """

    def __init__(self, tell: Callable[[Seen], None], hosts: re.Pattern[str] | None, keep_frames: bool) -> None:
        self._tell = tell
        self._hosts = hosts
        self._keep_frames = keep_frames
        self._number = 0
        self._beginnings: dict[str, _Beginning] = {}
        self._ours: dict[str, int] = {}

    def opened(self, flow: TCPFlow) -> None:
        """The client is there; the server perhaps not yet."""
        self._beginnings[flow.id] = _Beginning()

    def passed(self, flow: TCPFlow) -> None:
        """Some bytes came; mitmproxy appends them to the flow's messages."""
        message = flow.messages[-1]
        if number := self._ours.get(flow.id):
            self._tell(snapshots.passed(number, message))
        elif beginning := self._beginnings.get(flow.id):
            beginning.messages.append(message)
            self._decide(flow, beginning, message)
        if not self._keep_frames:
            # The last one stays, for the addons after us.
            del flow.messages[:-1]

    def closed(self, flow: TCPFlow) -> None:
        """The connection is closed or lost."""
        if number := self._ours.pop(flow.id, None):
            self._tell(snapshots.disconnected(number))
        elif (beginning := self._beginnings.pop(flow.id, None)) and beginning.messages:
            flow.metadata[_STRANGER] = True

    def _decide(self, flow: TCPFlow, beginning: _Beginning, message: TCPMessage) -> None:
        is_ours = self._wants(flow.server_conn)
        if is_ours is None and message.from_client:
            beginning.start += message.content
            is_ours = apns.is_ours(beginning.start)
            if is_ours is None:
                return
        del self._beginnings[flow.id]
        if not is_ours:
            flow.metadata[_STRANGER] = True
            return
        self._number += 1
        self._ours[flow.id] = self._number
        self._tell(snapshots.connected(self._number, flow))
        for one in beginning.messages:
            self._tell(snapshots.passed(self._number, one))

    def _wants(self, server: Server) -> bool | None:
        """Whether a connection to this server is ours; None where its bytes have to tell."""
        return carriage.is_wanted_connection(self._hosts, *snapshots.address(server))


def is_stranger(flow: TCPFlow) -> bool:
    """Whether it is known by now that a flow passes unrecorded."""
    return _STRANGER in flow.metadata
