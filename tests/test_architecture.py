"""The layout that `docs/architecture.md` has under "Rooms": who may import what, and that each module has its twin."""

import ast
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gms_replay"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MODULES = {
    ".".join(("gms_replay", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in SOURCES
}

WIRING = {name for name in MODULES if name.split(".")[1:2] in (["cli"], ["pytest_plugin"])}
FLAT = {name for name, path in MODULES.items() if path.parent == PACKAGE and path.name != "__init__.py"} - WIRING
TESTS = ROOT / "tests"
TEST_SOURCES = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted([*TESTS.rglob("*.py"), *(ROOT / "fuzz").glob("*.py")])
    if "node_modules" not in path.parts
}
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}

CHECKS = {"raises", "warns", "fail", "fnmatch_lines", "no_fnmatch_line", "assert_outcomes"}
"""What pytest's own helpers are called that fail a test."""

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef

WORLDLY = frozenset(
    {
        "asyncio", "atexit", "concurrent", "contextvars", "ctypes", "fileinput", "ftplib", "glob", "http.client",
        "http.server", "imaplib", "importlib", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "platform",
        "poplib", "queue", "random", "sched", "secrets", "select", "selectors", "shelve", "shutil", "signal", "smtplib",
        "socket", "socketserver", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time",
        "urllib.request", "uuid",
    }
)  # fmt: skip
"""What a pure module has no business with: clocks, randomness, files, sockets, processes, threads, loops."""

SIMULATOR_KNOWS = {"gms_replay.model", "gms_replay.bayeux", "gms_replay.errors"}
"""Of ours; so that it cannot share the player's mistakes."""

READS_ZONES = {"gms_replay.instants"}
"""Tables of time zones are only read, and say the same everywhere: no world to depend on, but one reader will do."""

EVALUATING = {
    "pickle",
    "marshal",
    "shelve",
    "code",
    "codeop",
    "runpy",
    "dill",
    "cloudpickle",
    "jsonpickle",
    "joblib",
    "yaml",
}
"""What may run what it reads."""

PIPE = {"gms_replay.record.writer_process", "gms_replay.record.worker"}
"""The two ends of the recorder's pipe, between its own processes."""

APART = {"record", "replay", "verify"}

PROVED_ELSEWHERE = {
    "errors": None,  # names only
    "events": None,  # values only
    "reasons": None,  # words only
    "mitmdump/seen": None,  # values only
    "record/protocol": None,  # values only
    "cli/__main__": "tests/test_cli.py",  # one test of the command line, verb by verb
    "cli/main": "tests/test_cli.py",
    "cli/options": "tests/test_cli.py",
    "cli/recording": "tests/test_cli.py",
    "cli/looking": "tests/test_cli.py",
    "cli/comparing": "tests/test_cli.py",
    "cli/serving": "tests/test_cli.py",
    "cli/exchanging": "tests/test_cli.py",
    "cli/trying": "tests/test_cli.py",
    "cli/cutting": "tests/test_cli.py",
    "cli/verifying": "tests/test_cli.py",
    "replay/run": "tests/test_cli.py",  # wired as the command line wires it
    "replay/rules_file": "tests/test_cli.py",
    "replay/addon": "tests/peers/mitmdump/test_serving.py",  # only a real mitmdump calls these
    "mitmdump/ending": "tests/peers/mitmdump/test_serving.py",
    "record/addon": "tests/peers/mitmdump/test_exchanges.py",  # only a real mitmdump calls these three
    "record/ending": "tests/peers/mitmdump/test_endings.py",
    "record/run": "tests/peers/mitmdump/test_record_verb.py",
    "testing/server": "tests/test_pytest_plugin.py",  # as tests use it
    "verify/driver": "tests/verify/test_run.py",  # plays through a recorder only, as its run does
    "demo/app": "tests/demo/test_show.py",  # a program of its own, run as the demo runs it
}
"""Modules without a twin: the file that proves them, or None for those that do nothing."""


@cache
def tree(name):
    return ast.parse(MODULES[name].read_text("utf-8"))


def imports(name):
    """The dotted names that a module imports; of `from a import b` the longest that is a module of ours."""
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {member if member in MODULES or member in WORLDLY else node.module for member in members}
    return found


def ours(name):
    return {imported for imported in imports(name) if imported.split(".")[0] == "gms_replay"}


def third_party(name):
    tops = {imported.split(".")[0] for imported in imports(name)}
    return tops - sys.stdlib_module_names - {"gms_replay"}


def room(name):
    """The sub-package that a module is in, or its own name if it is in none."""
    return name.split(".")[1] if "." in name else ""


@cache
def functions(path):
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, FUNCTION)]


def asserts(function):
    return any(isinstance(node, ast.Assert) for node in ast.walk(function))


@cache
def helpers():
    """The names of the tests' functions that assert."""
    return {one.name for path in TEST_SOURCES.values() for one in functions(path) if asserts(one)}


def called(function):
    """The last words of the names by which a function calls others, also as in `TARGETS["player"]["one_input"](…)`."""
    nodes = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            yield node.slice.value


def documented():
    """The table of rooms: each with the libraries that it may bring."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Rooms")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {name.strip("`/"): set(libraries.replace(",", " ").split()) for name, _, libraries in rows[2:]}


@pytest.mark.parametrize("name", TEST_SOURCES)
def test_every_test_checks_something(name):
    tests = [one for one in functions(TEST_SOURCES[name]) if one.name.startswith("test_")]

    assert [one.name for one in tests if not asserts(one) and not (helpers() | CHECKS) & set(called(one))] == []


def test_every_room_is_documented():
    assert documented().keys() >= ROOMS | {room(name) for name in FLAT}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_libraries_stay_in_rooms(name):
    assert third_party(name) <= documented().get(room(name), set())


@pytest.mark.parametrize("name", sorted(FLAT))
def test_flat_modules_are_pure(name):
    worldly = {imported for imported in imports(name) if {imported, imported.split(".")[0]} & WORLDLY}
    clocks = {
        node.attr
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "fromtimestamp", "astimezone")
    }
    calls = {
        node.func.id for node in ast.walk(tree(name)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not worldly | clocks | (calls & {"open", "print", "input", "__import__", "eval", "exec", "id", "hash"})


@pytest.mark.parametrize("name", sorted(MODULES.keys() - PIPE))
def test_nothing_that_is_read_is_evaluated(name):
    """Neither a cassette nor what comes over the network: nothing here could."""
    calls = {node.id for node in ast.walk(tree(name)) if isinstance(node, ast.Name)}
    assert not {imported.split(".")[0] for imported in imports(name)} & EVALUATING
    assert not calls & {"eval", "exec", "compile", "__import__", "PickleType"}


def test_pickles_are_the_pipes_alone():
    """Both ends of it are processes of ours, and it is no file."""
    assert {name for name in MODULES if "pickle" in imports(name)} == PIPE


def test_zones_have_one_reader():
    assert {name for name in FLAT if "zoneinfo" in imports(name)} == READS_ZONES


@pytest.mark.parametrize("name", sorted(FLAT))
def test_flat_modules_know_flat_only(name):
    assert ours(name) <= FLAT


@pytest.mark.parametrize("name", sorted(MODULES.keys() - WIRING))
def test_wiring_is_nobodys(name):
    assert not ours(name) & WIRING


@pytest.mark.parametrize("name", sorted(name for name in MODULES if room(name) in APART))
def test_record_replay_verify_apart(name):
    assert not {room(imported) for imported in ours(name)} & (APART - {room(name)})


@pytest.mark.parametrize("name", sorted(name for name in MODULES if room(name) == "simulator"))
def test_simulator_knows_only_nouns(name):
    assert {imported for imported in ours(name) if room(imported) != "simulator"} <= SIMULATOR_KNOWS


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_packages_re_export_nothing(path):
    body = ast.parse(path.read_text("utf-8")).body
    if path.parent == PACKAGE:
        # What programs need is named there for who reads or checks types, and comes when it is used (`test_init`).
        body = [node for node in body if isinstance(node, ast.ImportFrom) and node.module != "typing"]
    assert not [node for part in body for node in ast.walk(part) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_no_circle_of_imports():
    graph = {name: ours(name) - {"gms_replay"} for name in MODULES}
    assert set(TopologicalSorter(graph).static_order()) >= MODULES.keys() - {"gms_replay"}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_stay_short(name):
    assert len(MODULES[name].read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize(
    "module", sorted(path.relative_to(PACKAGE).as_posix() for path in SOURCES if path.name != "__init__.py")
)
def test_every_module_has_twin(module):
    path = Path(module)
    if (key := path.with_suffix("").as_posix()) in PROVED_ELSEWHERE:
        proof = PROVED_ELSEWHERE[key]
        assert proof is None or (ROOT / proof).is_file()
    else:
        assert (ROOT / "tests" / path.parent / f"test_{path.name}").is_file()


def test_exceptions_are_still_needed():
    for key in PROVED_ELSEWHERE:
        path = Path(key)
        assert (PACKAGE / f"{key}.py").is_file()
        assert not (ROOT / "tests" / path.parent / f"test_{path.name}.py").is_file()
