"""What a provider is shown that is to know a GMS by it: of the right shape, and made up.

The simulator has no key: no signature here holds, and who checks them has to let these pass.
"""

import base64
import json
from random import Random

# Ten characters each, as Apple gives them out ("Establishing a token-based connection to APNs").
_KEY_ID = "S1MULATEDK"
_TEAM_ID = "S1MULATEDT"
_SIGNATURE_BYTES = 64
_OAUTH_BYTES = 96


def apns_token(random: Random, issued_s: int) -> str:
    """A JSON Web Token (RFC 7519) as APNs wants it; `issued_s` is in seconds since 1970."""
    head = _base64url(_json({"alg": "ES256", "kid": _KEY_ID}))
    claims = _base64url(_json({"iss": _TEAM_ID, "iat": issued_s}))
    return f"{head}.{claims}.{_base64url(random.randbytes(_SIGNATURE_BYTES))}"


def oauth_token(random: Random) -> str:
    """Like what Google gives out for an hour."""
    return f"ya29.{_base64url(random.randbytes(_OAUTH_BYTES))}"


def _json(value: dict[str, str | int]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
