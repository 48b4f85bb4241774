"""The pytest plugin: a marker that names a cassette, and fixtures that play it, or record it from a live GMS.

It only wires: `testing` does the work, and is imported when a test asks for a fixture.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gms_replay.replay.transport import ReplayTransport
    from gms_replay.testing.live import LiveTransport
    from gms_replay.testing.server import GmsClock, GmsServer
    from gms_replay.testing.stand import Stand

_MODES = ("none", "once", "new_episodes", "all")
_REDACTIONS = ("on", "typed", "off")
_MARKER = "gms_cassette"
_HELP = (
    "gms_cassette(path, *, strict=False, now=, clock='virtual', speed=1, seed=0, shift='exact', missing_act='go-on', "
    "rules=, session=, faults=, ...): what gms_server, gms_transport and gms_clock play: a cassette, by its path from "
    "the test file's folder, with the options of `gms-replay serve`. A request that it cannot answer fails the test; "
    "with strict=True so does a part of it that was not used."
)

_STAND = pytest.StashKey["Stand"]()
_CALLS = pytest.StashKey[list[bool]]()
"""Whether each call of the test passed: its own, and that of each subtest."""
_BEGUN = pytest.StashKey[set[Path]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gms_replay", "cassettes of GMS")
    group.addoption(
        "--gms-record",
        choices=_MODES,
        default="none",
        help="When to record from a live GMS: none (never), once (where there is no cassette), new_episodes (also what "
        "the cassette has no answer for), all (anew). Default: none.",
    )
    group.addoption("--gms-upstream", metavar="URL", help="That GMS, like http://gms.example:8080/genesys.")
    group.addoption("--gms-insecure", action="store_true", help="Take any certificate of that GMS's.")
    group.addoption(
        "--gms-redact",
        choices=_REDACTIONS,
        default="on",
        help="What of a recording is replaced by stand-ins before it is stored: on (credentials and personal data), "
        "typed (and what people type), off. Default: on.",
    )
    group.addoption(
        "--gms-redact-key",
        type=Path,
        metavar="FILE",
        help="A key of your own, so that equal values get equal stand-ins in all cassettes. Default: one is drawn.",
    )
    group.addoption(
        "--gms-keep-failed",
        action="store_true",
        help="Keep what a failed test has recorded, as visit.failed.sqlite beside visit.sqlite.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _HELP)
    config.stash[_BEGUN] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    if report := _missed(item):
        pytest.fail(report, pytrace=False)
    return result


# Outside all others: a test of unittest's does not raise where it fails, nor does a subtest.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call" and (calls := item.stash.get(_CALLS, None)) is not None:
        calls.append(report.passed)
        missed = _missed(item) if report.failed else ""
        if missed and not (call.excinfo and str(call.excinfo.value) == missed):
            report.sections.append(("Captured gms_replay call", missed))
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    if op != "==" or not {type(left).__name__, type(right).__name__} & {"Told"}:
        return None
    from gms_replay.diff import Transcript
    from gms_replay.testing.told import explained

    return explained(left, right) if isinstance(left, Transcript) and isinstance(right, Transcript) else None


@pytest.fixture
def _gms_stand(request: pytest.FixtureRequest) -> "Iterator[Stand]":
    from gms_replay.errors import GmsReplayError
    from gms_replay.testing import marker, stand

    item = request.node
    mark = item.get_closest_marker(_MARKER)
    if mark is None:
        pytest.fail(f'{item.nodeid}: name its cassette, like @pytest.mark.{_MARKER}("visit.sqlite")', pytrace=False)
    option = request.config.getoption
    try:
        wish = marker.read(mark.args, mark.kwargs, item.path.parent)
        how = stand.RecordOptions(
            mode=stand.RecordMode(option("--gms-record")),
            upstream=option("--gms-upstream"),
            insecure=option("--gms-insecure"),
            keeps_failed=option("--gms-keep-failed"),
            redact=option("--gms-redact"),
            redact_key=option("--gms-redact-key"),
            begun=request.config.stash[_BEGUN],
            is_worker=hasattr(request.config, "workerinput"),
        )
        calls: list[bool] = []
        item.stash[_CALLS] = calls

        def has_passed() -> bool:
            return bool(calls) and all(calls)

        with stand.standing(wish, how, has_passed) as found:
            item.stash[_STAND] = found
            yield found
            # What the app did after the test counts, too.
            report = _afterwards(item, found) if has_passed() else ""
            del item.stash[_STAND]
    except GmsReplayError as error:
        raise pytest.fail.Exception(f"{item.nodeid}: @pytest.mark.{_MARKER}: {error}", pytrace=False) from None
    if report:
        pytest.fail(report, pytrace=False)


@pytest.fixture
def gms_server(_gms_stand: "Stand") -> "GmsServer":
    """The cassette of `@pytest.mark.gms_cassette`, played on a port of its own: `base_url` goes into the app."""
    return _gms_stand.server


@pytest.fixture
def gms_transport(_gms_stand: "Stand") -> "Iterator[ReplayTransport | LiveTransport]":
    """The same for httpx, in this process: `httpx.Client(transport=gms_transport)`, or `httpx.AsyncClient`."""
    with _gms_stand.transport() as transport:
        yield transport


@pytest.fixture
def gms_clock(_gms_stand: "Stand") -> "GmsClock":
    """The time that apps are told: `now`, `advance(seconds)`, `to_next()`."""
    return _gms_stand.clock


def _afterwards(item: pytest.Item, stand: "Stand") -> str:
    """What a test that has passed has to answer for; "" where that is nothing."""
    if report := _missed(item):
        return report
    complaints = stand.complaints()
    return "\n".join(("gms_replay: strict: not all of the cassette was used", *complaints)) if complaints else ""


def _missed(item: pytest.Item) -> str:
    """The report of a test's misses; "" where there are none."""
    stand = item.stash.get(_STAND, None)
    misses = stand.misses() if stand else ()
    if not misses:
        return ""
    what = f"{len(misses)} request{'s' * (len(misses) != 1)} that the cassette has no answer for"
    return "\n".join((f"gms_replay: {what}", *map(str, misses)))
