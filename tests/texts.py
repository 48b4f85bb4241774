"""Texts that GMS could have written: JSON in every style, and the seed article's dialog that does not parse."""

import json

from hypothesis import strategies as st

from gms_replay.spans import spans

ORIGIN = "http://gms.example:8080"
SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U73"
EXPIRES = "Fri, 02 May 2014 16:32:38 GMT"

# The dialog of get-dialog-user-confirmation-provide_code-false, trailing comma and all; its first item has the
# confirmation of the …-true one, whose text is broken over two lines.
DIALOG = f"""{{
   "_dialog_id":"0",
   "_label":"Agent is available right now",
   "_user_action_url":
   "{ORIGIN}/genesys/1/service/{SERVICE}/not-used",
   "_method":"POST",
   "_action":"DisplayMenu",
   "_expires": "{EXPIRES}",
   "_resource_url":
   "{ORIGIN}/genesys/1/service/{SERVICE}/get-dialog-user-confirmation",
   "_content":[
      {{
         "_group_name":"Are you ready?",
         "_group_content":[
            {{
               "_dialog_id":"1",
               "_label":"Yes, I'm ready to talk",
               "_action":"MenuItem",
               "_user_action_url":
\t\t\t   "{ORIGIN}/genesys/1/service/{SERVICE}/connect",
               "_method":"POST",
               "_id_to_jump_before":"exit://",
               "_confirmation_dialog":{{
                  "_text":"You will hear tones immediately\x20
\t\t\t\t  after call is connected. This is normal.",
                  "_dialog_type":"Notification",
                  "_dismiss_timeout": 2
               }},
            }},{{
               "_dialog_id":"2",
               "_label":"No, try again in 5 minutes",
               "_action":"MenuItem",
               "_user_action_url":
\t\t\t   "{ORIGIN}/genesys/1/service/{SERVICE}/snooze",
               "_method":"POST",
               "_id_to_jump_before":"exit://"
            }},{{
               "_dialog_id":"3",
               "_label":"Cancel, my problem has been solved",
               "_action":"MenuItem",
               "_user_action_url":
\t\t\t   "{ORIGIN}/genesys/1/service/{SERVICE}/snooze",
               "_method":"POST",
               "_id_to_jump_before":"exit://"
            }}
         ]
      }}
   ]
}}""".encode()

_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_STYLES = st.sampled_from(
    (
        {"separators": (",", ":")},
        {"ensure_ascii": False},
        {"indent": 2},
        {"indent": "\t", "separators": (" , ", " : "), "ensure_ascii": False},
    )
)


def documents(leaves=_LEAVES, keys=None):
    """JSON objects and arrays, as Python values."""
    keys = st.text() if keys is None else keys

    def containers(inner):
        return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)

    return containers(st.recursive(leaves, containers, max_leaves=6))


@st.composite
def dumped(draw, values):
    """A value, and its JSON in one of the styles that servers write; slashes perhaps escaped."""
    value = draw(values)
    text = json.dumps(value, **draw(_STYLES))
    return value, (text.replace("/", "\\/") if draw(st.booleans()) else text).encode("utf-8", "backslashreplace")


def scraps(*words):
    """Any bytes, among them such that look like JSON for a while, with those words between them."""
    pieces = (*b'{}[]:,"', b"\\", b" ", b"\n", b"\xff", b"null", b"-1.5e3", b'\\"', b'"a":', b'{"', *words)
    scrap = st.sampled_from([bytes([piece]) if isinstance(piece, int) else piece for piece in pieces])
    return st.binary() | st.lists(scrap | st.binary(max_size=3), max_size=40).map(b"".join)


def gaps(text):
    """What stands between the values of a text."""
    ends = [0, *(at for span in spans(text) for at in (span.start, span.end)), len(text)]
    return [text[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]
