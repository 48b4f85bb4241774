"""The demo's app: what a mobile app does, with httpx for REST and aiocometd for Comet, by a script of its own.

It runs as a process: `python -m gms_replay.demo.app BASE_URL [TRANSCRIPT [DEVICE [DEVICE_FOR_GMS]]]`. It prints what it
does, a line each, and leaves the transcript of all that it was told, where one is named. DEVICE is the URL of a
`demo.device`, if it is to wait for a push before it chats; DEVICE_FOR_GMS is where GMS finds that, if it is somewhere
else for GMS.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from gms_replay.cassette.outputs import require_folder, require_no_cassette
from gms_replay.demo import transcripts
from gms_replay.diff import Seen, Transcript
from gms_replay.errors import GmsReplayError
from gms_replay.verify.comet_client import CometClient

USER = "demo-user-4711"
CHANNEL = "/_genesys"
DEVICE = "device"
"""Where a transcript has the pushes."""
_DIALOGS = (
    "wait-for-agent",
    "get-dialog-user-confirmation-provide_code-true",
    "get-dialog-user-confirmation-provide_code-false",
    "connect-inbound",
    "connect-outbound",
)
_START_CHAT = "get-dialog-start-chat"
_LINES = ("Hello, my order has not arrived.", "It is order 117. Thank you, bye!")
_PAUSE_S = 0.2
_BETWEEN_POLLS_S = 2.0
_PATIENCE_S = 30.0


class DemoApp:
    """One visit: a callback, its dialogs, a chat. `say` gets a line for each thing that happens.

    `device`: the URLs of its device, for itself and for GMS; None where it waits for no push.
    """

    def __init__(self, base_url: str, device: tuple[str, str] | None, say: Callable[[str], None]) -> None:
        self._base_url = base_url
        self._device = device
        self._say = say
        self._pushes: list[bytes] = []
        self._answers: list[Seen] = []
        self._messages: list[bytes] = []
        self._started_at_us = 0
        self._http = httpx.AsyncClient(headers={"gms_user": USER}, timeout=_PATIENCE_S, trust_env=False)

    async def visit(self) -> Transcript:
        """Goes through the whole visit. Raises httpx.HTTPStatusError where the server refuses."""
        async with self._http:
            service = await self._callback()
            for action in _DIALOGS:
                await self._dialog(service, action)
            if self._device:
                service, action = await self._push(self._device[0])
                await self._dialog(service, action)
            else:
                await self._dialog(service, _START_CHAT)
            await self._chat(json.loads(self._answers[-1].body))
        origin = str(httpx.URL(self._base_url).copy_with(path="/")).rstrip("/")
        channels = {DEVICE: tuple(self._pushes), CHANNEL: tuple(self._messages)}
        return Transcript(origin, self._started_at_us, tuple(self._answers), channels)

    async def _callback(self) -> str:
        fields = {"_customer_number": "+14155550123", "_call_direction": "USERTERMINATED", "_media_type": "chat"}
        if self._device:
            # Else GMS tells nobody when there is an agent.
            fields |= {"_wait_for_agent": "true", "_device_os": "httpcb", "_device_notification_id": self._device[1]}
        url = f"{self._base_url}/1/service/callback/customer-service"
        answer = await self._ask("POST", url, fields)
        await self._ask("GET", f"{url}/availability?number-of-days=1&max-time-slots=5")
        service = str(answer["_id"])
        for _ in range(2):
            await self._ask("GET", f"{self._base_url}/1/service/{service}/check-queue-position")
            # Where in between the place moved, nobody saw: both times, be far from it.
            await asyncio.sleep(_BETWEEN_POLLS_S)
        return service

    async def _dialog(self, service: str, action: str) -> None:
        dialog = await self._ask("POST", f"{self._base_url}/1/service/{service}/{action}")
        if action.endswith("code-true"):
            item = dialog["_content"][0]["_group_content"][0]
            await self._ask(item["_method"], item["_user_action_url"])

    async def _push(self, url: str) -> tuple[str, str]:
        """The service and action that the next push names: by itself, or beside what a phone shows."""
        answer = await self._http.get(url)
        answer.raise_for_status()
        self._pushes.append(answer.content)
        said = answer.json()
        message = said.get("message", said)
        self._say(f"push   {message['_action']}")
        return message["_id"], message["_action"]

    async def _chat(self, dialog: dict[str, Any]) -> None:
        chat_url = dialog["_start_chat_url"]
        names = {"firstName": "Stan", "lastName": "Demo", "userDisplayName": "Stan"}
        await self._ask(
            "POST", chat_url, {"notify_by": "comet", "subject": dialog["_chat_parameters"]["subject"], **names}
        )
        async with CometClient(dialog["_comet_url"], headers={"gms_user": USER}, timeout_s=_PATIENCE_S) as comet:
            await comet.subscribe(CHANNEL)
            lines = iter(_LINES)
            while (told := await self._next(comet))["chatIxnState"] != "DISCONNECTED":
                kind, _, _, _, party = told["transcriptToShow"][0]
                if (kind, party) == ("Message.Text", "AGENT") and (line := next(lines, None)):
                    await self._answer(chat_url, line, told["transcriptPosition"])

    async def _answer(self, chat_url: str, line: str, position: str) -> None:
        await self._ask("POST", f"{chat_url}/refresh", {"transcriptPosition": position})
        await self._ask("POST", f"{chat_url}/startTyping")
        await self._ask("POST", f"{chat_url}/stopTyping")
        await self._ask("POST", f"{chat_url}/send", {"message": line})

    async def _next(self, comet: CometClient) -> dict[str, Any]:
        message = await comet.next_message(_PATIENCE_S)
        self._messages.append(json.dumps(message, ensure_ascii=False).encode())
        told: dict[str, Any] = message["data"]["message"]
        for _, speaker, text, _, _ in told.get("transcriptToShow", []):
            self._say(f"chat   {speaker}: {text}")
        return told

    async def _ask(self, method: str, url: str, fields: dict[str, str] | None = None) -> dict[str, Any]:
        await asyncio.sleep(_PAUSE_S)
        self._started_at_us = self._started_at_us or time.time_ns() // 1000
        response = await self._http.request(method, url, json=fields)
        response.raise_for_status()
        path = response.url.raw_path.decode()
        self._say(f"{method:6} {path}  {response.status_code}")
        self._answers.append(Seen(f"{method} {path}", response.status_code, _headers(response), response.content))
        try:
            answer: dict[str, Any] = response.json()
        except ValueError:
            self._say("       (an answer that is no JSON, as the vendor's article prints it)")
            return {}
        return answer


def _headers(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)


def main() -> None:
    """Visits the GMS that the command line names."""
    said = _arguments().parse_args()
    path: Path | None = said.transcript
    device = (said.device, said.device_for_gms or said.device) if said.device else None
    try:
        if path is not None:
            # Said before the visit, which takes a while.
            require_no_cassette(path, "")
            require_folder(path, "")
        app = DemoApp(said.base_url.rstrip("/"), device, lambda line: print(line, flush=True))
        transcript = asyncio.run(app.visit())
        if path is not None:
            path.write_text(transcripts.dump(transcript), encoding="utf-8")
    except httpx.HTTPStatusError as error:
        sys.exit(f"{error.request.method} {error.request.url}: {error.response.status_code}\n{error.response.text}")
    except (httpx.TransportError, httpx.InvalidURL) as error:
        sys.exit(f"{said.base_url}: {str(error) or type(error).__name__}; does it run, and is its address right?")
    except LookupError as error:
        sys.exit(
            f"{said.base_url}: {error} is missing in an answer: this app knows the GMS of `gms-replay simulate` only"
        )
    except OSError as error:
        sys.exit(f"{path}: cannot be written to: {error.strerror}")
    except GmsReplayError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("broken off")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gms_replay.demo.app", description="The demo's app, for one visit.")
    parser.add_argument("base_url", metavar="URL", help="the GMS, like http://localhost:8010/genesys")
    parser.add_argument("transcript", metavar="FILE", nargs="?", type=Path, help="where to write what it was told")
    parser.add_argument("device", metavar="DEVICE", nargs="?", help="the URL of a gms_replay.demo.device")
    parser.add_argument("device_for_gms", metavar="DEVICE_FOR_GMS", nargs="?", help="where GMS finds that")
    return parser


if __name__ == "__main__":
    main()
