"""When each of many wants to be woken, with the earliest at hand however many they are."""

from heapq import heapify, heappop, heappush

_SPARE = 64


class Alarms:
    """One alarm for each name, in microseconds.

    Strategy: a heap in which what was set anew stays behind, and is passed over when its time comes; where more than
    half of it is such, it is built anew.
    """

    def __init__(self) -> None:
        self._at_us: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def set(self, name: str, at_us: int | None) -> None:
        """Sets the alarm of that name, or, with None, puts it off."""
        if at_us == self._at_us.get(name):
            return
        if at_us is None:
            del self._at_us[name]
        else:
            self._at_us[name] = at_us
            heappush(self._heap, (at_us, name))
        if len(self._heap) > 2 * len(self._at_us) + _SPARE:
            self._heap = [(at_us, name) for name, at_us in self._at_us.items()]
            heapify(self._heap)

    def due(self, now_us: int) -> list[str]:
        """The names whose time has come, the earliest first; their alarms are off from now on."""
        names: list[str] = []
        while self._heap and self._heap[0][0] <= now_us:
            at_us, name = heappop(self._heap)
            if self._at_us.get(name) == at_us:
                names.append(name)
                del self._at_us[name]
        return names

    def next_us(self) -> int | None:
        """The earliest alarm; None where none is set."""
        while self._heap and self._at_us.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None
