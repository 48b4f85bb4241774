"""The README's commands, run in its order: servers in the background on ports of ours, all else to its end."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LISTENS = re.compile(r"simulated GMS:|listening at|put this URL into the app:")
SERVERS = ("gms-replay simulate", "gms-replay record", "mitmdump", "gms-replay serve")
ENDED_BY_MAKE = ("make ", ". .venv")


def commands() -> list[str]:
    """All lines of the README's shell blocks, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(ENDED_BY_MAKE)]


def free_port(taken: Collection[str]) -> str:
    """Where nobody listens: below the ports that systems give to clients, who would come in between."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            if str(port) not in taken:
                return str(port)
    raise AssertionError("no port is free")


def words(command: str, ports: dict[str, str]) -> list[str]:
    """A command's words: programs of this environment, and our ports in place of the README's."""
    for port in re.findall(r"\b80\d\d\b", command):
        ports.setdefault(port, free_port(ports.values()))
        command = command.replace(port, ports[port])
    program, *arguments = shlex.split(command)
    if program == "python":
        return [sys.executable, *arguments]
    return [str(Path(sys.executable).parent / program), *arguments]


@contextmanager
def running(arguments: list[str], folder: Path) -> Iterator[None]:
    env = os.environ | {"PYTHONUNBUFFERED": "1", "HOME": str(folder)}
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, cwd=folder, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=env) as process:
        assert process.stdout is not None
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if LISTENS.search(line):
                    break
            else:
                pytest.fail(f"{arguments}: {said}")
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert process.returncode == 0, f"{arguments} ended with {process.returncode}"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Where the README was followed to its end, and what each command said that is no server."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("addons", "cassettes", "tests"):
        (folder / name).symlink_to(ROOT / name)
    ports: dict[str, str] = {}
    outputs: dict[str, str] = {}
    with ExitStack() as servers:
        for command in commands():
            if command.startswith("gms-replay show"):
                servers.close()
            arguments = words(command, ports)
            if command.startswith(SERVERS):
                servers.enter_context(running(arguments, folder))
                continue
            done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
            outputs[command] = done.stdout
    return folder, outputs


@pytest.mark.timeout(600)
def test_record_your_own_as_written(followed: tuple[Path, dict[str, str]]) -> None:
    folder, outputs = followed

    assert "the chat is over" in outputs["gms-replay show visit.sqlite"]
    assert (folder / "copy.sqlite").exists()
    visits = [said for command, said in outputs.items() if "gms_replay.demo.app" in command]
    assert len(visits) == 3
    assert all("Thank you for chatting with us" in said for said in visits)


@pytest.mark.timeout(600)
def test_examples_of_tests_as_written(followed: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    shutil.copy(followed[0] / "visit.sqlite", tmp_path)
    first, second = re.findall(
        r"^```python\n(.*?)^```", README.partition("## In your tests")[2], re.DOTALL | re.MULTILINE
    )
    head = "import httpx\nimport pytest\n\n"
    (tmp_path / "test_first.py").write_text(head + first)
    (tmp_path / "test_second.py").write_text(f"{head}def test_it():\n{textwrap.indent(second, '    ')}")
    command = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), "--strict-markers", "-Werror"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    # No longer than VCR.py's: a marker, a test, a request, what is expected of it.
    assert len(first.splitlines()) <= 4
    assert "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["demo", "test", "lint", "samples"])
def test_make_targets_exist(name: str) -> None:
    assert f"make {name} " in README
    assert re.search(rf"^{name}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on PATH")
def test_make_names_the_pythons_that_will_do(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    # This Python, which says that it is another.
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.version_info = (3, 10, 13)")
    env = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    command = ["make", "demo", f"PYTHON={sys.executable}"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert done.stderr.startswith("gms_replay needs Python 3.11 to 3.13, not 3.10: make PYTHON=python3.13, say\n")
    assert not list(tmp_path.glob(".venv*"))


def test_every_verb_is_in_readme() -> None:
    from gms_replay.cli.main import main

    missing = [verb for verb in main.commands if f"gms-replay {verb}" not in README and f"make {verb}" not in README]
    assert missing == []


@pytest.mark.parametrize("program", ["visitor.py", "push_providers.py"])
def test_programs_of_the_tests_say_how_they_are_used(program: str) -> None:
    """The README names them."""
    command = [sys.executable, str(ROOT / "tests" / program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.partition(":")[0]) == (2, "usage")
