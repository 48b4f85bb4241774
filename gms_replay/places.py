"""Headers and paths for whoever has rules of his own: `privacy`, as the rules file's [redact] has it."""

from gms_replay import gms, privacy
from gms_replay.gms import Path
from gms_replay.privacy import Kind, Part
from gms_replay.rules import Rules

IDS = frozenset({"_id", "clientId", "chatSessionId", "chatId", "alias", "userId", "participantId"})
"""Fields of ids that GMS gives."""
_WORDS = IDS | {"channel", "subscription", "connectionType", "id", "_action", "_dialog_id", "version"}


def in_header(name: str, value: str, rules: Rules) -> tuple[Part, ...]:
    """The secrets in a header."""
    if name.lower() in rules.credentials:
        return privacy.in_header(name, value, Kind.CREDENTIAL)
    if privacy.named(rules.unredacted, (name,)):
        return ()
    parts = privacy.in_header(name, value)
    if not parts and value and privacy.named(rules.redacted, (name,)):
        return (Part(0, len(value), Kind.USER),)
    return parts


def name(path: Path) -> str | None:
    """The key that a path ends with, also of an item of the list there; None where there is no key."""
    return next((step for step in reversed(path) if isinstance(step, str)), None)


def is_public(path: Path, rules: Rules) -> bool:
    """Whether a path holds an instant, a duration, an id or a word of a protocol."""
    return name(path) in _WORDS or is_time(path, rules)


def is_time(path: Path, rules: Rules) -> bool:
    """Whether a path holds an instant or a duration, and neither an id nor a word."""
    return name(path) not in _WORDS and (gms.is_duration(path) or rules.instant_class(path) is not None)
