"""How an addon ends mitmproxy, which hides exceptions of addons: by SystemExit, which it lets pass."""

import sys
from typing import NoReturn


def refuse(program: str, error: Exception) -> NoReturn:
    """End mitmproxy with exit 1 and a line on stderr. Only in its main thread."""
    tell(program, error)
    sys.exit(1)


def tell(program: str, what: object) -> None:
    """One line on stderr."""
    print(f"{program}: {what}", file=sys.stderr, flush=True)
