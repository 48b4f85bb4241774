"""What the shim must leave alone; that aiocometd works with it stands in tests/peers."""

import asyncio

import pytest
from aiocometd import client
from aiocometd.transports.base import TransportBase
from aiocometd.transports.websocket import WebSocketTransport

from gms_replay.verify import aiocometd_shim


def test_asyncio_stays_as_it_was() -> None:
    aiocometd_shim.install()
    with pytest.raises(TypeError, match="loop"):
        asyncio.Semaphore(2, loop=None)  # type: ignore[call-arg]


def test_second_install_changes_nothing() -> None:
    def patched() -> list[dict[str, object]]:
        return [dict(vars(owner)) for owner in (client, TransportBase, WebSocketTransport)]

    aiocometd_shim.install()
    before = patched()
    aiocometd_shim.install()
    assert patched() == before
