"""The traffic of the benchmarks: one visit's requests and answers, in the shape of GMS's."""

import json
from dataclasses import dataclass

BASE = "/genesys"
SERVICE = "369-6b6f7a2d-1c5e-4c9c-9a51-0f1d2c3b4a59"
COMET = f"{BASE}/cometd"

_REQUEST_HEADERS = (
    "Host: gms.example.com:8080",
    "User-Agent: GMSSample/8.5.006.08 (Linux; Android 14; Pixel 8)",
    "Accept: application/json, text/plain, */*",
    "Accept-Language: en-US,en;q=0.9",
    "Accept-Encoding: identity",
    "ContactCenterId: 4ed0f5d2",
    "gms_user: bench@example.com",
    "Cookie: BAYEUX_BROWSER=8bd2-1hzrl1kfdgi1sxo81pcwa42ks",
    "Connection: keep-alive",
)
_ANSWER_HEADERS = (
    "Date: Fri, 02 May 2014 16:27:38 GMT",
    "Server: Jetty(9.4.43.v20210629)",
    "Content-Type: application/json;charset=UTF-8",
    "Cache-Control: no-cache, no-store, must-revalidate",
    "Pragma: no-cache",
    "Expires: Thu, 01 Jan 1970 00:00:00 GMT",
    "Access-Control-Allow-Origin: *",
    "X-Frame-Options: SAMEORIGIN",
    "Connection: keep-alive",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange, as the bytes of its request and of its answer."""

    target: str
    request: bytes
    answer: bytes

    @property
    def body(self) -> bytes:
        return self.request.partition(b"\r\n\r\n")[2]


def steps(padding_bytes: int) -> tuple[Step, ...]:
    """A visit: a callback, polls of the queue, two dialogs, a chat of four turns, each with a poll.

    Answers carry `padding_bytes` more.
    """
    chat = f"{BASE}/1/service/{SERVICE}/ixn/chat"
    form = "application/x-www-form-urlencoded"
    found = [
        _step(
            f"{BASE}/1/service/callback/inbound",
            "application/json",
            _json({"_customer_number": "5115", "_call_direction": "USERORIGINATED", "_device_os": "gcm"}),
            {"_id": SERVICE},
        ),
        *[_step(f"{BASE}/1/service/{SERVICE}/check-queue-position", form, "", _position()) for _ in range(2)],
        _step(f"{BASE}/1/service/{SERVICE}/get-dialog-user-confirmation-provide_code-true", form, "", _menu()),
        _step(f"{BASE}/1/service/{SERVICE}/get-dialog-start-chat", form, "", _start_chat()),
        _step(COMET, "application/json", _json([_meta("handshake", 1)]), [_meta("handshake", 1, successful=True)]),
        _step(chat, form, "firstName=John&lastName=Doe&subject=Order&notify_by=comet", _frame("CONNECTED", 1)),
    ]
    for turn in range(2, 6):
        connect = _meta("connect", turn, connectionType="long-polling")
        event = {"channel": "/_genesys", "data": {"message": _frame("TRANSCRIPT", turn), "id": "0f" * 16}}
        found.append(_step(f"{chat}/send", form, f"message=this+is+turn+{turn}", _frame("TRANSCRIPT", turn)))
        found.append(_step(COMET, "application/json", _json([connect]), [event, _meta("connect", turn)]))
    return tuple(Step(one.target, one.request, _padded(one.answer, padding_bytes)) for one in found)


def upgrade(target: str) -> bytes:
    """The request that makes a WebSocket of a connection."""
    head = (f"GET {target} HTTP/1.1", *_REQUEST_HEADERS[:-1], "Connection: Upgrade", "Upgrade: websocket")
    key = ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
    return "\r\n".join((*head, *key, "", "")).encode()


def event_frame() -> bytes:
    """One chat line as a WebSocket frame of a server's (RFC 6455, section 5.2)."""
    payload = _json([{"channel": "/_genesys", "data": {"message": _frame("TRANSCRIPT", 2), "id": "0f" * 16}}]).encode()
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


def _step(target: str, content_type: str, body: str, answer: object) -> Step:
    head = (f"POST {target} HTTP/1.1", *_REQUEST_HEADERS, f"Content-Type: {content_type}")
    request = "\r\n".join((*head, f"Content-Length: {len(body)}", "", body)).encode()
    return Step(target, request, _json(answer).encode())


def _padded(body: bytes, padding_bytes: int) -> bytes:
    body += b" " * padding_bytes
    return "\r\n".join(("HTTP/1.1 200 OK", *_ANSWER_HEADERS, f"Content-Length: {len(body)}", "", "")).encode() + body


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _meta(name: str, number: int, **fields: object) -> dict[str, object]:
    return {"channel": f"/meta/{name}", "id": str(number), "clientId": "4p1vbd2bbjq8kql5t2d1p2vxx"} | fields


def _frame(state: str, position: int) -> dict[str, object]:
    return {
        "chatIxnState": state,
        "chatSessionId": "00048a9ADPQ60015",
        "transcriptPosition": str(position),
        "chatServiceMessage": "Chat service is available",
        "startedAt": "2014-05-02T16:27:38Z",
        "transcriptToShow": [["Message.Text", "Agent", f"this is turn {position}", str(position * 7), "AGENT"]],
    }


def _position() -> dict[str, object]:
    return {"_position": "3", "_eta": "180", "_total_waiting": "7"}


def _menu() -> dict[str, object]:
    url = f"http://gms.example.com:8080{BASE}/1/service/{SERVICE}"
    items = [
        {"_label": label, "_user_action_url": f"{url}/{action}", "_method": "POST", "_id_to_jump_before": "exit://"}
        for label, action in (("Call me now", "connect"), ("In ten minutes", "snooze"), ("Not any more", "not-used"))
    ]
    group = {"_group_name": "Your turn", "_group_content": items}
    return {"_dialog_id": "0", "_action": "DisplayMenu", "_expires": 1399048058, "_content": [group]}


def _start_chat() -> dict[str, object]:
    url = f"http://gms.example.com:8080{BASE}"
    urls = {"_start_chat_url": f"{url}/1/service/{SERVICE}/ixn/chat", "_comet_url": f"{url}/cometd"}
    return {"_dialog_id": "0", "_action": "StartChat", "_id": SERVICE, **urls, "_chat_parameters": {"subject": ""}}
