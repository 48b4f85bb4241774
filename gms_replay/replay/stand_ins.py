"""What stands in for devices: who gets the pushes of the story when they are due, where the user named somebody.

Strategy: each stand-in has a line for each session, so that the order of a session's pushes is kept, whatever becomes
of another's. A push that cannot be delivered is noted, and the next one goes.
"""

import asyncio
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import httpx

from gms_replay.errors import OptionError
from gms_replay.events import SendPush
from gms_replay.formats.tale import plain
from gms_replay.payloads import file_name, for_simulator

_TIMEOUT_S = 5.0
_PAUSES_S = (1.0, 3.0, 9.0)
_SIMCTL_S = 30.0
_HIGHEST_PORT = 65_535
_FORMS = "http://HOST:PORT/PATH, apns:FOLDER, or simctl:DEVICE"


class StandIn(Protocol):
    """Somebody who takes pushes. As text it is what people know it by, without what may be secret."""

    async def give(self, push: SendPush) -> str:
        """Delivers a push. Why that failed, for people; "" where it did not."""

    async def close(self) -> None:
        """Ends connections."""


class Webhook:
    """A URL that gets each push by POST: the payload as the device would get it. Any status of 2xx is delivered.

    Headers say the rest: `gms_push` (its number), `gms_session`, `gms_device` (percent-encoded), and APNs's own
    (`apns-…`). `pauses_s`: how long to wait before each further try.
    """

    def __init__(self, url: str, *, pauses_s: Sequence[float] = _PAUSES_S, timeout_s: float = _TIMEOUT_S) -> None:
        self._url = url
        self._pauses_s = pauses_s
        self._timeout_s = timeout_s
        self._http: httpx.AsyncClient | None = None

    def __str__(self) -> str:
        return self._url.partition("?")[0]

    async def give(self, push: SendPush) -> str:
        why = await self._post(push)
        for pause_s in self._pauses_s:
            if not why:
                break
            await asyncio.sleep(pause_s)
            why = await self._post(push)
        return why

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def _post(self, push: SendPush) -> str:
        if self._http is None:
            self._http = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=self._timeout_s)
        try:
            # httpx's own timeout starts anew with each chunk of an answer.
            async with asyncio.timeout(self._timeout_s):
                answer = await self._http.post(self._url, content=push.payload, headers=_headers(push))
        except (httpx.HTTPError, OSError) as error:
            return f"gave no answer: {str(error) or type(error).__name__}"
        return "" if answer.is_success else f"answered {answer.status_code}"


class Folder:
    """A folder that gets each push as a `.apns` file for one app: whoever looks finds whole files only."""

    def __init__(self, path: Path, bundle_id: str) -> None:
        self._path = path
        self._bundle_id = bundle_id

    def __str__(self) -> str:
        return str(self._path)

    async def give(self, push: SendPush) -> str:
        name = file_name(push.number, push.session, push.action)
        half = self._path / f".{name}.part"
        try:
            half.write_bytes(for_simulator(push.payload, self._bundle_id))
            half.replace(self._path / name)
        except OSError as error:
            return f"{name} cannot be written: {error.strerror}"
        return ""

    async def close(self) -> None:
        pass


class Simctl:
    """A device of Xcode's simulator, by `xcrun simctl push`: "booted", or its id."""

    def __init__(self, device: str, bundle_id: str) -> None:
        self._device = device
        self._bundle_id = bundle_id

    def __str__(self) -> str:
        return f"simulator {self._device}"

    async def give(self, push: SendPush) -> str:
        command = ["xcrun", "simctl", "push", self._device, self._bundle_id, "-"]
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
        except OSError as error:
            return f"xcrun cannot be run: {error.strerror}"
        try:
            async with asyncio.timeout(_SIMCTL_S):
                _, complaint = await process.communicate(for_simulator(push.payload, self._bundle_id))
        except TimeoutError:
            return f"xcrun simctl took more than {_SIMCTL_S:.0f} s"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        said = " ".join(complaint.decode("utf-8", "replace").split())
        return f"xcrun simctl: {said or process.returncode}" if process.returncode else ""

    async def close(self) -> None:
        pass


class StandIns:
    """All stand-ins. `note` gets a remark for each push: to whom it went, or why it could not be delivered."""

    def __init__(self, stand_ins: Sequence[StandIn], note: Callable[[str], None]) -> None:
        self._stand_ins = stand_ins
        self._note = note
        self._lines: dict[tuple[StandIn, str], deque[SendPush]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, push: SendPush) -> None:
        """Delivers a push to each, after those of its session that are on their way."""
        for stand_in in self._stand_ins:
            line = self._lines.get((stand_in, push.session))
            if line is not None:
                line.append(push)
                continue
            # Before the task is made: mitmproxy's loop begins it at once.
            line = self._lines[stand_in, push.session] = deque([push])
            task = asyncio.ensure_future(self._deliver(stand_in, push.session, line))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def drop(self, session: str) -> None:
        """Forgets the pushes of a session that are not on their way yet."""
        for (_, whose), line in self._lines.items():
            if whose == session:
                # The first is on its way.
                while len(line) > 1:
                    line.pop()

    async def close(self, within_s: float) -> None:
        """Ends what is not delivered within that time, and notes how many pushes that are."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        waiting = sum(map(len, self._lines.values()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stand_in in self._stand_ins:
            await stand_in.close()
        if waiting:
            self._note(f"{waiting} push{'es' * (waiting != 1)} not delivered: the server ended before")

    async def _deliver(self, stand_in: StandIn, session: str, line: deque[SendPush]) -> None:
        while line:
            push = line[0]
            try:
                why = await stand_in.give(push)
            except Exception as error:
                # Whatever it is, the next one goes.
                why = f"{type(error).__name__}: {error}"
            became = f"was not delivered to {stand_in}: {why}" if why else f"went to {stand_in}"
            self._note(plain(f"session {session}: push {push.number} ({push.action}) {became}"))
            line.popleft()
        del self._lines[stand_in, session]


def chosen(targets: Sequence[str], bundle_id: str | None, note: Callable[[str], None]) -> StandIns | None:
    """The stand-ins that the options name; None where they name none. Raises OptionError.

    `targets`: each a URL, "apns:FOLDER" (which is made where it is missing), "simctl" or "simctl:DEVICE".
    """
    stand_ins = [_stand_in(target, bundle_id) for target in targets]
    return StandIns(stand_ins, note) if stand_ins else None


def _stand_in(target: str, bundle_id: str | None) -> StandIn:
    kind, _, place = target.partition(":")
    if kind in ("http", "https"):
        return Webhook(_url(target))
    if kind not in ("apns", "simctl"):
        raise OptionError(f"--push-to {target}: it is {_FORMS}")
    if bundle_id is None:
        raise OptionError(f"--push-to {target}: it needs --bundle-id, the app's, like com.example.app")
    if kind == "apns":
        return Folder(_folder(target, place), bundle_id)
    if shutil.which("xcrun") is None:
        raise OptionError(
            f"--push-to {target}: there is no xcrun on PATH, which comes with Xcode; elsewhere take apns:FOLDER"
        )
    return Simctl(place or "booted", bundle_id)


def _url(target: str) -> str:
    try:
        url = httpx.URL(target)
    except httpx.InvalidURL as error:
        raise OptionError(f"--push-to {target}: {error}; write it like http://localhost:9000/push") from None
    if not (url.port is None or 0 < url.port <= _HIGHEST_PORT):
        raise OptionError(f"--push-to {target}: {url.port} is no port; write it like http://localhost:9000/push")
    if not url.host or url.userinfo:
        raise OptionError(f"--push-to {target}: it needs a host and no user; write it like http://localhost:9000/push")
    return target


def _folder(target: str, place: str) -> Path:
    if not place:
        raise OptionError(f"--push-to {target}: it names no folder; write it like apns:pushes")
    path = Path(place)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"--push-to {target}: {place} is no folder to write to: {error.strerror}") from None
    if any(path.glob("*.apns")):
        raise OptionError(f"--push-to {target}: there are .apns files already; remove them, or name another folder")
    return path


def _headers(push: SendPush) -> list[tuple[bytes, bytes]]:
    said = [("gms_push", str(push.number)), ("gms_session", push.session), *push.headers]
    if push.device is not None:
        said.append(("gms_device", quote(push.device, safe="/:;=@+", errors="backslashreplace")))
    said.append(("content-type", "application/json;charset=UTF-8"))
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in said]
