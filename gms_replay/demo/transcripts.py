"""Transcripts as text: what the app's process hands to the show."""

import json

from gms_replay.diff import Seen, Transcript


def dump(transcript: Transcript) -> str:
    """A transcript as JSON; bodies as text of one character per byte."""
    return json.dumps(
        {
            "origin": transcript.origin,
            "started_at_us": transcript.started_at_us,
            "answers": [
                [seen.asked, seen.status, seen.headers, seen.body.decode("latin-1")] for seen in transcript.answers
            ],
            "channels": {
                channel: [message.decode("latin-1") for message in messages]
                for channel, messages in transcript.channels.items()
            },
        },
        indent=1,
    )


def load(text: str) -> Transcript:
    """The transcript that `dump` wrote."""
    found = json.loads(text)
    return Transcript(
        found["origin"],
        found["started_at_us"],
        tuple(
            Seen(asked, status, tuple((name, value) for name, value in headers), body.encode("latin-1"))
            for asked, status, headers, body in found["answers"]
        ),
        {
            channel: tuple(message.encode("latin-1") for message in messages)
            for channel, messages in found["channels"].items()
        },
    )
