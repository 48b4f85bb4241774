"""Apple and Google as their senders see them: a real HTTP/2 server with TLS on loopback, in a thread.

`python tests/push_providers.py PORT` is that as a program, which prints what comes.
"""

import argparse
import asyncio
import json
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config

WAIT_S = 60


@dataclass(frozen=True)
class Answer:
    """What a push is answered with; a status of 0 never is."""

    status: int
    body: bytes = b""


NONE = Answer(0)
UNREGISTERED = Answer(410, b'{"reason":"Unregistered","timestamp":1399048050000}')
UNREGISTERED_FCM = Answer(
    404,
    json.dumps(
        {
            "error": {
                "code": 404,
                "message": "Requested entity was not found.",
                "status": "NOT_FOUND",
                "details": [
                    {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "UNREGISTERED"}
                ],
            }
        }
    ).encode(),
)


@dataclass(frozen=True)
class Came:
    """A push that came, and over which connection: the sender's port."""

    path: str
    headers: dict[str, str]
    body: bytes
    http_version: str
    connection: int

    @property
    def device(self) -> str:
        """Its token; "" where this is no push."""
        if self.path.endswith("/messages:send"):
            return str(json.loads(self.body)["message"]["token"])
        return self.path.partition("/3/device/")[2]


class Providers:
    """Takes each push, or does as it is told for its device. `ca` is the PEM file with whom to trust."""

    def __init__(self, folder: Path, pem: Path | None = None, port: int = 0) -> None:
        self.came: Queue[Came] = Queue()
        self.ca = pem or certificate(folder)
        self._answers: dict[str, list[Answer]] = {}
        self._tries: Counter[str] = Counter()
        self._held: dict[str, asyncio.Event] = {}
        self._wait_for = 0
        self._present = 0
        self._loop = asyncio.new_event_loop()
        self._gone = asyncio.Event()
        self._all_present = asyncio.Event()
        listening = socket.create_server(("127.0.0.1", port))
        self.port: int = listening.getsockname()[1]
        self.url = f"https://localhost:{self.port}"
        self._config = Config()
        self._config.bind = [f"fd://{listening.detach()}"]
        self._config.certfile = self._config.keyfile = str(self.ca)
        self._config.errorlog = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def answers(self, device: str, *answers: Answer) -> None:
        """Answer the pushes for a device so, the last again and again."""
        self._answers[device] = list(answers)

    def answers_together(self, count: int) -> None:
        """Answer nobody before so many are here at once."""
        self._wait_for = count

    def hold(self, device: str) -> None:
        """Answer its pushes when they are released."""
        self._held[device] = asyncio.Event()

    def release(self, device: str) -> None:
        self._loop.call_soon_threadsafe(self._held[device].set)

    def next(self) -> Came:
        return self.came.get(timeout=WAIT_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._gone.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve(self._app, self._config, shutdown_trigger=self._gone.wait))

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": f"{(await receive())['type']}.complete"})
            return
        body = b""
        while (event := await receive()).get("more_body"):
            body += event["body"]
        body += event["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        came = Came(scope["raw_path"].decode(), headers, body, scope["http_version"], scope["client"][1])
        self.came.put(came)
        await self._all_here()
        if held := self._held.get(came.device):
            await held.wait()
        await self._reply(came, send)

    async def _all_here(self) -> None:
        self._present += 1
        if self._present >= self._wait_for:
            self._all_present.set()
        await self._all_present.wait()

    async def _reply(self, came: Came, send: Any) -> None:
        device = came.device
        told = self._answers.get(device, [Answer(200)])
        answer = told[min(self._tries[device], len(told) - 1)]
        self._tries[device] += 1
        if answer == NONE:
            await self._gone.wait()
            return
        headers, body = [], answer.body
        if "apns-id" in came.headers:
            headers.append((b"apns-id", came.headers["apns-id"].encode()))
        elif answer.status == 200:
            body = json.dumps({"name": f"projects/example-project/messages/{device}"}).encode()
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def push_providers(folder: Path, pem: Path | None = None, port: int = 0) -> Iterator[Providers]:
    """They are there until the end of the block. `pem`: key and certificate to show, instead of own ones."""
    providers = Providers(folder, pem, port)
    try:
        yield providers
    finally:
        providers.close()


def certificate(folder: Path) -> Path:
    """Key and certificate for loopback, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    kind = serialization.PrivateFormat.PKCS8
    pem = folder / "push-providers.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return pem


def main(port: int) -> None:
    with suppress(KeyboardInterrupt), TemporaryDirectory() as folder, push_providers(Path(folder), port=port) as found:
        print(f"Apple and Google: {found.url}", flush=True)
        while True:
            came = found.came.get()
            print(came.path, came.body.decode("utf-8", "replace"), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Stands for Apple and Google, and prints what comes.")
    parser.add_argument("port", type=int, help="0 picks one")
    try:
        main(parser.parse_args().port)
    except (OSError, OverflowError) as error:
        sys.exit(f"{error}: name another port")
