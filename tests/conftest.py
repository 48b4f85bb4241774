"""What all tests share: properties that try the same examples on every machine, however busy it is."""

# pytester forgets what a run of its own was the first to import, and httpx knows httpcore's errors by their classes.
import httpcore  # noqa: F401
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

LONGEST = (
    "test_readme.py", "test_benchmarks.py", "test_pytest_recording.py", "test_show.py", "test_offline.py",
    "test_crowd.py", "test_files.py", "test_browser_example.py", "test_browser_archives.py", "test_seven_visits.py",
    "test_run.py", "test_moves.py", "test_long_runs.py", "test_any_client.py", "test_pytest_plugin.py", "test_cli.py",
)  # fmt: skip
"""The files that take longest, the longest first: `make test` hands out whole files."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the longest files begin first, for else one of them would be left over, with one worker, at the end."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(LONGEST)))
