import asyncio
import json
import socket
import sys
import threading
from pathlib import Path

import factories
import httpx
import pytest
from factories import CALLBACK, MENU, ORDER, SERVICE, Tape
from receiving import Receiver, receiving
from serving import served

from gms_replay.errors import OptionError
from gms_replay.events import SendPush
from gms_replay.replay.stand_ins import Folder, Simctl, StandIn, StandIns, Webhook, chosen

BUNDLE = "com.example.app"
ACTION = MENU.rpartition("/")[2]
PAYLOAD = json.dumps({"aps": {"alert": "An agent is free"}, "message": {"_id": SERVICE, "_action": ACTION}}).encode()


def push(number: int = 1, session: str = "s1", payload: bytes = PAYLOAD, device: str | None = "abc") -> SendPush:
    return SendPush(session, 1, 0, "apns", device, SERVICE, ACTION, (("apns-topic", BUNDLE),), payload, number)


def delivered(*pushes: SendPush, to: StandIn, within_s: float = 60) -> list[str]:
    """Delivers pushes as the server does; what is noted."""
    notes: list[str] = []

    async def deliver() -> None:
        stand_ins = StandIns([to], notes.append)
        for one in pushes:
            stand_ins.take(one)
        await stand_ins.close(within_s)

    asyncio.run(deliver())
    return notes


def test_webhook_gets_what_the_device_would() -> None:
    with receiving() as receiver:
        notes = delivered(push(device="Änne 1"), to=Webhook(receiver.url))

        path, headers, body = receiver.next()

    assert (path, body) == ("/push", PAYLOAD)
    assert notes == [f"session s1: push 1 ({ACTION}) went to {receiver.url}"]
    expected = {
        "gms_push": "1",
        "gms_session": "s1",
        "gms_device": "%C3%84nne%201",
        "apns-topic": BUNDLE,
        "content-type": "application/json;charset=UTF-8",
    }
    assert expected.items() <= headers.items()


def numbers(receiver: Receiver) -> list[str]:
    return [receiver.next()[1]["gms_push"] for _ in range(receiver.came.qsize())]


def test_refused_push_is_tried_again_before_the_next() -> None:
    with receiving(503, 404) as receiver:
        notes = delivered(push(1), push(2), to=Webhook(receiver.url, pauses_s=(0, 0)))

        assert numbers(receiver) == ["1", "1", "1", "2"]
    assert notes == [f"session s1: push {number} ({ACTION}) went to {receiver.url}" for number in (1, 2)]


def test_push_that_is_given_up_is_noted() -> None:
    with receiving(503, 503) as receiver:
        notes = delivered(push(1), push(2), to=Webhook(f"{receiver.url}?key=secret", pauses_s=(0,)))

        assert numbers(receiver) == ["1", "1", "2"]
    assert notes == [
        f"session s1: push 1 ({ACTION}) was not delivered to {receiver.url}: answered 503",
        f"session s1: push 2 ({ACTION}) went to {receiver.url}",
    ]


class Clumsy:
    """A stand-in that fails as nobody thought of, once."""

    def __init__(self) -> None:
        self.given: list[int] = []

    def __str__(self) -> str:
        return "clumsy"

    async def give(self, push: SendPush) -> str:
        self.given.append(push.number)
        if len(self.given) == 1:
            raise ZeroDivisionError("a\nb")
        return ""

    async def close(self) -> None:
        pass


def test_next_push_goes_whatever_became_of_the_one_before() -> None:
    clumsy = Clumsy()

    notes = delivered(push(1), push(2), to=clumsy)

    assert clumsy.given == [1, 2]
    assert notes == [
        f"session s1: push 1 ({ACTION}) was not delivered to clumsy: ZeroDivisionError: a\\u000ab",
        f"session s1: push 2 ({ACTION}) went to clumsy",
    ]


def test_device_may_be_called_anything() -> None:
    with receiving() as receiver:
        notes = delivered(push(device="\ud83d phone"), to=Webhook(receiver.url))

        assert receiver.next()[1]["gms_device"] == "%5Cud83d%20phone"
    assert "went to" in notes[0]


def test_dropped_sessions_pushes_go_no_more() -> None:
    """But for the one that is on its way."""
    with receiving() as receiver:
        receiver.hangs = threading.Event()
        notes: list[str] = []

        async def deliver() -> None:
            stand_ins = StandIns([Webhook(receiver.url)], notes.append)
            for one in (push(1), push(2), push(3)):
                stand_ins.take(one)
            while not receiver.came.qsize():
                await asyncio.sleep(0)
            stand_ins.drop("s1")
            stand_ins.drop("s2")
            stand_ins.take(push(4))
            receiver.hangs.set()
            await stand_ins.close(60)

        asyncio.run(deliver())
        assert numbers(receiver) == ["1", "4"]


def test_receiver_that_hangs_holds_up_its_session_only() -> None:
    with receiving() as receiver:
        receiver.hangs = threading.Event()
        webhook = Webhook(receiver.url)
        notes: list[str] = []

        async def deliver() -> None:
            stand_ins = StandIns([webhook], notes.append)
            for one in (push(1), push(2), push(3, "s2")):
                stand_ins.take(one)
            while receiver.came.qsize() < 2:
                await asyncio.sleep(0)
            await stand_ins.close(0)

        asyncio.run(deliver())
        assert sorted(numbers(receiver)) == ["1", "3"]
    assert notes == ["3 pushes not delivered: the server ended before"]


def test_nobody_there_is_noted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"

    (note,) = delivered(push(), to=Webhook(url, pauses_s=()))

    assert note.startswith(f"session s1: push 1 ({ACTION}) was not delivered to {url}: gave no answer: ")


def test_receiver_that_never_answers_is_given_up() -> None:
    with receiving() as receiver:
        receiver.hangs = threading.Event()

        (note,) = delivered(push(), to=Webhook(receiver.url, pauses_s=(), timeout_s=0.05))

    assert "gave no answer: " in note


def test_folder_gets_files(tmp_path: Path) -> None:
    odd = push(2, payload=b"hello")._replace(action="../über uns")

    notes = delivered(push(), odd, push(3)._replace(action=None), to=Folder(tmp_path, BUNDLE))

    assert [note.rpartition(" went to ")[2] for note in notes] == [str(tmp_path)] * 3
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"0001-s1-{ACTION}.apns", "0002-s1-..-ber-uns.apns", "0003-s1-push.apns"]
    assert json.loads(files[0].read_bytes()) == {"Simulator Target Bundle": BUNDLE} | json.loads(PAYLOAD)


def test_folder_that_is_gone_is_noted(tmp_path: Path) -> None:
    (note,) = delivered(push(), to=Folder(tmp_path / "gone", BUNDLE))

    assert note.startswith(f"session s1: push 1 ({ACTION}) was not delivered to {tmp_path}/gone: 0001-s1-")
    assert note.endswith(".apns cannot be written: No such file or directory")


@pytest.fixture
def xcrun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name, for Xcode's own is for macOS only: it keeps what it is given, and does as it is told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "xcrun"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / 'asked').write_text(' '.join(sys.argv[1:]))\n"
        "(folder / 'given').write_bytes(sys.stdin.buffer.read())\n"
        "sys.exit('no such device' if 'gone' in sys.argv else 0)\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return tmp_path


def test_simctl_is_given_the_file(xcrun: Path) -> None:
    stand_ins = chosen(["simctl"], BUNDLE, lambda note: None)
    assert stand_ins is not None

    notes = delivered(push(), to=Simctl("booted", BUNDLE))

    assert notes == [f"session s1: push 1 ({ACTION}) went to simulator booted"]
    assert (xcrun / "asked").read_text() == f"simctl push booted {BUNDLE} -"
    assert json.loads((xcrun / "given").read_bytes()) == {"Simulator Target Bundle": BUNDLE} | json.loads(PAYLOAD)


def test_simctl_that_fails_is_quoted(xcrun: Path) -> None:
    notes = delivered(push(), to=Simctl("gone", BUNDLE))

    assert notes == [f"session s1: push 1 ({ACTION}) was not delivered to simulator gone: xcrun simctl: no such device"]


@pytest.mark.parametrize(
    ("target", "bundle_id", "error"),
    [
        ("ftp://a", None, "--push-to ftp://a: it is http://HOST:PORT/PATH, apns:FOLDER, or simctl:DEVICE"),
        ("http://", None, "--push-to http://: it needs a host and no user"),
        ("http://u:p@a/", None, "it needs a host and no user"),
        (
            "http://a:port/",
            None,
            "--push-to http://a:port/: Invalid port: 'port'; write it like http://localhost:9000/",
        ),
        ("http://localhost:99999/push", None, "99999 is no port; write it like http://localhost:9000/push"),
        ("apns:", BUNDLE, "--push-to apns:: it names no folder; write it like apns:pushes"),
        ("apns:a", None, "--push-to apns:a: it needs --bundle-id, the app's, like com.example.app"),
        (
            "apns:/dev/null/a",
            BUNDLE,
            "--push-to apns:/dev/null/a: /dev/null/a is no folder to write to: Not a directory",
        ),
        ("simctl", BUNDLE, "--push-to simctl: there is no xcrun on PATH, which comes with Xcode; elsewhere take apns:"),
    ],
)
def test_wrong_target_is_named(monkeypatch: pytest.MonkeyPatch, target: str, bundle_id: str | None, error: str) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(OptionError) as raised:
        chosen([target], bundle_id, lambda note: None)

    assert error in str(raised.value)


def test_folder_with_files_is_spared(tmp_path: Path) -> None:
    (tmp_path / "0001-s1-wake.apns").write_text("mine")

    with pytest.raises(OptionError, match=r"there are \.apns files already; remove them, or name another folder"):
        chosen([f"apns:{tmp_path}"], BUNDLE, lambda note: None)


def test_folder_is_made(tmp_path: Path) -> None:
    assert chosen([f"apns:{tmp_path}/a/b"], BUNDLE, lambda note: None)

    assert (tmp_path / "a" / "b").is_dir()


def test_server_wakes_the_app() -> None:
    """What comes wakes it as the recorded app was woken, in this app's own ids."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    tape.push(0.2, ACTION)
    tape.ask(0.3, "POST", MENU, b"", {"_action": "DisplayMenu"})
    with (
        receiving() as receiver,
        served(tape.recording(), push_to=[Webhook(receiver.url)]) as server,
        httpx.Client(base_url=server.origin, trust_env=False) as app,
    ):
        for name in ("ann", "bob"):
            service = app.post(CALLBACK, json=ORDER, headers={"gms_session": name}).json()["_id"]
            _, headers, body = receiver.next()
            message = json.loads(body)["message"]
            woken = app.post(f"/genesys/1/service/{message['_id']}/{message['_action']}")
            assert (headers["gms_session"], message["_id"], woken.json()) == (name, service, {"_action": "DisplayMenu"})
    assert [note.rpartition(" ")[2] for note in server.notes] == [receiver.url] * 2


def test_derived_push_wakes_the_app_too() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    tape.ask(0.3, "POST", MENU, b"", {"_action": "DisplayMenu"})
    with receiving() as receiver, served(tape.recording(), push_to=[Webhook(receiver.url)]) as server:
        httpx.post(f"{server.origin}{CALLBACK}", json=factories.ORDER, trust_env=False)

        _, headers, body = receiver.next()

    assert json.loads(body) == {"aps": {"alert": ACTION}, "message": {"_id": SERVICE, "_action": ACTION}}
    assert "gms_device" not in headers
