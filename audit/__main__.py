"""Whether known vulnerabilities are in what we install: `make audit`.

Asks about each package of this environment, and about what the lock files of npm name. Exit 0: of all of them it is
known that nothing is wrong, or why that has to be so (`known.toml`). 1: something is. 3: "not audited": nobody told.

Strategy: silence is no answer. pip-audit passes over what a package index says nothing of, and ends with 0; so what it
passed over counts as not audited, and so does everything where it does not find the flaws of a package known for them.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
LOCKED = ("tests/peers", "examples/browser")
"""Folders with a lock file of npm's."""
OURS = "gms-replay"
PIP_AUDIT = Path(sys.prefix, "audit", "bin", "pip-audit")
FLAWED = "jinja2==2.10"
"""Known for CVE-2019-10906, and never installed here."""
CLEAN, FOUND, NOT_AUDITED = 0, 1, 3


class NotAuditedError(Exception):
    """Nobody could be asked; the message says who, and why not."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """A vulnerability. `fixed_in`: versions; `forbidden_by`: who among the installed admits none of them."""

    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]
    forbidden_by: tuple[str, ...] = ()

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "not fixed"
        why = f", which {' and '.join(self.forbidden_by)} forbids" if self.forbidden_by else ""
        return f"{self.package} {self.version}: {self.ids[0]}, {fixed}{why}"


def installed() -> dict[str, tuple[str, list[Requirement]]]:
    """The packages of this environment but our own: version, and what each wants here."""
    found = {}
    for one in distributions():
        wanted = [Requirement(line) for line in one.requires or ()]
        extras = [""] if canonicalize_name(one.name) != OURS else ["", "dev", "fuzz"]
        apply = [each for each in wanted if not each.marker or any(each.marker.evaluate({"extra": e}) for e in extras)]
        found[canonicalize_name(one.name)] = (one.version, apply)
    return found


def forbidding(package: str, version: str, packages: dict[str, tuple[str, list[Requirement]]]) -> list[str]:
    """Who wants another version."""
    return [
        f"{name} {of}"
        for name, (of, wanted) in packages.items()
        for each in wanted
        if canonicalize_name(each.name) == package and version not in each.specifier
    ]


def ask(pins: list[str], service: list[str]) -> list[Flaw]:
    """What is known of packages, as name==version. Raises NotAuditedError where that is not known of each."""
    options = ["--format", "json", "--progress-spinner", "off", "--no-deps", "--disable-pip", *service]
    command = [PIP_AUDIT, *options, "--requirement", "/dev/stdin"]
    try:
        done = subprocess.run(command, input="\n".join(pins), capture_output=True, text=True, check=False)
        told = json.loads(done.stdout)["dependencies"]
    except (OSError, ValueError, KeyError) as error:
        raise NotAuditedError(_last_line(done.stderr) if isinstance(error, ValueError) else str(error)) from None
    passed_over = [one for one in told if "skip_reason" in one]
    if passed_over or len(told) < len(pins):
        raise NotAuditedError(passed_over[0]["skip_reason"] if passed_over else "it told of fewer than it was asked")
    return [
        Flaw(
            canonicalize_name(one["name"]), one["version"], (each["id"], *each["aliases"]), tuple(each["fix_versions"])
        )
        for one in told
        for each in one["vulns"]
    ]


def python_flaws(service: list[str]) -> Iterator[Flaw]:
    """What is known of the packages of this environment. Raises NotAuditedError."""
    if not ask([FLAWED], service):
        raise NotAuditedError(f"it knows nothing of {FLAWED}, whose flaws everybody knows")
    packages = installed()
    pins = [f"{name}=={version}" for name, (version, _) in sorted(packages.items()) if name != OURS]
    for flaw in ask(pins, service):
        forbidding_each = [forbidding(flaw.package, version, packages) for version in flaw.fixed_in]
        nobodys = all(forbidding_each)
        names = dict.fromkeys(name for each in forbidding_each for name in each) if nobodys else ()
        yield Flaw(flaw.package, flaw.version, flaw.ids, flaw.fixed_in, tuple(names))


def npm_flaws(folder: str, registry: list[str]) -> Iterator[Flaw]:
    """What is known of what a lock file names. Raises NotAuditedError."""
    command = ["npm", "audit", "--package-lock-only", "--json", "--fetch-retries=0", *registry]
    try:
        done = subprocess.run(command, cwd=HERE.parent / folder, capture_output=True, text=True, check=False)
        told: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError) as error:
        raise NotAuditedError(str(error)) from None
    if "vulnerabilities" not in told:
        raise NotAuditedError(str(told.get("message") or told.get("error"))[:200])
    for name, found in told["vulnerabilities"].items():
        for via in found["via"]:
            if isinstance(via, dict):
                fixed = found["fixAvailable"]
                fixed_in = (fixed["version"],) if isinstance(fixed, dict) else ("a later one",) if fixed else ()
                yield Flaw(name, via["range"], (via["url"].rpartition("/")[2],), fixed_in)


def judged(flaws: list[Flaw], known: dict[str, str]) -> list[str]:
    """A line for each flaw that is not excused: `known` has reasons by id, and excuses none that could be fixed."""
    return [
        f"{flaw}{' (known.toml excuses only what nobody can fix)' if known.keys() & set(flaw.ids) else ''}"
        for flaw in flaws
        if not known.keys() & set(flaw.ids) or (flaw.fixed_in and not flaw.forbidden_by)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="audit", description=__doc__.partition("\n")[0])
    parser.add_argument("--osv-url", help="ask this service, by the protocol of OSV, instead of the package index")
    parser.add_argument("--npm-registry", help="ask this registry of npm's instead of the configured one")
    options = parser.parse_args()
    service = ["--vulnerability-service", "osv", "--osv-url", options.osv_url] if options.osv_url else []
    registry = ["--registry", options.npm_registry] if options.npm_registry else []
    known = tomllib.loads((HERE / "known.toml").read_text("utf-8"))["known"]
    kinds = {"Python": lambda: python_flaws(service)} | {
        f"npm, {folder}": lambda folder=folder: npm_flaws(folder, registry) for folder in LOCKED
    }
    status = CLEAN
    for kind, flaws in kinds.items():
        try:
            found = list(flaws())
        except NotAuditedError as why:
            print(f"not audited: {kind}: {why}")
            status = status or NOT_AUDITED
            continue
        lines = judged(found, known)
        print(f"audited: {kind}: {len(lines)} vulnerable, {len(found) - len(lines)} known and not to be fixed by us")
        for line in lines:
            print(f"  {line}")
        status = FOUND if lines else status
    return status


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:200] or "pip-audit said nothing"


if __name__ == "__main__":
    sys.exit(main())
