import base64
import json
import re
from random import Random

from gms_replay.simulator.tokens import apns_token, oauth_token


def part(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_apns_token_is_a_web_token():
    head, claims, signature = apns_token(Random(1), 1399048050).split(".")
    assert (part(head), part(claims)) == (
        {"alg": "ES256", "kid": "S1MULATEDK"},
        {"iss": "S1MULATEDT", "iat": 1399048050},
    )
    # An ES256 signature has 64 bytes (RFC 7518, section 3.4).
    assert re.fullmatch(r"[\w-]{86}", signature)


def test_tokens_are_drawn():
    assert apns_token(Random(1), 5) == apns_token(Random(1), 5) != apns_token(Random(2), 5)
    assert oauth_token(Random(1)) == oauth_token(Random(1)) != oauth_token(Random(2))


def test_oauth_token_is_one_word():
    assert re.fullmatch(r"ya29\.[\w-]{128}", oauth_token(Random(1)))
