"""What a chat tells beside the usual fields when it was started with `_verbose=true`; the vendor's samples read it."""

from typing import Any
from urllib.parse import urlsplit

_TURNS = {
    "SEND": "send",
    "REFRESH": "refresh",
    "REFRESH_FROM_START": "refresh?transcriptPosition=0",
    "START_TYPING": "startTyping",
    "STOP_TYPING": "stopTyping",
    "DISCONNECT": "disconnect",
}


def beside(base_url: str, service_id: str, user_id: str, secure_key: str) -> dict[str, Any]:
    """The further fields: who the client is to the chat server, where that is, and the URL of each turn."""
    at = urlsplit(base_url)
    chat_url = f"{base_url}/1/service/{service_id}/ixn/chat"
    return {
        "userId": user_id,
        "secureKey": secure_key,
        "checkChatServiceLoadBalancerPath": f"{at.path}/1/service/{service_id}/ixn/chat",
        "chatServerLoadBalancerAlias": "117",
        "chatServerHost": at.hostname or "",
        "chatWebApiPort": 4856,
        "isTLSrequired": at.scheme == "https",
        "clientTimeZoneOffset": "0",
        **{f"_chatIxnAPI_{turn}_URL": f"{chat_url}/{path}" for turn, path in _TURNS.items()},
    }
