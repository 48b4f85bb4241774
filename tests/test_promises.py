"""The README's promises of security: each names what shows it, and that is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECTION = re.compile(r"^## Security\n(.*?)^## ", re.DOTALL | re.MULTILINE)
NAME = re.compile(r"`((?:tests|benchmarks)/[\w/]+\.py)(?:::(\w+))?`")
TARGET = re.compile(r"`make ([\w-]+)`")


def promises() -> list[str]:
    """Each item of the section's lists, on one line."""
    section = SECTION.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert section is not None
    items = re.findall(r"^- (.*?)(?=^- |^\S|\Z)", section[1], re.DOTALL | re.MULTILINE)
    return [" ".join(item.split()) for item in items]


NAMED = sorted({name for promise in promises() for name in NAME.findall(promise)})
TARGETS = sorted({name for promise in promises() for name in TARGET.findall(promise)})


@cache
def functions(path: Path) -> frozenset[str]:
    return frozenset(
        node.name
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("promise", promises())
def test_promise_names_its_proof(promise: str) -> None:
    assert NAME.search(promise) or TARGET.search(promise)


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_proof_is_there(file: str, test: str) -> None:
    path = ROOT / file

    assert path.is_file()
    assert (test in functions(path) and test.startswith("test_")) if file.startswith("tests/") else not test


@pytest.mark.parametrize("target", TARGETS)
def test_target_is_there(target: str) -> None:
    rules = re.findall(r"^([\w -]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    assert target in " ".join(rules).split()
