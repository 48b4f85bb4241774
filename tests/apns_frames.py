"""Frames of Apple's binary protocol, as a sender and Apple write them."""

import struct

TOKEN = bytes.fromhex("00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0")
PAYLOAD = b'{"aps":{"alert":"An agent is free"}}'


def simple(token: bytes = TOKEN, payload: bytes = PAYLOAD) -> bytes:
    """Command 0."""
    return b"\0" + _counted(token) + _counted(payload)


def enhanced(identifier: int, expires_at_s: int = 0, token: bytes = TOKEN, payload: bytes = PAYLOAD) -> bytes:
    """Command 1."""
    return struct.pack(">BII", 1, identifier, expires_at_s) + _counted(token) + _counted(payload)


def items(*parts: bytes) -> bytes:
    """Command 2."""
    content = b"".join(parts)
    return struct.pack(">BI", 2, len(content)) + content


def item(number: int, content: bytes) -> bytes:
    return bytes([number]) + _counted(content)


def refusal(status: int, identifier: int) -> bytes:
    """Command 8."""
    return struct.pack(">BBI", 8, status, identifier)


def _counted(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content
