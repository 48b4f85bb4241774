import threading

import pytest

from gms_replay.cassette.extent import Limits, Progress
from gms_replay.cassette.reader import read
from gms_replay.cassette.series import Series
from gms_replay.errors import CassetteError, NotACassetteError
from gms_replay.model import Direction

MINUTE_US = 60_000_000
AGED = Limits(age_us=MINUTE_US)


class Stage:
    """A folder, a clock that stands until it is moved, and series that are closed when the test ends."""

    def __init__(self, folder, facts) -> None:
        self.folder = folder
        self.facts = facts
        self.now_us = 1_000 * MINUTE_US

    def series(self, limits: Limits) -> Series:
        return Series(
            self.folder / "visit.sqlite",
            lambda path, started_at_us: self.facts.writer(path, started_at_us=started_at_us),
            limits,
            lambda: self.now_us,
        )

    def exchange(self, series: Series, target: str = "/genesys/cometd") -> None:
        """A whole exchange, from its beginning to its end."""
        writer = series.writer()
        writer.exchange_over(self.facts.exchange(writer, target))

    def recorded(self) -> dict[str, list[str]]:
        """What each cassette holds: its exchanges' targets."""
        return {
            path.name: [exchange.request.target for exchange in read(path).exchanges]
            for path in sorted(self.folder.glob("*.sqlite"))
        }


@pytest.fixture
def stage(tmp_path, facts) -> Stage:
    return Stage(tmp_path, facts)


def test_no_limits_one_file(stage):
    for target in ("/a", "/b"):
        series = stage.series(Limits())
        stage.exchange(series, target)
        stage.now_us += 10_000 * MINUTE_US
        stage.exchange(series, target)
        series.close()

    assert stage.recorded() == {"visit.sqlite": ["/a", "/a", "/b", "/b"]}


def test_age_begins_next_file(stage):
    series = stage.series(AGED)
    for target in ("/a", "/b", "/c"):
        stage.exchange(series, target)
        stage.exchange(series, f"{target}/again")
        stage.now_us += MINUTE_US
    series.close()

    assert stage.recorded() == {
        "visit.sqlite": ["/a", "/a/again"],
        "visit-2.sqlite": ["/b", "/b/again"],
        "visit-3.sqlite": ["/c", "/c/again"],
    }


def test_size_begins_next_file(stage, until):
    series = stage.series(Limits(size_bytes=300_000))
    for target in ("/a", "/b"):
        writer = series.writer()
        exchange_id = writer.begin_exchange()
        writer.request(exchange_id, stage.facts.request(target, b"x" * 300_000))
        writer.exchange_over(exchange_id)
        until(lambda: series.progress.waiting == 0)
    series.close()

    assert stage.recorded() == {"visit.sqlite": ["/a"], "visit-2.sqlite": ["/b"]}


def test_exchange_stays_where_it_began(stage, until):
    series = stage.series(AGED)
    first = series.writer()
    exchange_id = stage.facts.exchange(first, "/held")
    stage.now_us += MINUTE_US
    stage.exchange(series, "/next")
    first.outcome(exchange_id, stage.facts.answer())
    first.exchange_over(exchange_id)

    # Without being asked, while the next file is recorded into.
    until(lambda: first.is_done)
    assert not (stage.folder / "visit.sqlite-wal").exists()
    series.close()

    (held,) = read(stage.folder / "visit.sqlite").exchanges
    assert (held.request.target, held.outcome) == ("/held", stage.facts.answer())
    assert stage.recorded()["visit-2.sqlite"] == ["/next"]


def test_connection_stays_where_it_began(stage, until):
    series = stage.series(AGED)
    first = series.writer()
    connection_id = first.begin_connection("apns", 2195, "gms:1", 5)
    stage.now_us += MINUTE_US
    stage.exchange(series, "/next")
    first.frame(connection_id, Direction.TO_SERVER, 6, b"late")
    assert not first.is_done
    first.connection_over(connection_id)

    until(lambda: first.is_done)
    assert series.progress.frames == 1
    series.close()

    files = [read(stage.folder / name) for name in ("visit.sqlite", "visit-2.sqlite")]
    assert [[frame.raw for frame in recording.frames] for recording in files] == [[b"late"], []]


def test_names_that_exist_are_skipped(stage):
    series = stage.series(AGED)
    stage.exchange(series, "/a")
    (stage.folder / "visit-2.sqlite").write_text("notes")
    stage.now_us += MINUTE_US
    stage.exchange(series, "/b")
    series.close()

    assert (stage.folder / "visit-2.sqlite").read_text() == "notes"
    (stage.folder / "visit-2.sqlite").unlink()
    assert stage.recorded() == {"visit.sqlite": ["/a"], "visit-3.sqlite": ["/b"]}


def series_of_two(stage) -> None:
    series = stage.series(AGED)
    stage.exchange(series, "/a")
    stage.now_us += MINUTE_US
    stage.exchange(series, "/b")
    series.close()


def test_restart_goes_on_in_newest(stage):
    series_of_two(stage)

    series = stage.series(AGED)
    stage.exchange(series, "/c")
    series.close()

    assert stage.recorded() == {"visit.sqlite": ["/a"], "visit-2.sqlite": ["/b", "/c"]}


def test_restart_leaves_old_file(stage):
    series_of_two(stage)
    stage.now_us += MINUTE_US

    series = stage.series(AGED)
    stage.exchange(series, "/c")
    series.close()

    assert stage.recorded() == {"visit.sqlite": ["/a"], "visit-2.sqlite": ["/b"], "visit-3.sqlite": ["/c"]}


def test_restart_leaves_large_file(stage):
    series = stage.series(Limits())
    stage.exchange(series, "/a")
    series.close()

    series = stage.series(Limits(size_bytes=1))

    assert series.progress.path == stage.folder / "visit-2.sqlite"


def test_restart_counts_beyond_nine(stage):
    for number in range(2, 11):
        stage.facts.writer(stage.folder / f"visit-{number}.sqlite", started_at_us=stage.now_us).close()
    for other in ("visit-011.sqlite", "visit-20261120.sqlite", "visit-99.sqlite.bak", "revisit-11.sqlite"):
        (stage.folder / other).write_text("notes")

    assert stage.series(AGED).progress.path.name == "visit-10.sqlite"


def test_newest_that_is_no_cassette_is_refused(stage):
    (stage.folder / "visit-2.sqlite").write_text("notes")

    with pytest.raises(NotACassetteError, match=r"visit-2\.sqlite: not a cassette"):
        stage.series(AGED)


def test_missing_folder_is_named(stage):
    stage.folder /= "nowhere"

    with pytest.raises(CassetteError, match=r"visit\.sqlite: cannot be written: No such file or directory"):
        stage.series(AGED)


def test_next_file_refused(stage, tmp_path):
    """What was recorded stays, and can still be closed."""

    def full_after_first(path, started_at_us):
        if stage.facts.writers:
            raise CassetteError(f"{path}: cannot be written: disk full")
        return stage.facts.writer(path, started_at_us=started_at_us)

    series = Series(tmp_path / "visit.sqlite", full_after_first, AGED, lambda: stage.now_us)
    stage.exchange(series, "/a")
    stage.now_us += MINUTE_US

    with pytest.raises(CassetteError, match=r"visit-2\.sqlite: cannot be written"):
        series.writer()

    series.close()
    assert stage.recorded() == {"visit.sqlite": ["/a"]}


def test_progress_tells_all_files(stage, until):
    series = stage.series(AGED)
    path = stage.folder / "visit.sqlite"
    before = series.progress
    assert before == Progress(path, 1, 0, 0, 0, 0, before.size_bytes, None, 0)
    for _ in range(4):
        stage.exchange(series)
        until(lambda: series.progress.waiting == 0)
        stage.now_us += MINUTE_US
        # Files that are done are forgotten, what they held is not.
        until(lambda: all(writer.is_done for writer in stage.facts.writers[:-1]))

    progress = series.progress

    assert (progress.path.name, progress.run_id, progress.exchanges) == ("visit-4.sqlite", 1, 4)
    assert progress.size_bytes == sum((stage.folder / f"visit-4.sqlite{end}").stat().st_size for end in ("", "-wal"))
    assert progress.committed_at_us is not None


def test_progress_counts_run_only(stage):
    for _ in range(2):
        series = stage.series(Limits())
        stage.exchange(series)
        series.close()

    assert (series.progress.run_id, series.progress.exchanges) == (2, 1)


def test_close_tells_first_failure(stage, until):
    series = stage.series(AGED)
    held = stage.facts.exchange(series.writer())
    stage.now_us += MINUTE_US
    stage.exchange(series)
    (stage.folder / "visit.sqlite").unlink()

    with pytest.raises(CassetteError, match=r"visit\.sqlite was removed"):
        series.close()

    assert (held, stage.recorded()) == (1, {"visit-2.sqlite": ["/genesys/cometd"]})
    stage.facts.writers.clear()


def test_progress_from_another_thread(stage):
    series = stage.series(AGED)
    stop, seen = threading.Event(), []

    def look() -> None:
        while not stop.is_set():
            seen.append(series.progress.exchanges)

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(10):
        stage.exchange(series)
        stage.now_us += MINUTE_US
    stop.set()
    thread.join()

    assert seen
    assert seen == sorted(seen)
