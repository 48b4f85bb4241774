"""Pushes as `.apns` files: what a device of Xcode's simulator takes (`xcrun simctl push`, or dropped onto it)."""

from collections.abc import Iterable, Iterator
from itertools import count

from gms_replay import pushes, sessions
from gms_replay.model import Recording
from gms_replay.payloads import file_name, for_device, for_simulator
from gms_replay.pushes import Derived, Notification


def files(recording: Recording, bundle_id: str) -> Iterator[tuple[str, bytes]]:
    """The pushes that reached a device, or presumably did, for one app: file names and contents, visit after visit.

    Those that name no service of a visit's come last.
    """
    found = pushes.find(recording, sessions.split(recording))
    numbers = count(1)
    homes: list[tuple[str, Iterable[Notification | Derived]]] = [
        (f"visit-{number}", of_visit) for number, of_visit in enumerate(found.of_visits, start=1)
    ]
    for home, some in [*homes, ("others", found.others)]:
        arrived = set(pushes.arrived([one for one in some if isinstance(one, Notification)]))
        for one in some:
            if isinstance(one, Derived) or one in arrived:
                yield file_name(next(numbers), home, one.action), for_simulator(for_device(one), bundle_id)
