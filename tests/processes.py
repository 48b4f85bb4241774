"""Processes that others started. Linux only."""

import resource
from pathlib import Path


def children(pid: int) -> list[int]:
    """The ids of a process's children."""
    stats = [(path.parent.name, _stat(path)) for path in Path("/proc").glob("[0-9]*/stat")]
    return [int(name) for name, stat in stats if stat and int(stat[1]) == pid]


def is_over(pid: int) -> bool:
    """Whether a process has ended, though its parent may not have asked how."""
    stat = _stat(Path("/proc", str(pid), "stat"))
    return not stat or stat[0] == "Z"


def limit_files(pid: int, size_bytes: int) -> None:
    """Let a process and its children write no file beyond a size, as if the disk were full."""
    for each in (pid, *children(pid)):
        resource.prlimit(each, resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def _stat(path: Path) -> list[str]:
    """The fields from the third on, state and parent (proc(5)): the name, which may hold anything, ends with ")"."""
    try:
        return path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        # Ended meanwhile.
        return []
