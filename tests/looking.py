"""Who looks at every byte of a folder, again and again, for what must not be there."""

import contextlib
import threading
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType

from planted import Secret

_GZIP = b"\x1f\x8b\x08"
_BETWEEN_LOOKS_S = 0.01


class Looker:
    """Looks as long as the block lasts, and once more at its end, or whenever it is asked.

    `found`: which secrets stood in which files, at whatever moment. `seen`: the names of all files there ever were.
    """

    def __init__(self, folder: Path, secrets: Collection[Secret]) -> None:
        self.found: set[tuple[str, str]] = set()
        self.seen: set[str] = set()
        self.looks = 0
        self._folder = folder
        self._secrets = secrets
        self._last: dict[Path, bytes] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Looker":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()
        self.look()

    def _watch(self) -> None:
        while not self._ended.wait(_BETWEEN_LOOKS_S):
            self.look()

    def look(self) -> None:
        for path in sorted(self._folder.rglob("*")):
            try:
                data = path.read_bytes()
            except OSError:
                # A folder, or gone meanwhile.
                continue
            self.seen.add(path.name)
            if self._last.get(path) == data:
                continue
            self._last[path] = data
            texts = [data, *_unpacked(data)]
            for secret in self._secrets:
                if any(map(secret.stands_in, texts)):
                    self.found.add((secret.where, path.name))
        self.looks += 1


def _unpacked(data: bytes) -> Iterator[bytes]:
    """What is packed in it, wherever it begins."""
    at = data.find(_GZIP)
    while at >= 0:
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj(31).decompress(data[at:])
        at = data.find(_GZIP, at + 1)
