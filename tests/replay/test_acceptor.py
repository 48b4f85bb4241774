import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

from gms_replay.replay.acceptor import Acceptor
from gms_replay.replay.certificates import Certificates


class Greeting(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        transport.write(b"hello")
        transport.close()


def test_who_agrees_on_tls_is_served_beside_who_says_nothing(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    trust = ssl.create_default_context(cafile=str(certificates.ca_file))

    async def talked() -> tuple[bytes, bytes]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            acceptor = Acceptor(listener, Greeting, certificates, within_s=0.2)
            place = listener.getsockname()
            silent, mute = await asyncio.open_connection(*place)
            reader, writer = await asyncio.open_connection(*place, ssl=trust)
            heard = await reader.read()
            writer.close()
            # Within its time.
            end = await silent.read()
            mute.close()
            acceptor.close()
            await acceptor.wait_closed()
            return heard, end

    assert asyncio.run(talked()) == (b"hello", b"")
