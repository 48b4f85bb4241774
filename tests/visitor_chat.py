"""A chat as the app leads it: started by REST, told over Comet, every line checked for its place.

Strategy: `transcriptPosition` is the number of a frame's last line, so each line has a number. Comet must tell every
number once, in order; what REST answers tell beside it must be the same lines.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
from longpoll import CometError, LongPoll
from visitor_wire import App, Fields, GmsError, expect, instant_of, now

CHANNEL = "/_genesys"
OF_ANOTHER = "a frame of another chat:"
_TAG = "service.chat.refresh."
_STATES = {"CONNECTED", "TRANSCRIPT", "DISCONNECTED"}
_PARTIES = {"AGENT", "CLIENT", "EXTERNAL"}
_GRACE = timedelta(seconds=2)
_GLANCE_S = 0.25
_VERBOSE = ("userId", "secureKey", "chatServerHost", "_chatIxnAPI_SEND_URL", "_chatIxnAPI_REFRESH_URL")

Line = tuple[str, str, str, int, str]


class ChatLines:
    """All lines of one chat by their number, checked as they come."""

    def __init__(self, service_id: str) -> None:
        self._tag = _TAG + service_id
        self._lines: dict[int, Line] = {}
        self._told_by_comet: list[int] = []
        self._same: Fields = {}
        self._state = ""
        self.position = 0

    @property
    def is_over(self) -> bool:
        return self._state == "DISCONNECTED"

    def answer(self, told: Fields, asked: str) -> list[int]:
        """Takes what a REST answer tells; gives the numbers of its lines."""
        return self._taken(told, asked)[1]

    def is_of_another(self, fields: Fields) -> bool:
        """True for a frame of another chat, which the same customer may have."""
        tag = str((fields.get("data") or {}).get("tag"))
        return tag.startswith(_TAG) and tag != self._tag

    def frame(self, fields: Fields) -> list[Line]:
        """Takes a frame of Comet's; gives its lines. Raises GmsError where one is lost, told twice or out of order."""
        data = fields.get("data")
        expect(isinstance(data, dict) and isinstance(data.get("message"), dict), f"a frame without message: {fields}")
        expect(data.get("id"), f"a frame without id: {fields}")
        expect(data.get("tag") == self._tag, f"a frame tagged {data.get('tag')!r}, not {self._tag!r}")
        told = data["message"]
        expect(not self.is_over, f"a frame after DISCONNECTED: {told}")
        at = told.get("transcriptPosition")
        expect(isinstance(at, str), f"transcriptPosition is a string in frames, not {at!r}")
        position, numbers = self._taken(told, "a frame")
        if numbers and self._told_by_comet:
            due = self._told_by_comet[-1] + 1
            expect(numbers[0] >= due, f"line {numbers[0]} told twice: {self._lines[numbers[0]]}")
            expect(numbers[0] == due, f"lines {due} to {numbers[0] - 1} lost")
        expect(position >= self.position, f"transcriptPosition went back from {self.position} to {position}")
        self._told_by_comet += numbers
        self.position = position
        self._state = told["chatIxnState"]
        return [self._lines[number] for number in numbers]

    def spoken(self, party: str, after: int = 0) -> list[int]:
        """The numbers of a party's texts that Comet has told, later than a line."""
        return [n for n in self._told_by_comet if n > after and self._is_text(n, party)]

    def number_of(self, text: str) -> int | None:
        """Where Comet told the customer's text back; None if it has not."""
        return next((n for n in self.spoken("CLIENT") if self._lines[n][2] == text), None)

    def check_whole(self, said: list[str], nickname: str) -> None:
        """The whole chat: no gap, seconds in order, agents joined before they spoke, own lines back once each."""
        numbers = sorted(self._lines)
        missing = sorted(set(range(1, self.position + 1)) - self._lines.keys())
        expect(not missing, f"lines never told: {missing} of {self.position}")
        joined: set[str] = set()
        last_n = 0
        for number in numbers:
            kind, nick, text, n, party = self._lines[number]
            expect(n >= last_n, f"line {number} came at second {n}, the one before at {last_n}")
            last_n = n
            if kind == "Notice.Joined":
                joined.add(nick)
            if kind == "Message.Text" and party == "AGENT":
                expect(nick in joined, f"{nick} said {text!r} before joining")
        back = [self._lines[n] for n in self.spoken("CLIENT")]
        expect([line[2] for line in back] == said, f"said {said}, told back {[line[2] for line in back]}")
        expect(
            all(line[1] == nickname for line in back), f"own lines under {[line[1] for line in back]}, not {nickname}"
        )

    def _taken(self, told: Fields, asked: str) -> tuple[int, list[int]]:
        expect(told.get("chatIxnState") in _STATES, f"{asked}: chatIxnState is {told.get('chatIxnState')!r}")
        for name in ("chatSessionId", "startedAt"):
            value = self._same.setdefault(name, told.get(name))
            expect(value and told.get(name) == value, f"{asked}: {name} was {value!r}, is {told.get(name)!r}")
        raw = told.get("transcriptToShow") or []
        at = str(told.get("transcriptPosition"))
        expect(at.isdigit(), f"{asked}: transcriptPosition is no number: {at!r}")
        lines = [self._line(item, asked) for item in raw]
        numbers = list(range(int(at) - len(lines) + 1, int(at) + 1))
        expect(not numbers or numbers[0] > 0, f"{asked}: {len(lines)} lines up to position {at}")
        for number, line in zip(numbers, lines, strict=True):
            known = self._lines.setdefault(number, line)
            expect(known == line, f"{asked}: line {number} was {known}, is {line}")
        return int(at), numbers

    def _line(self, item: Any, asked: str) -> Line:
        expect(isinstance(item, list) and len(item) == 5, f"{asked}: a line has five items: {item}")
        expect(all(isinstance(part, str) for part in item), f"{asked}: a line's items are strings: {item}")
        kind, nick, text, n, party = item
        expect(kind.startswith(("Message.", "Notice.")), f"{asked}: a line of type {kind!r}")
        expect(party in _PARTIES, f"{asked}: a line of party {party!r}")
        expect(n.isdigit(), f"{asked}: seconds since start are a whole number, not {n!r}")
        started_at = instant_of(self._same["startedAt"])
        expect(started_at, f"{asked}: startedAt is no instant: {self._same['startedAt']!r}")
        assert started_at
        happened = started_at + timedelta(seconds=int(n))
        expect(happened <= now() + _GRACE, f"{asked}: a line from the future, {happened:%H:%M:%S}: {item}")
        return kind, nick, text, int(n), party

    def _is_text(self, number: int, party: str) -> bool:
        return self._lines[number][0] == "Message.Text" and self._lines[number][4] == party


class Chat:
    """One chat from `StartChat` to DISCONNECTED. `as_json`: how bodies are written; `verbose`: asks for all fields."""

    def __init__(self, app: App, dialog: Fields, service_id: str, *, as_json: bool, verbose: bool) -> None:
        self._app, self._dialog = app, dialog
        self._as_json, self._verbose = as_json, verbose
        self._url: str = dialog["_start_chat_url"]
        self._urls: Fields = {}
        self._transcript = ChatLines(service_id)
        self._comet = LongPoll(app.http, dialog["_comet_url"], self._told)

    async def lead(self, *lines: str) -> None:
        """Says the lines, each after the agent's answer to the one before; the last one ends the chat."""
        await self._start()
        try:
            await self._comet.open(CHANNEL)
            await self._until(lambda: self._transcript.spoken("AGENT"), "the agent's greeting")
            for number, line in enumerate(lines):
                await self._say(line, is_typed=number == 0)
                if number == 0:
                    await self._refresh()
            await self._until(lambda: self._transcript.is_over, "DISCONNECTED")
            await self._comet.close()
        except CometError as wrong:
            raise GmsError(f"Comet: {wrong}") from wrong
        except httpx.TransportError as error:
            raise GmsError(f"Comet: no answer at {self._dialog['_comet_url']}: {error!r}") from error
        finally:
            await self._comet.abandon()
        self._transcript.check_whole(list(lines), self._app.customer.nickname)

    async def _start(self) -> None:
        customer = self._app.customer
        told = await self._post(
            "",
            notify_by="comet",
            firstName=customer.first_name,
            lastName=customer.last_name,
            userDisplayName=customer.nickname,
            email=customer.email,
            subject=self._dialog.get("_chat_parameters", {}).get("subject", "None"),
            **({"_verbose": "true"} if self._verbose else {}),
        )
        self._transcript.answer(told, "the chat's start")
        expect(told["chatIxnState"] == "CONNECTED", f"the chat starts as {told['chatIxnState']}, not as CONNECTED")
        if self._verbose:
            missing = [name for name in _VERBOSE if name not in told]
            expect(not missing, f"asked for _verbose, and got no {', '.join(missing)}")
            self._urls = {name: url for name, url in told.items() if name.startswith("_chatIxnAPI_")}
        self._app.say(f"chat {told['chatSessionId']} started at {told['startedAt']}")

    async def _say(self, line: str, *, is_typed: bool) -> None:
        if is_typed:
            self._transcript.answer(await self._post("startTyping"), "startTyping")
            self._transcript.answer(await self._post("stopTyping"), "stopTyping")
        self._transcript.answer(await self._post("send", message=line), "send")
        await self._until(lambda: self._transcript.number_of(line), f"{line!r} told back")
        own = self._transcript.number_of(line) or 0
        await self._until(lambda: self._transcript.spoken("AGENT", own), f"an answer to {line!r}")

    async def _refresh(self) -> None:
        """All lines after the first, though Comet told them: they must be the same."""
        numbers = self._transcript.answer(await self._post("refresh", transcriptPosition="1"), "refresh")
        expect(numbers, "refresh from position 1 tells nothing")
        expect(numbers[0] == 2, f"refresh from position 1 begins with line {numbers[0]}")
        self._app.say(f"refresh: {len(numbers)} lines")

    async def _post(self, act: str, **fields: str) -> Fields:
        url = self._urls.get(_API.get(act, ""), f"{self._url}/{act}" if act else self._url)
        if not self._as_json:
            return await self._app.ask("POST", url, data=fields)
        if act == "refresh":
            return await self._app.ask("POST", url, params=fields, json={})
        return await self._app.ask("POST", url, json=fields)

    def _told(self, channel: str, raw: bytes, fields: Fields) -> None:
        expect(channel == CHANNEL, f"a message on {channel}, which nobody subscribed to")
        if self._transcript.is_of_another(fields):
            self._app.say(f"{OF_ANOTHER} {fields['data']['tag']}")
            return
        self._app.channels.setdefault(channel, []).append(raw)
        for kind, nick, text, n, _ in self._transcript.frame(fields):
            self._app.say(f"{n:>4} s  {nick}: {text}" if kind == "Message.Text" else f"{n:>4} s  {nick} {text}")

    async def _until(self, is_there: Callable[[], object], what: str) -> None:
        give_up_at = time.monotonic() + self._app.patience_s
        while not is_there():
            if failed := self._comet.failed():
                raise failed
            expect(time.monotonic() < give_up_at, f"never came: {what}")
            await asyncio.sleep(min(_GLANCE_S, self._app.pause_s))


_API = {
    "send": "_chatIxnAPI_SEND_URL",
    "refresh": "_chatIxnAPI_REFRESH_URL",
    "startTyping": "_chatIxnAPI_START_TYPING_URL",
    "stopTyping": "_chatIxnAPI_STOP_TYPING_URL",
}
