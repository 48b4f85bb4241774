"""The plugin as its users have it: files of tests, run by pytest."""

import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent

import factories
import pytest
from factories import CALLBACK, CHAT_PATH, HELLO, JOINED, ORDER, SERVICE, Tape, frame
from serving import served

from gms_replay.cassette import reader
from gms_replay.cassette.copy import write

pytest_plugins = "pytester"

EXAMPLE = Path(__file__).parents[1] / "examples" / "pytest"
HEAD = f"""
import httpx, pytest
START = "{CALLBACK}"
USER = "{factories.USER}"
DIALOG = "{factories.CHAT_DIALOG.removeprefix("/genesys")}"
SEND = "{CHAT_PATH.removeprefix("/genesys")}/send"
ORDER = {ORDER!r}
def start(server, **others):
    return httpx.post(server.base_url + START.removeprefix("/genesys"), json=ORDER | others, trust_env=False)
"""


def slow_visit() -> Tape:
    """A callback, a chat whose agent comes after twenty minutes, and goes on when the app has said something."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE, "_expires": "2014-05-02T16:57:31Z"})
    tape.ask(0.1, "POST", factories.CHAT_DIALOG, b"", factories.start_chat(factories.URL, f"{factories.URL}/cometd"))
    tape.open_comet(0.2)
    tape.poll(0.5, 1200, frame(1, JOINED))
    tape.ask(1201, "POST", f"{CHAT_PATH}/send", {"message": "Hello."})
    tape.poll(1200.6, 0.8, frame(2, HELLO))
    return tape


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """The server's libraries. What is imported first within pytester is forgotten after it, and would be there twice:
    uvicorn's protocol, kept from before, does not know the exceptions of a second httptools."""
    with served(slow_visit().recording()):
        pass


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a cassette, for a file of tests."""
    write(pytester.path / "visit.sqlite", slow_visit().recording())
    return pytester


def run(suite: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    suite.makepyfile(test_app=HEAD + dedent(tests))
    return suite.runpytest_inprocess("-p", "no:cacheprovider", "--strict-markers", "-Werror", *options)


def test_visit_of_twenty_minutes_is_played(suite: pytest.Pytester) -> None:
    result = run(suite, """
        @pytest.mark.gms_cassette("visit.sqlite", strict=True)
        def test_chat(gms_server, gms_clock):
            began = gms_clock.now
            app = httpx.Client(base_url=gms_server.base_url, trust_env=False, headers={"gms_user": USER})
            start(gms_server)
            dialog = app.post(DIALOG).json()
            assert dialog["_comet_url"] == gms_server.comet_url
            comet = lambda *messages: app.post(gms_server.comet_url, json=messages).json()
            [shaken] = comet({"channel": "/meta/handshake", "version": "1.0"})
            mine = {"clientId": shaken["clientId"], "connectionType": "long-polling"}
            comet(mine | {"channel": "/meta/connect"})
            comet(mine | {"channel": "/meta/subscribe", "subscription": "/_genesys"})
            assert comet(mine | {"channel": "/meta/connect"})[0]["channel"] == "/_genesys"
            app.post(SEND, json={"message": "Hello."})
            assert comet(mine | {"channel": "/meta/connect"})[0]["channel"] == "/_genesys"
            assert (gms_clock.now - began).total_seconds() > 1200
            assert [(one["session"], one["is_told"]) for one in gms_server.sessions] == [("s1", True)]
            assert gms_server.transcript() == gms_server.recorded()
            assert gms_server.transcript() == gms_server.recorded(visit=1)
            assert gms_server.transcript(session="s1") == gms_server.recorded(session="s1")
            app.close()
    """)  # fmt: skip

    result.assert_outcomes(passed=1)


def test_miss_fails_with_its_report(suite: pytest.Pytester) -> None:
    result = run(suite, """
        @pytest.mark.gms_cassette("visit.sqlite")
        def test_miss(gms_server):
            start(gms_server, _media_type="fax")
            httpx.get(gms_server.base_url + "/1/nowhere", trust_env=False)

        @pytest.mark.gms_cassette("visit.sqlite")
        def test_fails_by_itself(gms_server):
            httpx.get(gms_server.base_url + "/1/nowhere", trust_env=False).raise_for_status()

        @pytest.mark.gms_cassette("visit.sqlite")
        def test_on_purpose(gms_server):
            httpx.get(gms_server.base_url + "/1/nowhere", trust_env=False)
            assert "unknown route" in str(gms_server.misses[0])
            gms_server.forget_misses()

        @pytest.fixture
        def tidy(gms_server):
            yield
            httpx.get(gms_server.base_url + "/1/nowhere", trust_env=False)

        @pytest.mark.gms_cassette("visit.sqlite")
        def test_afterwards(tidy):
            pass
    """)  # fmt: skip

    result.assert_outcomes(failed=2, passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_afterwards*",
            "gms_replay: 1 request that the cassette has no answer for",
            "*_ test_miss _*",
            "gms_replay: 2 requests that the cassette has no answer for",
            f"miss: POST {CALLBACK}: field differs",
            f"  nearest: POST {CALLBACK}",
            "    _media_type: asked 'fax', recorded *",
            "miss: GET /genesys/1/nowhere: unknown route",
            "*_ test_fails_by_itself _*",
            "*HTTPStatusError*",
            "*- Captured gms_replay call -*",
            "gms_replay: 1 request that the cassette has no answer for",
        ]
    )


def test_strictness_names_what_was_not_used(suite: pytest.Pytester) -> None:
    result = run(suite, """
        @pytest.mark.gms_cassette("visit.sqlite", strict=True)
        def test_part(gms_server):
            start(gms_server)

        @pytest.mark.gms_cassette("visit.sqlite", strict=True)
        def test_that_fails_is_told_no_more(gms_server):
            assert False
    """)  # fmt: skip

    result.assert_outcomes(passed=1, errors=1, failed=1)
    result.stdout.fnmatch_lines(
        ["gms_replay: strict: not all of the cassette was used", "visit 1: POST *was not asked for"]
    )


@pytest.mark.parametrize(
    ("marker", "complaint"),
    [
        ('"visit.sqlite", speeed=2', "speeed: no such option; there are *speed, strict"),
        ('"visit.sqlite", clock="sun"', "clock is one of real, virtual, not 'sun'"),
        ("", "it names one cassette*not 0"),
        ('"no.sqlite"', "*no.sqlite: there is none; --gms-record=once --gms-upstream URL records it"),
        ('"test_app.py"', "*test_app.py: *"),
        ('"visit.sqlite", rules="no.toml"', "*no.toml: cannot be read*"),
    ],
)
def test_wrong_marker_is_named(suite: pytest.Pytester, marker: str, complaint: str) -> None:
    result = run(suite, f"@pytest.mark.gms_cassette({marker})\ndef test_x(gms_server): pass")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"test_app.py::test_x: @pytest.mark.gms_cassette: {complaint}"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_fixture_without_marker_says_how(suite: pytest.Pytester) -> None:
    result = run(suite, "def test_x(gms_clock): pass")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ['test_app.py::test_x: name its cassette, like @pytest.mark.gms_cassette("visit.sqlite")']
    )


def test_closest_marker_wins(suite: pytest.Pytester) -> None:
    result = run(suite, """
        pytestmark = pytest.mark.gms_cassette("visit.sqlite", now="2014-01-01T00:00:00Z")

        def test_module(gms_clock):
            assert gms_clock.now.year == 2014

        @pytest.mark.gms_cassette("visit.sqlite", now="2015-01-01T00:00:00Z", session="alice")
        class TestClass:
            def test_class(self, gms_clock, gms_server):
                start(gms_server)
                assert gms_server.sessions[0]["session"] == "alice"
                assert gms_clock.now.year == 2015

            @pytest.mark.gms_cassette("visit.sqlite", now="2016-01-01T00:00:00Z")
            def test_function(self, gms_clock):
                assert gms_clock.now.year == 2016
    """)  # fmt: skip

    result.assert_outcomes(passed=3)


def test_server_and_transport_play_one_story(suite: pytest.Pytester) -> None:
    result = run(suite, """
        import asyncio

        @pytest.mark.gms_cassette("visit.sqlite", now="2014-05-02T16:27:38Z")
        def test_both(gms_server, gms_transport):
            async def again():
                async with httpx.AsyncClient(transport=gms_transport) as app:
                    return await app.post("https://gms.test" + START, json=ORDER)

            with httpx.Client(transport=gms_transport, base_url="https://gms.test") as app:
                first = app.post(START, json=ORDER).json()
            second = asyncio.run(again()).json()
            third = start(gms_server).json()
            assert len({one["_id"] for one in (first, second, third)}) == 3
            assert {one["_expires"] for one in (first, second, third)} == {"2014-05-02T16:57:39Z"}
            assert len(gms_server.sessions) == 3
    """)  # fmt: skip

    result.assert_outcomes(passed=1)


def test_clock_is_put_forward(suite: pytest.Pytester) -> None:
    result = run(suite, """
        from datetime import timedelta
        from gms_replay import OptionError

        @pytest.mark.gms_cassette("visit.sqlite", now="2014-05-02T16:00:00Z")
        def test_clock(gms_server, gms_clock):
            began = gms_clock.now
            assert began.isoformat() == "2014-05-02T16:00:00+00:00"
            start(gms_server)
            gms_clock.advance(30)
            gms_clock.advance(timedelta(minutes=1), session="s1")
            assert 90 <= (gms_clock.now - began).total_seconds() < 100
            gms_clock.to_next()
            with pytest.raises(OptionError, match="there is no session 'bob'"):
                gms_clock.to_next(session="bob")
            with pytest.raises(OptionError, match="there is no visit 2"):
                gms_server.recorded(2)

        @pytest.mark.gms_cassette("visit.sqlite", clock="real")
        def test_real(gms_clock):
            assert gms_clock.now.year > 2024
    """)  # fmt: skip

    result.assert_outcomes(passed=2)


def test_two_apps_are_held_to_their_visits(suite: pytest.Pytester) -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE, "_expires": "2014-05-02T16:57:31Z"})
    tape.ask(1, "GET", f"/genesys/1/service/{SERVICE}/check-queue-position", b"", {"_position": 1})
    write(suite.path / "call.sqlite", tape.recording())
    result = run(suite, """
        from gms_replay import OptionError

        def call(server, name):
            headers = {"gms_session": name}
            with httpx.Client(base_url=server.base_url, trust_env=False, headers=headers) as app:
                started = app.post(START.removeprefix("/genesys"), json=ORDER).json()
                app.get(f"/1/service/{started['_id']}/check-queue-position")

        @pytest.mark.gms_cassette("call.sqlite")
        @pytest.mark.parametrize("clock", ["virtual", "real"])
        def test_two(gms_server, clock):
            call(gms_server, "anna")
            call(gms_server, "bob")
            url, fax = gms_server.base_url + START.removeprefix("/genesys"), ORDER | {"_media_type": "fax"}
            missed = httpx.post(url, json=fax, headers={"gms_session": "bob"}, trust_env=False)
            assert missed.json()["session"] == "bob"
            gms_server.forget_misses()
            assert [one["session"] for one in gms_server.sessions] == ["anna", "bob"]
            assert gms_server.transcript(session="anna") == gms_server.recorded(session="anna")
            assert gms_server.transcript(session="anna") == gms_server.recorded(1)
            assert gms_server.transcript(session="bob") != gms_server.recorded(session="bob")
            assert len(gms_server.transcript(session="bob").answers) == 3
            assert len(gms_server.transcript().answers) == 5
            with pytest.raises(OptionError, match="there is no session 'eve'; there are anna, bob"):
                gms_server.transcript(session="eve")
            with pytest.raises(OptionError, match="a visit or a session, not both"):
                gms_server.recorded(1, session="bob")
    """)  # fmt: skip

    result.assert_outcomes(passed=2)


def test_wrong_words_in_a_test_are_named(suite: pytest.Pytester) -> None:
    result = run(suite, """
        import math
        from gms_replay import GmsReplayError, OptionError
        kept = []

        @pytest.mark.gms_cassette("visit.sqlite")
        def test_words(gms_server, gms_clock):
            kept.append((gms_server, gms_clock))
            start(gms_server)
            for wrong in (math.nan, math.inf, -1, 1e12, "5", None, True):
                with pytest.raises(OptionError, match="advance: .* is no number of seconds, from 0 to"):
                    gms_clock.advance(wrong)
                with pytest.raises(OptionError, match="next_push: .* is no number of seconds, from 0 to"):
                    gms_server.next_push(wrong)
            for wrong in (0, -1, 2, "one"):
                with pytest.raises(OptionError, match=f"there is no visit {wrong!r}; .* holds 1"):
                    gms_server.recorded(wrong)

        @pytest.mark.parametrize("late", [
            lambda server, _: server.base_url, lambda server, _: server.comet_url, lambda server, _: server.misses,
            lambda server, _: server.sessions, lambda server, _: server.transcript(),
            lambda server, _: server.recorded(), lambda _, clock: clock.now, lambda _, clock: clock.advance(1),
        ])
        def test_kept(late):
            with pytest.raises(GmsReplayError, match="the player has ended, with its test"):
                late(*kept[0])
    """)  # fmt: skip

    result.assert_outcomes(passed=9)


def test_weeks_are_held_to_the_recording(suite: pytest.Pytester) -> None:
    tape = Tape()
    tape.ask(0, "GET", "/genesys/1/service/callback/sales/availability", b"", {"2014-05-02T16:30:00.000Z": 1})
    write(suite.path / "slots.sqlite", tape.recording())
    result = run(suite, """
        @pytest.mark.gms_cassette("slots.sqlite", shift="weeks", now="2014-05-03T16:30:00Z")
        def test_weeks(gms_server):
            slots = httpx.get(gms_server.base_url + "/1/service/callback/sales/availability", trust_env=False).json()
            assert list(slots) == ["2014-05-09T16:30:00.000Z"]
            assert gms_server.transcript() == gms_server.recorded()
    """)  # fmt: skip

    result.assert_outcomes(passed=1)


def test_push_is_waited_for(pytester: pytest.Pytester) -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.push(600, "get-dialog-start-chat")
    write(pytester.path / "visit.sqlite", tape.recording())
    result = run(pytester, """
        from gms_replay import OptionError

        @pytest.mark.gms_cassette("visit.sqlite", strict=True)
        def test_push(gms_server):
            start(gms_server)
            assert gms_server.pushes == []
            push = gms_server.next_push()
            assert push["_action"] == "get-dialog-start-chat"
            assert gms_server.pushes == [push]
            with pytest.raises(OptionError, match="no push within 0.01 s"):
                gms_server.next_push(0.01)
    """)  # fmt: skip

    result.assert_outcomes(passed=1)


def test_third_poll_dies(suite: pytest.Pytester) -> None:
    """As a fixture, and, of one of two sessions, as a keyword of the marker; what struck is told, and no miss."""
    result = run(
        suite,
        """
        @pytest.mark.gms_cassette("visit.sqlite")
        def test_chat(gms_server):
            gms_server.faults.add(on="/meta/connect", do="reset", times=[3])
            app = httpx.Client(base_url=gms_server.base_url, trust_env=False, headers={"gms_user": USER})
            start(gms_server)
            app.post(DIALOG)
            comet = lambda *messages: app.post(gms_server.comet_url, json=messages).json()
            [shaken] = comet({"channel": "/meta/handshake", "version": "1.0"})
            mine = {"clientId": shaken["clientId"], "connectionType": "long-polling"}
            comet(mine | {"channel": "/meta/connect"})
            comet(mine | {"channel": "/meta/subscribe", "subscription": "/_genesys"})
            comet(mine | {"channel": "/meta/connect"})
            app.post(SEND, json={"message": "Hello."})
            with pytest.raises(httpx.ReadError):
                comet(mine | {"channel": "/meta/connect"})
            assert comet(mine | {"channel": "/meta/connect"})[0]["channel"] == "/_genesys"
            [fault] = gms_server.faults
            assert (fault["struck"], fault["sessions"]) == (1, {"s1": 1})
            gms_server.faults.drop(fault["number"])
            assert list(gms_server.faults) == []
            with pytest.raises(Exception, match=r"fault.on: 'sned': nothing is called so"):
                gms_server.faults.add(on="sned", do="reset")
            app.close()
            assert gms_server.transcript() == gms_server.recorded()

        @pytest.mark.gms_cassette("visit.sqlite", faults=[{"on": "any", "do": "error", "session": "bad", "count": 1}])
        def test_two(gms_server):
            asked = [start(gms_server, **{}).status_code]
            for name in ("bad", "good", "bad"):
                url = f"{gms_server.base_url}{START.removeprefix('/genesys')}?gms_session={name}"
                asked.append(httpx.post(url, json=ORDER, trust_env=False).status_code)
            assert asked == [200, 503, 200, 200]

        @pytest.mark.gms_cassette("visit.sqlite", strict=True, faults=[{"on": "push", "do": "lose"}])
        def test_in_vain(gms_server):
            start(gms_server)
    """,
    )
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*fault 1 (lose on push) struck nobody*"])


def test_transport_has_the_faults_of_the_marker(suite: pytest.Pytester) -> None:
    result = run(suite, """
        @pytest.mark.gms_cassette("visit.sqlite", faults=[{"on": "any", "do": "reset", "times": [1]}])
        def test_one(gms_transport):
            with httpx.Client(transport=gms_transport, base_url="https://gms.test") as app:
                with pytest.raises(httpx.ReadError):
                    app.post(START, json=ORDER)
                assert app.post(START, json=ORDER).status_code == 200
            assert not hasattr(gms_transport, "faults")
    """)  # fmt: skip

    result.assert_outcomes(passed=1)


def test_differing_transcripts_read_well(suite: pytest.Pytester) -> None:
    result = run(suite, """
        @pytest.mark.gms_cassette("visit.sqlite")
        def test_less(gms_server):
            start(gms_server)
            assert gms_server.transcript() == gms_server.recorded()
    """)  # fmt: skip

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E * transcripts differ in 4 places; got is the left one:",
            "E * answer 2 (POST *): got nothing, expected '200'",
            "E * /_genesys message 1: got nothing, expected *",
        ]
    )


def test_new_episodes_are_added(suite: pytest.Pytester) -> None:
    tests = """
        @pytest.mark.gms_cassette("visit.sqlite")
        def test_more(gms_server):
            start(gms_server)
            url = gms_server.base_url + "/1/service/callback/sales/availability"
            assert httpx.get(url, trust_env=False).status_code == 200
            assert WELL
    """
    old = (suite.path / "visit.sqlite").read_bytes()
    with served(availability().recording()) as gms:
        recorded = ("--gms-record=new_episodes", "--gms-upstream", gms.base)
        run(suite, tests.replace("WELL", "False"), *recorded).assert_outcomes(failed=1)
        assert (suite.path / "visit.sqlite").read_bytes() == old
        run(suite, tests.replace("WELL", "True"), *recorded).assert_outcomes(passed=1)
    assert len(reader.read(suite.path / "visit.sqlite").runs) == 2
    run(suite, tests.replace("WELL", "True")).assert_outcomes(passed=1)
    assert sorted(path.name for path in suite.path.glob("*.sqlite")) == ["visit.sqlite"]


def availability() -> Tape:
    """What a live GMS has for those who ask it what the cassette does not know."""
    live = Tape()
    live.ask(0, "GET", "/genesys/1/service/callback/sales/availability", b"", {"2014-05-02T16:30:00.000Z": 1})
    return live


MORE = """
MORE = "/1/service/callback/sales/availability?n="
def more(server, n=0):
    return httpx.get(f"{server.base_url}{MORE}{n}", trust_env=False)
"""


def test_failures_that_nobody_raises_record_nothing(suite: pytest.Pytester) -> None:
    old = (suite.path / "visit.sqlite").read_bytes()
    tests = f"""
        import unittest
        pytestmark = pytest.mark.gms_cassette("visit.sqlite")
        {indent(MORE, " " * 8).strip()}

        class TestOldStyle(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _server(self, gms_server):
                more(gms_server)

            def test_fails(self):
                self.assertEqual(1, 2)

            def test_fails_in_part(self):
                with self.subTest("part"):
                    self.assertEqual(1, 2)

        def test_part(gms_server, subtests):
            more(gms_server)
            with subtests.test("part"):
                assert False
            with subtests.test("other part"):
                pass
    """
    with served(availability().recording()) as gms:
        result = run(suite, tests, "--gms-record=new_episodes", "--gms-upstream", gms.base)

    assert result.parseoutcomes()["failed"] >= 3
    assert (suite.path / "visit.sqlite").read_bytes() == old


def test_misses_of_failures_that_nobody_raises_are_told(suite: pytest.Pytester) -> None:
    result = run(suite, """
        import unittest

        @pytest.mark.gms_cassette("visit.sqlite")
        class TestOldStyle(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _server(self, gms_server):
                httpx.get(gms_server.base_url + "/1/nowhere", trust_env=False)

            def test_fails(self):
                self.assertEqual(1, 2)

            def test_is_failed(self):
                pass
    """)  # fmt: skip

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*_ TestOldStyle.test_fails _*",
            "*AssertionError: 1 != 2*",
            "*- Captured gms_replay call -*",
            "miss: GET /genesys/1/nowhere: unknown route",
            "*_ TestOldStyle.test_is_failed _*",
            "miss: GET /genesys/1/nowhere: unknown route",
        ]
    )
    result.stdout.no_fnmatch_line("*- Captured gms_replay call -*\n*test_is_failed*")


def test_second_run_of_a_test_counts_alone(suite: pytest.Pytester) -> None:
    suite.makeconftest("""
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            # As plugins do that run tests again.
            runtestprotocol(item, nextitem=nextitem, log=False)
            item._initrequest()
            runtestprotocol(item, nextitem=nextitem, log=False)
            return True
    """)
    tests = f"""
        {indent(MORE, " " * 8).strip()}
        runs = []

        @pytest.mark.gms_cassette("visit.sqlite")
        def test_flaky(gms_server):
            runs.append(1)
            more(gms_server, len(runs))
            assert len(runs) == 1
    """
    with served(availability().recording()) as gms:
        run(suite, tests, "--gms-record=new_episodes", "--gms-upstream", gms.base)

    asked = [one.request.target for one in reader.read(suite.path / "visit.sqlite").exchanges]
    assert [target.partition("=")[2] for target in asked if "availability" in target] == ["1"]


def test_forgiven_misses_are_recorded_and_nothing_else_is_none(suite: pytest.Pytester) -> None:
    tests = f"""
        {indent(MORE, " " * 8).strip()}

        @pytest.mark.gms_cassette("visit.sqlite")
        def test_more(gms_server):
            more(gms_server)
            gms_server.forget_misses()

        @pytest.mark.gms_cassette("visit.sqlite")
        def test_nothing_new(gms_server):
            start(gms_server)
    """
    with served(availability().recording()) as gms:
        run(suite, tests, "--gms-record=new_episodes", "--gms-upstream", gms.base).assert_outcomes(passed=2)

    recorded = reader.read(suite.path / "visit.sqlite")
    assert "availability" in recorded.exchanges[-1].request.target
    assert len(recorded.runs) == 2


def test_workers_do_not_record(suite: pytest.Pytester) -> None:
    tests = """
        @pytest.mark.gms_cassette("visit.sqlite")
        def test_old(gms_server):
            start(gms_server)

        @pytest.mark.gms_cassette("new.sqlite")
        def test_new(gms_server):
            start(gms_server)
    """
    result = run(suite, tests, "-n", "1", "--gms-record=once", "--gms-upstream", "http://127.0.0.1:9/genesys")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["test_app.py::test_new: *new.sqlite: --gms-record=once *; record with -n 0*"])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--gms-record=all"], "--gms-record=all needs --gms-upstream URL, like *"),
        (["--gms-record=all", "--gms-upstream=gms.example"], "--gms-upstream gms.example: it must begin with *"),
        (
            ["--gms-record=all", "--gms-upstream=http://[::1"],
            "--gms-upstream http://[[]::1: Invalid IPv6 URL; write it like *",
        ),
        (
            ["--gms-record=all", "--gms-upstream=http://gms:99999"],
            "--gms-upstream http://gms:99999: Port out of range *",
        ),
    ],
)
def test_recording_wants_a_gms(suite: pytest.Pytester, options: list[str], complaint: str) -> None:
    result = run(suite, '@pytest.mark.gms_cassette("visit.sqlite")\ndef test_x(gms_server): pass', *options)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{complaint}"])


def test_marker_tells_its_help(pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.gms_cassette(path, *"])


def test_whoever_uses_nothing_of_it_pays_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_it(request):
            assert request.config.pluginmanager.has_plugin("gms_replay")
            heavy = {"aiohttp", "click", "httpx", "mitmproxy", "sqlalchemy", "uvicorn"}
            assert not heavy & sys.modules.keys()
            assert {name for name in sys.modules if name.startswith("gms_replay")} == {
                "gms_replay", "gms_replay.pytest_plugin"
            }
    """)  # fmt: skip

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_example_passes_anywhere(tmp_path: Path) -> None:
    for file in EXAMPLE.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    # By itself, then by several at once.
    for options in ([], ["-n", "2"]):
        command = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), "-Werror", "--strict-markers", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "3 passed" in done.stdout, done.stdout + done.stderr
