import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import factories
import httpx
import pytest
from click.testing import CliRunner, Result
from disguised import People, visit_of
from push_providers import push_providers

from gms_replay.cassette.copy import write
from gms_replay.cassette.reader import read
from gms_replay.cli.main import main
from gms_replay.mitmdump.process import listening, python
from gms_replay.model import Push, Recording

OTHER = "7WUM7W75075NP3P7V4S9S0X8SG444Y17"
SERVED = re.compile(r"app: (\S+)")


def run(*arguments: str | Path, text: str = "") -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=text, catch_exceptions=False)


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    path = tmp_path / "visit.sqlite"
    write(path, factories.visit())
    return path


def test_verb_is_broken_off(cassette: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        against = f"http://127.0.0.1:{silent.getsockname()[1]}/genesys"
        command = [sys.executable, "-m", "gms_replay.cli", "verify", cassette, "--against", against]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as verb, silent.accept()[0]:
            verb.send_signal(signal.SIGINT)
            _, said = verb.communicate(timeout=60)

    assert (verb.returncode, said.splitlines()[-1]) == (130, "gms-replay: interrupted")


def test_show_tells_the_visit(cassette: Path) -> None:
    told = run("show", cassette)

    assert told.exit_code == 0
    assert "starts callback sales" in told.output
    assert "Kristi (AGENT) joins" in told.output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
@pytest.mark.parametrize(
    "words", [["show"], ["check", "--json"], ["export", "--to", "jsonl"], ["diff", "visit.sqlite"]]
)
def test_full_output_is_told(words: list[str], cassette: Path) -> None:
    command = [*python("gms_replay.cli"), words[0], cassette.name, *words[1:]]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=cassette.parent, check=False)

    assert (done.returncode, done.stderr) == (2, "gms-replay: cannot go on: No space left on device\n")


def test_show_tells_identities(cassette: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[identities]\nexempt = ["chatSessionId"]\n')

    told = run("show", cassette, "--identities")
    as_json = json.loads(run("show", cassette, "--identities", "--json", "--rules", rules).stdout)

    assert told.exit_code == 0
    assert f"  {factories.SERVICE}\n    why: by field _id; given by exchange 2" in told.stdout
    by_value = {one["value"]: one["left_alone"] for one in as_json["sessions"][0]["identities"]}
    assert by_value[factories.SERVICE] is None
    assert by_value[factories.CHAT] == "exempt by the rules file"


def test_show_tells_pushes(cassette: Path) -> None:
    told = run("show", cassette, "--pushes")
    as_json = json.loads(run("show", cassette, "--pushes", "--json").stdout)

    assert told.exit_code == 0
    assert "0 pushes seen, 2 derived from what the apps ask for" in told.stdout
    (found,) = (one["pushes"] for one in as_json["sessions"])
    assert [(one["derived"], one["service_id"]) for one in found] == [(True, factories.SERVICE)] * 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--json"], "--json: it goes with --identities or --pushes"),
        (["--rules", "rules.toml"], "--rules: it goes with --identities"),
        (["--pushes", "--rules", "rules.toml"], "--rules: it goes with --identities"),
        (["--pushes", "--identities"], "--pushes: it does not go with --identities; ask for one after the other"),
    ],
)
def test_show_options_belong_together(options: list[str], complaint: str, cassette: Path) -> None:
    told = run("show", cassette, *options)

    assert (told.exit_code, told.output) == (2, f"gms-replay: {complaint}\n")


@pytest.fixture
def pushes_alone(tmp_path: Path) -> Path:
    path = tmp_path / "pushed.sqlite"
    said = b'{"message":{"_id":"%s","_action":"connect"}}' % factories.SERVICE.encode()
    write(path, replace(factories.Tape().recording(), pushes=(Push(1, 1, None, "apns", factories.at(1), said),)))
    return path


def test_diff_compares_pushes(cassette: Path, pushes_alone: Path, tmp_path: Path) -> None:
    write(tmp_path / "empty.sqlite", Recording())

    same, other = run("diff", "--pushes", pushes_alone, pushes_alone), run("diff", "--pushes", cassette, pushes_alone)
    none = run("diff", "--pushes", tmp_path / "empty.sqlite", tmp_path / "empty.sqlite")
    as_json = json.loads(run("diff", "--pushes", "--json", pushes_alone, cassette).stdout)

    assert (same.exit_code, other.exit_code, none.exit_code) == (0, 1, 0)
    assert same.stdout.endswith("1 equal: the devices were told the same\n")
    assert "  extra    connect by apns: no answer\n" in other.stdout
    assert none.stdout.endswith("no pushes in either\n")
    assert as_json["counts"] == {"equal": 0, "unknown": 0, "differs": 0, "missing": 1, "extra": 2}


def test_diff_of_itself_is_none(cassette: Path) -> None:
    told = run("diff", cassette, cassette)

    assert (told.exit_code, told.output.splitlines()[-1]) == (0, "no difference")


def test_diff_of_no_visits_says_so(pushes_alone: Path) -> None:
    told = run("diff", pushes_alone, pushes_alone)

    assert told.exit_code == 2
    assert "no app's visit is in either; of pushes alone --pushes tells" in told.stderr


def test_diff_lets_be_what_rules_name(cassette: Path, tmp_path: Path) -> None:
    other, rules = tmp_path / "other.sqlite", tmp_path / "rules.toml"
    exchanges = read(cassette).exchanges
    write(other, replace(read(cassette), exchanges=exchanges[:-1], messages=()))
    found = json.loads(run("diff", cassette, other, "--json").stdout)
    names = sorted({one["rule"] for row in found["sessions"] for one in row["differences"]})
    rules.write_text(f"[diff]\nvolatile = {json.dumps(names)}\n")

    assert (found["worst"], bool(names)) == ("missing", True)
    assert run("diff", cassette, other, "--rules", rules).exit_code == 0


def test_diff_names_unknown_grade(cassette: Path) -> None:
    told = run("diff", cassette, cassette, "--fail-on", "bad")

    assert told.exit_code == 2
    assert told.output.startswith("gms-replay: --fail-on: 'bad' is no grade; there are volatile, ")


@pytest.mark.parametrize(
    ("options", "pairs"),
    [
        (["--session", "2"], [(2, 2)]),
        (["--session", "1", "--with-session", OTHER], [(1, 2)]),
        (["--session", "2", "--with-session", "1", "--session", "1", "--with-session", "1"], [(2, 1), (1, 1)]),
    ],
)
def test_diff_compares_sessions(options: list[str], pairs: list[tuple[int, int]], tmp_path: Path) -> None:
    two_callbacks(tmp_path / "two.sqlite")
    files = [tmp_path / "two.sqlite"] * (1 if "--with-session" in options else 2)

    told = json.loads(run("diff", *files, "--json", *options).stdout)
    pushes = json.loads(run("diff", *files, "--json", "--pushes", *options).stdout)

    assert [(one["old"], one["new"]) for one in told["sessions"]] == pairs
    assert (told["worst"], pushes["equal"]) == ("equal", True)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--session", "1"], "NEW is missing: name a second cassette, or two sessions by --session and --with-session"),
        (["--with-session", "1"], "--with-session: name one for each --session, in the same order"),
        (["--session", "3", "--with-session", "1"], "--session 3: there is no such session; `gms-replay show` numbers"),
        (["--session", "1", "--with-session", "nobody's"], "--with-session nobody's: there is no such session;"),
    ],
)
@pytest.mark.parametrize("also", [[], ["--pushes"]])
def test_diff_names_sessions_that_are_not_there(
    options: list[str], complaint: str, also: list[str], tmp_path: Path
) -> None:
    two_callbacks(tmp_path / "two.sqlite")

    told = run("diff", tmp_path / "two.sqlite", *options, *also)

    assert (told.exit_code, told.output[: len(complaint) + 12]) == (2, f"gms-replay: {complaint}")


def test_diff_writes_cases_for_ci(cassette: Path, tmp_path: Path) -> None:
    two_callbacks(tmp_path / "two.sqlite")
    report = tmp_path / "report.xml"
    before = cassette.read_bytes()

    told = run("diff", cassette, tmp_path / "two.sqlite", "--junit", report, "--fail-on", "missing")
    suites = ElementTree.parse(report).getroot()
    onto_cassette = run("diff", cassette, cassette, "--junit", cassette)
    into_nowhere = run("diff", cassette, cassette, "--junit", tmp_path / "no" / "report.xml")

    assert (told.exit_code, suites.attrib["failures"] > "0", len(suites)) == (1, True, 2)
    assert (onto_cassette.exit_code, into_nowhere.exit_code) == (2, 2)
    assert "that is a cassette, and is not written over; name another file" in onto_cassette.output
    assert "its folder does not exist; make it, or name another file" in into_nowhere.output
    assert cassette.read_bytes() == before


def test_diff_learns(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("old.sqlite", "new.sqlite")]
    for answer, path in enumerate(files):
        tape = factories.Tape()
        tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, {"_id": OTHER, "a": answer})
        tape.ask(10, "POST", factories.CALLBACK, factories.ORDER, {"_id": factories.SERVICE, "a": 0})
        write(path, tape.recording())

    exits = [run("diff", *files, *options).exit_code for options in ([], ["--learn", files[1]])]
    of_one = [run("diff", *files, "--session", one, "--learn", files[1]) for one in ("1", "2")]

    assert (exits, [one.stdout.splitlines()[-1] for one in of_one]) == ([1, 0], ["1 volatile", "no difference"])


@pytest.mark.parametrize("option", [["--fail-on", "missing"], ["--learn", "a"], ["--rules", "a"], ["--junit", "a"]])
def test_diff_of_pushes_takes_no_grades(cassette: Path, option: list[str]) -> None:
    told = run("diff", "--pushes", cassette, cassette, *option)

    assert told.exit_code == 2
    assert told.output.startswith("gms-replay: --pushes: --fail-on, --learn, --rules and --junit say nothing of pushes")


def test_diff_names_bad_files(cassette: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a cassette")

    for old, new, bad in ((cassette, "notes.txt", "notes.txt"), ("missing.sqlite", cassette, "missing.sqlite")):
        told = run("diff", "--pushes", tmp_path / old, tmp_path / new)
        assert told.exit_code == 2
        assert told.output.startswith(f"gms-replay: {tmp_path / bad}")
        assert told.output.count("\n") == 1


def test_check_tells_findings(cassette: Path) -> None:
    told = run("check", cassette)
    as_json = json.loads(run("check", cassette, "--json").stdout)

    assert told.exit_code == 0
    assert f"1 session, {len(factories.visit().exchanges)} exchanges" in told.stdout
    assert "damaged: nothing" in told.stdout
    assert [one["exchange_id"] for one in as_json["not_understood"]] == [5]


def test_check_tells_times(cassette: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[times]\n_expires = "keep"')
    options = ("--times", "--now", "2014-05-03T16:27:30Z", "--shift", "weeks", "--rules", rules)

    told = run("check", cassette, *options)
    as_json = json.loads(run("check", cassette, *options, "--json").stdout)
    plain = run("check", cassette).stdout

    assert told.exit_code == 0
    assert told.stdout.startswith(plain + "times, if sessions start at 2014-05-03T16:27:30.000000Z:\n")
    assert "2014-05-02T16:30:00.000Z, told as 2014-05-09T16:30:00.000Z" in told.stdout
    assert "_expires: kept by the rules file" in told.stdout
    assert as_json["times"]["sessions"][0]["shift_us"] == 86_400_000_000
    assert "times" not in json.loads(run("check", cassette, "--json").stdout)


def test_check_tells_times_of_now(cassette: Path) -> None:
    now_us = json.loads(run("check", cassette, "--times", "--json").stdout)["times"]["now_us"]

    assert abs(now_us - time.time_ns() // 1000) < 60_000_000


@pytest.mark.parametrize("option", [("--now", "2014-05-03T16:27:30Z"), ("--shift", "weeks"), ("--rules", "r.toml")])
def test_check_wants_times_for_options(option: tuple[str, str], cassette: Path) -> None:
    told = run("check", cassette, *option)

    assert told.exit_code == 2
    assert told.output == "gms-replay: --now, --shift and --rules say nothing without --times\n"


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A file that is no recording, with a secret in it."""
    file = tmp_path / "notes.txt"
    file.write_text("apikey: Zk83hQx0Ypl2Wv7Tnb4S\n")
    return file


def test_check_finds_secrets_in_any_files(cassette: Path, text: Path, tmp_path: Path) -> None:
    one = run("check", "--secrets", text)
    assert one.exit_code == 1
    assert one.stdout.splitlines()[:2] == [
        f"{text}: 1 secret",
        "  credential: Zk… (20 characters), byte 8 (behind the name apikey)",
    ]
    both = run("check", "--secrets", "--json", text, cassette)
    told = json.loads(both.stdout)
    assert (both.exit_code, [one["facts"] for one in told["files"]]) == (1, [False, True])
    assert "Zk83hQx0Ypl2Wv7Tnb4S" not in both.stdout
    redacted = tmp_path / "redacted.sqlite"
    run("redact", cassette, redacted)
    none = run("check", "--secrets", redacted)
    assert (none.exit_code, none.stdout.splitlines()[0]) == (0, "1 file: no secrets")


def test_check_lets_be_what_rules_keep(text: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[redact]\nkeep = ["apikey"]\nfields = ["ticketNo"]\n')
    assert run("check", "--secrets", "--rules", rules, text).exit_code == 0
    other = tmp_path / "other.jsonl"
    other.write_text('{"ticketNo": "Zk83hQx0Ypl2Wv7Tnb4S"}')
    assert run("check", "--secrets", other).exit_code == 0
    assert run("check", "--secrets", "--rules", rules, other).exit_code == 1


def test_check_names_files_it_cannot_read(text: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.txt"
    missing = run("check", "--secrets", text, gone)
    assert (missing.exit_code, missing.stderr) == (
        2,
        f"gms-replay: {gone}: there is nothing; name a file or a folder\n",
    )


def test_check_finds_nothing_in_what_was_typed(tmp_path: Path) -> None:
    old, typed = tmp_path / "old.sqlite", tmp_path / "typed.sqlite"
    write(old, visit_of(People(), says="mail ann@mail.net, call 0151 1234567, +14155550199, pay 4111 1111 1111 1111"))
    run("redact", "--typed", old, typed)

    assert run("check", "--secrets", old).exit_code == 1
    assert run("check", "--secrets", typed).stdout.splitlines()[0] == "1 file: no secrets"


def test_check_of_a_damaged_cassette_is_not_done(cassette: Path, tmp_path: Path) -> None:
    redacted, empty = tmp_path / "redacted.sqlite", tmp_path / "empty"
    run("redact", cassette, redacted)
    redacted.write_bytes(redacted.read_bytes()[:-4096])
    empty.mkdir()
    told = run("check", "--secrets", redacted, empty)
    assert (told.exit_code, "only its bytes were looked at" in told.stdout) == (2, True)
    assert told.stderr == f"gms-replay: {empty}: there is no file in it, so nothing was looked at\n"


@pytest.mark.parametrize("option", [("--times",), ("--now", "2014-05-02T16:27:38Z"), ("--shift", "weeks")])
def test_secrets_are_looked_for_alone(option: tuple[str, ...], text: Path) -> None:
    result = run("check", "--secrets", *option, text)
    assert (result.exit_code, "goes with --json and --rules only" in result.stderr) == (2, True)


def test_one_cassette_is_checked_at_a_time(cassette: Path, text: Path) -> None:
    result = run("check", cassette, text)
    assert (result.exit_code, "one cassette is checked at a time" in result.stderr) == (2, True)


def test_export_and_import_return(cassette: Path, tmp_path: Path) -> None:
    exported = run("export", cassette, "--to", "jsonl", "--output", tmp_path / "visit.jsonl")
    imported = run("import", tmp_path / "visit.jsonl", tmp_path / "copy.sqlite", "--redact", "off")
    again = run("export", tmp_path / "copy.sqlite", "--to", "jsonl")

    assert (exported.exit_code, imported.exit_code) == (0, 0)
    assert read(tmp_path / "copy.sqlite") == read(cassette)
    assert again.output == (tmp_path / "visit.jsonl").read_text(encoding="utf-8")


def test_import_reads_standard_input(cassette: Path, tmp_path: Path) -> None:
    text = run("export", cassette, "--to", "jsonl").output

    assert run("import", "-", tmp_path / "copy.sqlite", "--redact", "off", text=text).exit_code == 0
    assert read(tmp_path / "copy.sqlite") == read(cassette)


def test_import_redacts(cassette: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("a key of one's own\n")
    run("export", cassette, "--to", "jsonl", "--output", tmp_path / "visit.jsonl")

    first, second = (
        run("import", tmp_path / "visit.jsonl", tmp_path / name, "--redact-key", key)
        for name in ("1.sqlite", "2.sqlite")
    )
    drawn = run("import", tmp_path / "visit.jsonl", tmp_path / "3.sqlite")

    assert (first.exit_code, second.exit_code, drawn.exit_code) == (0, 0, 0)
    assert factories.USER.encode() not in (tmp_path / "1.sqlite").read_bytes()
    assert read(tmp_path / "1.sqlite") == read(tmp_path / "2.sqlite") != read(tmp_path / "3.sqlite")


def test_what_is_redacted_is_imported_as_it_is(cassette: Path, tmp_path: Path) -> None:
    run("redact", cassette, tmp_path / "redacted.sqlite")
    run("export", tmp_path / "redacted.sqlite", "--to", "jsonl", "--output", tmp_path / "visit.jsonl")

    assert run("import", tmp_path / "visit.jsonl", tmp_path / "copy.sqlite").exit_code == 0
    assert read(tmp_path / "copy.sqlite") == read(tmp_path / "redacted.sqlite")


def test_redact_makes_another_cassette(cassette: Path, tmp_path: Path) -> None:
    before = cassette.read_bytes()
    new, typed = tmp_path / "new.sqlite", tmp_path / "typed.sqlite"

    told = run("redact", cassette, new)
    more = run("redact", new, typed, "--typed")
    again = run("redact", new, tmp_path / "again.sqlite")

    assert (told.exit_code, more.exit_code) == (0, 0)
    assert re.fullmatch(rf"{new}: secrets replaced in \d+ facts of {cassette}\n", told.output)
    assert again.output.endswith(f"again.sqlite: secrets replaced in 0 facts of {new}\n")
    assert cassette.read_bytes() == before
    assert factories.USER.encode() not in new.read_bytes()
    assert [run.redaction for path in (cassette, new, typed) for run in read(path).runs] == ["off", "on", "typed"]
    assert "; redacted)" in run("check", new).output
    assert json.loads(run("check", typed, "--json").output)["runs"][0]["redaction"] == "typed"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--redact-key", "short"], "--redact-key: short: a key has 16 bytes or more, this one has 5"),
        (["--redact-key", "none"], "--redact-key: none: cannot be read: No such file or directory"),
        (["--rules", "none"], "none: cannot be read: No such file or directory"),
        (["--rules", "xx.toml"], "redact.region: 'XX': no country has this code"),
    ],
)
def test_redact_says_what_is_wrong(
    arguments: list[str], complaint: str, cassette: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short").write_text("short")
    Path("xx.toml").write_text('[redact]\nregion = "XX"\n')

    for verb in (("redact", cassette, "new.sqlite"), ("record", "new.sqlite"), ("serve", cassette)):
        told = run(*verb, *arguments)
        assert (told.exit_code, complaint in told.output) == (2, True)
    assert not Path("new.sqlite").exists()


def test_key_goes_with_redacting_only(cassette: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"sixteen bytes...")

    for verb in (
        ("record", tmp_path / "new.sqlite"),
        ("serve", cassette),
        ("import", cassette, tmp_path / "new.sqlite"),
    ):
        told = run(*verb, "--redact", "off", "--redact-key", tmp_path / "key")
        assert (told.exit_code, "a redact key says nothing" in told.output) == (2, True)


def test_redact_writes_over_nothing(cassette: Path) -> None:
    told = run("redact", cassette, cassette)

    assert told.exit_code == 2
    assert "exists already" in told.output


@pytest.mark.parametrize("verb", [("show",), ("serve", "--port", "0"), ("export", "--to", "jsonl")])
def test_no_cassette_is_named(verb: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a cassette")

    for name in ("notes.txt", "missing.sqlite"):
        told = run(*verb, tmp_path / name)
        assert told.exit_code == 2
        assert told.output.startswith(f"gms-replay: {tmp_path / name}")
        assert told.output.count("\n") == 1


def test_empty_cassette_plays_nothing(tmp_path: Path) -> None:
    write(tmp_path / "empty.sqlite", factories.Tape().recording())

    told = run("serve", tmp_path / "empty.sqlite", "--port", "0")

    assert told.exit_code == 2
    assert told.output == f"gms-replay: {tmp_path / 'empty.sqlite'}: no app's visit to a GMS is in it; record one\n"


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    """Somebody is woken, once for nothing; somebody else presumably is."""
    tape = factories.Tape()
    tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, {"_id": factories.SERVICE})
    wish = {"_id": factories.SERVICE, "_action": "wait-for-agent"}
    tape.push(3, "wait-for-agent", provider="httpcb", payload=wish | {"_id": "another"})
    tape.push(4, "wait-for-agent", provider="httpcb", payload=wish, status=503)
    tape.push(5, "wait-for-agent", provider="httpcb", payload=wish)
    tape.user = "bob@example.com"
    tape.ask(60, "POST", factories.CALLBACK, factories.ORDER, {"_id": OTHER})
    tape.ask(66, "POST", f"/genesys/1/service/{OTHER}/connect")
    path = tmp_path / "pushed.sqlite"
    write(path, tape.recording())
    return path


def test_pushes_are_exported_as_files(pushed: Path, tmp_path: Path) -> None:
    told = run("export", pushed, "--to", "apns", "--bundle-id", "com.example.app", "--output", tmp_path / "a" / "b")

    names = ["0001-visit-1-wait-for-agent.apns", "0002-visit-2-connect.apns", "0003-others-wait-for-agent.apns"]
    assert (told.exit_code, told.output.splitlines()) == (0, names)
    assert sorted(file.name for file in (tmp_path / "a" / "b").iterdir()) == names
    assert json.loads((tmp_path / "a" / "b" / names[1]).read_bytes()) == {
        "Simulator Target Bundle": "com.example.app",
        "aps": {"alert": "connect"},
        "message": {"_id": OTHER, "_action": "connect"},
    }


def test_files_that_are_there_are_spared(pushed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.apns").write_text("mine")

    told = run("export", pushed, "--to", "apns", "--bundle-id", "a", "--output", tmp_path)

    assert (told.exit_code, "there are .apns files already" in told.output) == (2, True)
    assert [file.name for file in tmp_path.glob("*.apns")] == ["mine.apns"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--to", "apns", "--output", "a"), "--bundle-id: it goes with --to apns, which needs it"),
        (("--to", "jsonl", "--bundle-id", "a"), "--bundle-id: it goes with --to apns, which needs it"),
        (("--to", "apns", "--bundle-id", "a"), "--output: --to apns writes a file for each push; name a folder"),
        (("--to", "apns", "--bundle-id", "a b"), "'a b' is no app's: it has letters, digits, dots and hyphens"),
        (
            ("--to", "apns", "--bundle-id", "a", "--output", "/dev/null/a"),
            "--output /dev/null/a: cannot be written to",
        ),
        (("--to", "jsonl", "--output", "/dev/null/a"), "--output /dev/null/a: cannot be written to: Not a directory"),
    ],
)
def test_wrong_export_is_named(pushed: Path, options: tuple[str, ...], error: str) -> None:
    told = run("export", pushed, *options)

    assert (told.exit_code, error in " ".join(told.output.split())) == (2, True), told.output


def test_recording_without_pushes_exports_none(tmp_path: Path) -> None:
    write(tmp_path / "quiet.sqlite", factories.chat_recording())

    told = run("export", tmp_path / "quiet.sqlite", "--to", "apns", "--bundle-id", "a", "--output", tmp_path / "files")

    assert (told.exit_code, told.output) == (0, "no push that reached a device\n")


def test_pushes_are_held_and_written(pushed: Path, tmp_path: Path) -> None:
    options = ["--hold-pushes", "--push-to", f"apns:{tmp_path / 'files'}", "--bundle-id", "com.example.app"]
    serve = ["serve", str(pushed), "--port", "0", "--speed", "1000", *options]
    with listening(python("gms_replay.cli", *serve), SERVED) as (url,):
        origin = url.removesuffix("/genesys")
        with httpx.Client(base_url=origin, trust_env=False, timeout=60) as client:
            client.post(factories.CALLBACK, json=factories.ORDER).raise_for_status()
            while (held := client.get("/__gms_replay__/pushes").json())["held"] < 1:
                assert held["pushes"] == []
            assert list((tmp_path / "files").iterdir()) == []
            assert client.post("/__gms_replay__/pushes", json={"release": "all"}).json()["told"] == [1]

    assert [file.name for file in (tmp_path / "files").iterdir()] == ["0001-s1-wait-for-agent.apns"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--push-to", "phone"), "--push-to phone: it is http://HOST:PORT/PATH, apns:FOLDER, or simctl:DEVICE"),
        (("--bundle-id", "a"), "--bundle-id: it goes with --push-to apns:FOLDER or simctl:DEVICE"),
    ],
)
def test_wrong_stand_in_is_named(pushed: Path, options: tuple[str, ...], error: str) -> None:
    told = run("serve", pushed, "--port", "0", *options)

    assert (told.exit_code, told.output) == (2, f"gms-replay: {error}\n")


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("export", "visit.sqlite", "--to", "jsonl", "--output", "visit.sqlite"), "--output"),
        (("export", "visit.sqlite", "--to", "har", "-o", "other.sqlite"), "--output"),
        (("export", "visit.sqlite", "--to", "mermaid", "--output", "other.sqlite"), "--output"),
        (("diff", "visit.sqlite", "visit.sqlite", "--junit", "other.sqlite"), "--junit"),
        (("verify", "visit.sqlite", "--against", "http://127.0.0.1:9/genesys", "--junit", "other.sqlite"), "--junit"),
    ],
)
def test_no_cassette_is_written_over(
    words: tuple[str, ...], option: str, cassette: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = cassette.read_bytes()
    (tmp_path / "other.sqlite").write_bytes(before)

    told = run(*words)

    assert (told.exit_code, told.output) == (
        2,
        f"gms-replay: {option} {words[-1]}: that is a cassette, and is not written over; name another file\n",
    )
    assert cassette.read_bytes() == (tmp_path / "other.sqlite").read_bytes() == before


def test_missing_folder_of_a_report_is_told_at_once(cassette: Path, tmp_path: Path) -> None:
    report = tmp_path / "none" / "report.xml"

    told = run("verify", cassette, "--against", "http://127.0.0.1:9/genesys", "--junit", report)

    missing = "its folder does not exist; make it, or name another file"
    assert (told.exit_code, told.output) == (2, f"gms-replay: --junit {report}: {missing}\n")


def test_reports_and_texts_are_written_over(cassette: Path, tmp_path: Path) -> None:
    old, report = tmp_path / "visit.jsonl", tmp_path / "report.xml"
    old.write_text("yesterday's")
    report.write_text("yesterday's")

    assert run("export", cassette, "--to", "jsonl", "--output", old).exit_code == 0
    assert run("diff", cassette, cassette, "--junit", report).exit_code == 0
    assert "yesterday" not in old.read_text() + report.read_text()


def test_import_spares_existing_file(cassette: Path, tmp_path: Path) -> None:
    before = cassette.read_bytes()
    text = run("export", cassette, "--to", "jsonl").output

    told = run("import", "-", cassette, text=text)

    assert told.exit_code == 2
    assert "exists already" in told.output
    assert cassette.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{}\n", "kind"), ("no json\n", "no jsonl"), ("\xff", "UTF-8")],
    ids=["no kind", "no JSON", "no UTF-8"],
)
def test_bad_text_is_located(text: str, complaint: str, tmp_path: Path) -> None:
    source = tmp_path / "visit.jsonl"
    source.write_bytes(text.encode("latin-1"))

    told = run("import", source, tmp_path / "copy.sqlite")

    assert told.exit_code == 2
    assert f"gms-replay: {source}" in told.output
    assert complaint in told.output
    assert not (tmp_path / "copy.sqlite").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--now", "yesterday"], "'yesterday' is no instant"),
        (["--port", "99999"], "not in the range"),
        (["--speed", "nan"], "nan is no number"),
        (["--speed", "0"], "is not in the range"),
        (["--missing-act", "guess"], "is not one of"),
        (["--clock", "sun"], "is not one of"),
        (["--shift", "days"], "is not one of"),
        (["--host", "192.0.2.1"], "192.0.2.1 port 8080 cannot be served on"),
        (["--on-miss", "ask"], "--on-miss ask: it is `error` or pass:URL"),
        (["--on-miss", "pass:gms.example"], "--on-miss pass: gms.example: it must begin with http://"),
    ],
)
def test_wrong_option_is_named(arguments: list[str], complaint: str, cassette: Path) -> None:
    told = run("serve", cassette, *arguments)

    assert told.exit_code == 2
    assert complaint in told.output


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[times]\nx = 'never'\n", "times.x: 'never': it is one of event, calendar, keep"),
        (b"\xff", "not UTF-8 at byte 0: a rules file is TOML"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_odd_rules_are_named(content: bytes | None, complaint: str, cassette: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    if content is not None:
        rules.write_bytes(content)

    told = run("serve", cassette, "--rules", rules, "--port", "0")

    assert (told.exit_code, told.output) == (2, f"gms-replay: {rules}: {complaint}\n")


@contextmanager
def serving(cassette: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A server's process, which is told to end at the end of the block."""
    command = [sys.executable, "-m", "gms_replay.cli", "serve", str(cassette), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """A callback and a dialog."""
    tape = factories.Tape()
    tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, b'{"_id":"%s"}' % factories.SERVICE.encode(), takes_s=0)
    tape.ask(1, "POST", factories.MENU, takes_s=0)
    path = tmp_path / "short.sqlite"
    write(path, tape.recording())
    return path


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("misses", [True, False])
def test_strict_ends_with_what_was_missed_or_unused(short: Path, strict: bool, misses: bool) -> None:
    with serving(short, *(["--strict"] if strict else [])) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        origin = next(line for line in process.stdout if "into the app" in line).split()[-1].removesuffix("/genesys")
        with httpx.Client(base_url=origin, trust_env=False) as app:
            app.post(factories.CALLBACK, json=factories.ORDER)
            app.post("/genesys/1/service/callback/none" if misses else factories.MENU)
        process.send_signal(signal.SIGTERM)
        told = process.stderr.read()

    assert process.returncode == (1 if strict and misses else 0)
    assert ("strict: 1 miss\nstrict: visit 1: POST" in told) is (strict and misses)


PUSHED = {"aps": {"alert": "Hi"}, "message": {"_id": "X1", "_action": factories.MENU.rpartition("/")[2]}}


@pytest.mark.parametrize("action", ["get-dialog-start-chat", PUSHED["message"]["_action"]])
def test_pushes_that_come_in_are_recorded_and_judged(short: Path, tmp_path: Path, action: str) -> None:
    new = tmp_path / "new.sqlite"
    pushed = PUSHED | {"message": {"_id": "X1", "_action": action}}
    with serving(short, "--json", "--strict", "--record-new", str(new)) as process:
        assert process.stdout is not None
        origin = json.loads(process.stdout.readline())["urls"][0].removesuffix("/genesys")
        with httpx.Client(base_url=origin, trust_env=False) as sender:
            statuses = [
                sender.post(target, json=said).status_code
                for target, said in ((f"/3/device/{factories.TOKEN}", pushed), ("/fcm/send", {"to": "a", "data": {}}))
            ]
            listed = sender.get("/__gms_replay__/provider").json()
        process.send_signal(signal.SIGTERM)
        ended = json.loads(process.stdout.read())

    assert (statuses, listed["count"], ended["missed"]) == ([200, 200], 2, 0)
    is_expected = action in factories.MENU
    assert (process.returncode, ended["unlike"]) == (1, 1 if is_expected else 2)
    assert ended["unused"] == ([] if is_expected else ["visit 1 was not played"])
    told = json.loads(run("show", new, "--pushes", "--json").stdout)
    assert [push["provider"] for push in told["others"]] == ["apns", "fcm"]


def test_pushes_unlike_the_cassettes_are_told_at_the_end(short: Path) -> None:
    with serving(short, "--strict") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        origin = next(line for line in process.stdout if "into the app" in line).split()[-1].removesuffix("/genesys")
        httpx.post(f"{origin}/fcm/send", json={"to": "a"}, trust_env=False)
        process.send_signal(signal.SIGTERM)
        told = process.stderr.read()

    assert "push 1 by fcm, without an action, for nobody, taken: unexpected\n" in told
    assert "strict: 0 misses\nstrict: 1 push unlike the cassette's\n" in told


def test_taken_port_leaves_no_recording(short: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ("--on-miss", "pass:http://127.0.0.1:9", "--record-new", tmp_path / "new.sqlite")
        told = run("serve", short, "--port", port, *options)

    assert (told.exit_code, "cannot be served on" in told.output) == (2, True)
    assert list(tmp_path.glob("new*")) == []


def test_serve_tells_machines(short: Path) -> None:
    with serving(short, "--json", "--strict") as process:
        assert process.stdout is not None
        began = json.loads(process.stdout.readline())
        httpx.post(f"{began['urls'][0]}/1/service/callback/sales", json={"_media_type": "fax"}, trust_env=False)
        process.send_signal(signal.SIGTERM)
        ended = json.loads(process.stdout.read())

    assert (began["cassette"], began["visits"]) == (str(short), 1)
    assert (ended["missed"], ended["unused"]) == (1, ["visit 1 was not played"])
    assert {one["field"] for one in ended["misses"][0]["nearest"][0]["differences"]} == {"_media_type"}
    assert process.returncode == 1


def test_serve_moves_slots_by_weeks(cassette: Path) -> None:
    options = ("--port", "0", "--now", "2014-05-03T16:27:30Z", "--shift", "weeks")
    with listening(python("gms_replay.cli", "serve", str(cassette), *options), SERVED) as (url,):
        told = httpx.get(url + factories.AVAILABILITY.removeprefix("/genesys"), trust_env=False).json()

    assert list(told) == ["2014-05-09T16:30:00.000Z", "2014-05-09T16:45:00.000Z"]


def test_simulate_takes_its_settings() -> None:
    options = ("--port", "0", "--quick", "--seed", "7", "--service", "sales", "--service", "claims")
    options += ("--gms-version", "changed")
    waits = {"_wait_for_agent": "true"}
    told = []
    for _ in range(2):
        with listening(python("gms_replay.cli", "simulate", *options), re.compile(r"simulated GMS: (\S+)")) as (url,):
            names = ("sales", "claims", "support")
            answers = [httpx.post(f"{url}/1/service/callback/{name}", data=waits, trust_env=False) for name in names]
        told.append([(answer.status_code, answer.json().get("_id")) for answer in answers])

    assert told[0] == told[1]
    assert [status for status, _ in told[0]] == [200, 200, 400]
    assert answers[0].json()["_ok_label"] == "Ok"


def test_simulate_pushes_to_whom_options_name(tmp_path: Path) -> None:
    with push_providers(tmp_path) as providers:
        where = ("--apns", providers.url, "--fcm", providers.url, "--push-ca", str(providers.ca))
        whose = ("--apns-topic", "com.bank.app", "--fcm-project", "bank")
        simulate = python("gms_replay.cli", "simulate", "--port", "0", "--quick", *where, *whose)
        with listening(simulate, re.compile(r"simulated GMS: (\S+)")) as (url,):
            for kind in ("ios", "fcm"):
                fields = {"_wait_for_agent": "true", "_device_os": kind, "_device_notification_id": kind}
                httpx.post(f"{url}/1/service/callback/sales", json=fields, trust_env=False)
            came = {one.device: one for one in (providers.next(), providers.next())}

    assert came["ios"].headers["apns-topic"] == "com.bank.app"
    assert came["fcm"].path == "/v1/projects/bank/messages:send"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--apns", "localhost:8443"], "--apns localhost:8443: it must begin with https:// or http://"),
        (["--fcm", "https://"], "--fcm https://: it names no host"),
        (["--customhttp", "ftp://localhost/"], "--customhttp ftp://localhost/: it must begin with"),
        (["--push-proxy", "socks5://localhost"], "--push-proxy socks5://localhost: it must begin with http://"),
        (["--apns-topic", "my app"], "--apns-topic my app: it is no bundle ID"),
        (["--fcm-project", ""], "--fcm-project : it is no project ID"),
        (["--push-ca", "nowhere.pem"], "--push-ca nowhere.pem: cannot be read: No such file or directory"),
    ],
)
def test_wrong_simulator_does_not_start(arguments: list[str], complaint: str) -> None:
    told = run("simulate", "--port", "0", *arguments)

    assert told.exit_code == 2
    assert told.output.startswith(f"gms-replay: {complaint}")
    assert told.output.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--gms", "gms.example:8080"], "gms-replay: --gms gms.example:8080: it must begin with http:// or https://"),
        (["--gms", "http://"], "it names no host"),
        (["--hosts", "("], "'(' is no regular expression"),
        (["--max-mib", "0"], "Invalid value for '--max-mib'"),
        (["--max-minutes", "soon"], "Invalid value for '--max-minutes'"),
        (["--port", "-1"], "Invalid value for '--port'"),
    ],
)
def test_wrong_recording_makes_no_file(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    told = run("record", tmp_path / "visit.sqlite", *arguments)

    assert told.exit_code == 2
    assert complaint in told.output
    assert not list(tmp_path.iterdir())


def test_every_verb_explains_itself() -> None:
    for name, command in main.commands.items():
        told = run(name, "--help")
        assert told.exit_code == 0
        assert " ".join((command.help or "").split()) in " ".join(told.output.split())


def two_callbacks(path: Path) -> None:
    tape = factories.Tape()
    for at_s, service in ((0, factories.SERVICE), (10, OTHER)):
        tape.ask(at_s, "POST", factories.CALLBACK, factories.ORDER, b'{"_id":"%s"}' % service.encode())
    tape.ask(20, "GET", "/robots.txt")
    write(path, tape.recording())


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["--session", "2"], [2]),
        (["--session", factories.SERVICE], [1]),
        (["--session", factories.SERVICE, "--others"], [2, 3]),
        (["--to", "2014-05-02 16:27:40 UTC"], [1]),
        (["--from", "2014-05-02T16:27:40Z", "--session", "1", "--session", "2"], [2]),
    ],
)
def test_cut_takes_sessions_out(tmp_path: Path, options: list[str], kept: list[int]) -> None:
    path, out = tmp_path / "visit.sqlite", tmp_path / "part.sqlite"
    two_callbacks(path)
    before = path.read_bytes()

    told = run("cut", path, out, *options)

    assert (told.exit_code, told.output[:11]) == (0, "session 1, ")
    assert [one.id for one in read(out).exchanges] == kept
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "--session is missing"),
        (["--session", "3"], "--session 3: there is no such session"),
        (["--from", "2030-01-01T00:00:00Z"], "--from, --to: no such session began then"),
        (["--from", "yesterday"], "'yesterday' is no instant"),
        (["--session", "1"], "part.sqlite: exists already"),
    ],
)
def test_cut_that_cannot_be_leaves_no_file(tmp_path: Path, options: list[str], complaint: str) -> None:
    path, out = tmp_path / "visit.sqlite", tmp_path / "part.sqlite"
    two_callbacks(path)
    if "exists" in complaint:
        out.write_bytes(b"precious")

    told = run("cut", path, out, *options)

    assert told.exit_code == 2
    assert complaint in told.output
    assert not out.exists() or out.read_bytes() == b"precious"
    assert len(list(tmp_path.iterdir())) == 1 + out.exists()


def test_cut_says_that_nothing_is_left(cassette: Path, tmp_path: Path) -> None:
    out = tmp_path / "rest.sqlite"

    told = run("cut", cassette, out, "--session", "1", "--others")

    assert (told.exit_code, told.output) == (0, f"{out}: no session, 0 exchanges\n")


def test_cut_says_that_pushes_are_derived(tmp_path: Path) -> None:
    tape = factories.Tape()
    factories.record_visit(tape)
    tape.user = None
    tape.push(9, "get-dialog-start-chat", payload={"message": {"_id": OTHER, "_action": "get-dialog-start-chat"}})
    write(tmp_path / "visit.sqlite", tape.recording())

    told = run("cut", tmp_path / "visit.sqlite", tmp_path / "part.sqlite", "--session", "1")

    assert told.output.endswith("where an app asks as if it had been told one, one is derived\n")


def test_merge_gives_back_what_was_cut(tmp_path: Path) -> None:
    path, one, rest, out = (tmp_path / name for name in ("visit.sqlite", "1.sqlite", "2.sqlite", "out.sqlite"))
    two_callbacks(path)
    run("cut", path, one, "--session", "1")
    run("cut", path, rest, "--session", "1", "--others")

    told = run("merge", out, rest, one)

    assert (told.exit_code, told.output.count("\n")) == (0, 2)
    assert read(out) == read(path)


def test_merge_tells_what_is_there_already(tmp_path: Path) -> None:
    path, one, out = (tmp_path / name for name in ("visit.sqlite", "1.sqlite", "out.sqlite"))
    two_callbacks(path)
    run("cut", path, one, "--session", "1")

    assert run("merge", out, one, path).output.endswith("visit.sqlite: it shares 1 fact with those before it\n")
    again = run("merge", tmp_path / "again.sqlite", path, one)
    assert (again.exit_code, again.output.partition("1.sqlite: ")[2]) == (
        2,
        "all of it is in those before it already; leave it out\n",
    )
    assert not (tmp_path / "again.sqlite").exists()


def test_merge_keeps_visits_of_one_id_apart(cassette: Path, tmp_path: Path) -> None:
    visit = factories.visit()
    write(tmp_path / "other.sqlite", replace(visit, runs=(replace(visit.runs[0], started_at_us=0),)))

    told = run("merge", tmp_path / "out.sqlite", cassette, tmp_path / "other.sqlite")

    assert told.exit_code == 2
    assert f"other.sqlite: both begin {factories.SERVICE}, and would be one visit" in told.output


def test_merge_tells_of_a_visit_in_two_files(tmp_path: Path) -> None:
    visit = factories.visit()
    first, last = tmp_path / "visit.sqlite", tmp_path / "visit-2.sqlite"
    write(first, replace(visit, exchanges=visit.exchanges[:4], messages=()))
    run_2 = replace(visit.runs[0], started_at_us=factories.at(7))
    write(last, replace(visit, runs=(run_2,), exchanges=visit.exchanges[4:]))

    told = run("merge", tmp_path / "out.sqlite", last, first)

    assert told.exit_code == 0
    assert told.output.splitlines()[1:] == [f"session 1 is from {last} and {first}"]


def test_export_draws_the_sessions(cassette: Path, tmp_path: Path) -> None:
    out = tmp_path / "visit.md"

    told = run("export", cassette, "--to", "mermaid", "--output", out)

    assert (told.exit_code, told.output) == (0, "")
    assert out.read_text("utf-8").startswith("# visit.sqlite\n\n## session 1, ")
    assert "\n```mermaid\nsequenceDiagram\n" in out.read_text("utf-8")


def test_flows_are_exported_and_imported(cassette: Path, tmp_path: Path) -> None:
    exported = run("export", cassette, "--to", "flow", "--output", tmp_path / "visit.flow")
    imported = run("import", tmp_path / "visit.flow", tmp_path / "copy.sqlite")
    nothing = run("import", tmp_path / "visit.flow", tmp_path / "none.sqlite", "--hosts", "^nowhere:")

    assert (exported.exit_code, exported.output, imported.exit_code, imported.output) == (0, "", 0, "")
    assert len(read(tmp_path / "copy.sqlite").exchanges) == len(read(cassette).exchanges)
    assert "nothing in it is imported: " in nothing.output
    assert "not to hosts like ^nowhere:" in nothing.output


def test_of_cut_flows_the_beginning_is_taken(cassette: Path, tmp_path: Path) -> None:
    run("export", cassette, "--to", "flow", "--output", tmp_path / "visit.flow")
    whole = (tmp_path / "visit.flow").read_bytes()
    (tmp_path / "cut.flow").write_bytes(whole[:-9])
    (tmp_path / "stub.flow").write_bytes(whole[:9])

    taken = run("import", tmp_path / "cut.flow", tmp_path / "copy.sqlite")
    refused = run("import", tmp_path / "stub.flow", tmp_path / "none.sqlite")

    assert taken.exit_code == 0
    assert "; the rest cannot be: " in taken.stderr
    assert len(read(tmp_path / "copy.sqlite").exchanges) == len(read(cassette).exchanges) - 1
    assert refused.exit_code == 2
    assert "mitmproxy cannot read it" in refused.stderr
    assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--against", "gms"], "--against gms: it must begin with http://"),
        (["--against", "http://127.0.0.1:1/genesys"], "does it run, and is its address right?"),
        (["--against", "https://127.0.0.1:1", "--ca", "none.pem"], "--ca none.pem: cannot be read: No such file"),
        (["--against", "http://127.0.0.1:1", "--fail-on", "worse"], "--fail-on: 'worse' is no grade"),
        (["--against", "http://127.0.0.1:1", "--session", "7"], "--session 7: there is no such session"),
        (["--against", "http://127.0.0.1:1", "--record", "visit.sqlite"], "--record visit.sqlite: it is there already"),
    ],
)
def test_wrong_verify_plays_nothing(
    cassette: Path, options: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cassette.parent)

    told = run("verify", cassette, *options)

    assert told.exit_code == 2
    assert complaint in told.stderr


def test_verify_grades_what_another_gms_tells(cassette: Path, tmp_path: Path) -> None:
    options = ["--port", "0", "--quick", "--service", "support"]
    with listening(python("gms_replay.cli", "simulate", *options), re.compile(r"simulated GMS: (\S+)")) as (url,):
        told = run("verify", cassette, "--against", url, "--json", "--record", tmp_path / "run.sqlite")

    assert told.exit_code == 1
    assert "start callback sales was refused with 400" in told.stderr
    assert json.loads(told.stdout)["worst"] == "missing"
    assert read(tmp_path / "run.sqlite").exchanges


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--limit", "sesions=4"], "--limit sesions=4: there is no limit 'sesions'; there are body_bytes, "),
        (["--limit", "sessions=no"], "--limit sessions=no: 'no' is no number from 1"),
        (["--token", "short"], "--token: a token has 8 or more letters"),
        (["--confdir", "."], "--confdir: it goes with --tls"),
        (["--tls", "--confdir", "/dev/null/x"], "--tls: mitmproxy's CA in /dev/null/x cannot be used: "),
    ],
)
def test_wrong_protection_is_named(short: Path, options: list[str], complaint: str) -> None:
    told = run("serve", short, "--port", "0", *options)

    assert (told.exit_code, told.output.startswith(f"gms-replay: {complaint}")) == (2, True), told.output


def test_wrong_token_of_the_environment_is_named(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMS_REPLAY_TOKEN", "short")

    told = [run("serve", short, "--port", "0", *options).output for options in ((), ("--token", "worse"))]

    named = ["gms-replay: GMS_REPLAY_TOKEN", "gms-replay: --token"]
    assert [line.partition(": a token has 8")[0] for line in told] == named


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no other address of 127/8 is this machine's")
@pytest.mark.parametrize(("options", "is_there"), [((), False), (("--host", "0.0.0.0"), True)])
def test_other_addresses_are_served_if_told(short: Path, options: tuple[str, ...], is_there: bool) -> None:
    with serving(short, "--json", *options) as process, socket.socket() as other:
        assert process.stdout is not None
        port = urlsplit(json.loads(process.stdout.readline())["urls"][0]).port
        refused = other.connect_ex(("127.0.0.2", port))

    assert (refused == 0) is is_there


def test_others_are_let_in_with_a_token_and_https(short: Path, tmp_path: Path) -> None:
    with serving(short, "--json", "--host", "0.0.0.0", "--tls", "--confdir", str(tmp_path / "ca")) as process:
        assert process.stdout is not None
        began = json.loads(process.stdout.readline())
        port = urlsplit(began["urls"][0]).port
        trust = ssl.create_default_context(cafile=began["ca"])
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=trust, trust_env=False, timeout=60) as client:
            asked = [
                client.get("/__gms_replay__/clock", headers=headers).status_code
                for headers in (
                    {},
                    {"Host": "evil.example"},
                    {"Host": "evil.example", "Authorization": f"Bearer {began['token']}"},
                )
            ]

    assert began["urls"][0].startswith("https://ADDRESS-OF-THIS-MACHINE:")
    assert asked == [200, 401, 200]


def test_token_is_taken_from_the_environment(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GMS_REPLAY_TOKEN", "0123456789abcdef")
    with serving(short, "--json", "--host", "0.0.0.0", "--limit", "head_bytes=1000") as process:
        assert process.stdout is not None
        began = json.loads(process.stdout.readline())
        url = f"http://127.0.0.1:{urlsplit(began['urls'][0]).port}/__gms_replay__/clock?token=0123456789abcdef"
        asked = [
            httpx.get(url, headers=headers, trust_env=False, timeout=60).status_code
            for headers in ({"Origin": "http://page.test"}, {"A": "b" * 1000})
        ]

    assert "token" not in began
    assert asked == [200, 431]
