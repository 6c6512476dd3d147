"""Known vulnerabilities of what texpipe needs: by pip-audit where an index has advisories, else by advisories.csv.

python .ci/known_vulnerabilities.py            compare allowed versions with advisories.csv
python .ci/known_vulnerabilities.py --online   ask pip-audit as well; it must be installed
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

REPOSITORY = Path(__file__).parents[1]
NOT_OURS = "does not apply"
"""What stands for a version where an advisory is about something that texpipe never does."""


def advisories(file: Path) -> list[Mapping[str, str]]:
    """Return the rows of the list: package, fixed_in, advisory, what."""
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def requirements(pyproject: str, constraints: str) -> Iterator[tuple[str, str, Version]]:
    """Yield package, where it stands, and the oldest version that is allowed there.

    Args:
        pyproject, constraints: text of the two files.
    """
    for line in re.findall(r'"([A-Za-z][A-Za-z0-9._-]*>=[^"]+)"', pyproject):
        needed = Requirement(line)
        lowest = max(Version(one.version) for one in needed.specifier if one.operator == ">=")
        yield needed.name.lower(), "pyproject.toml", lowest
    for line in constraints.splitlines():
        if "==" in line and not line.startswith("#"):
            pinned = Requirement(line)
            yield pinned.name.lower(), "constraints.txt", Version(next(iter(pinned.specifier)).version)


def problems(known: list[Mapping[str, str]], pyproject: str, constraints: str) -> list[str]:
    """Return one line for each version that is allowed and known to be vulnerable."""
    allowed = list(requirements(pyproject, constraints))
    return [
        f"{where} allows {name} {version}, but {row['advisory']} is fixed in {row['fixed_in']}: {row['what']}"
        for row in known
        for name, where, version in allowed
        if row["fixed_in"] != NOT_OURS and name == row["package"] and version < Version(row["fixed_in"])
    ]


def asked_online(known: list[Mapping[str, str]]) -> list[str] | None:
    """Return what pip-audit finds in constraints.txt, without what does not apply; None where it has no advisories."""
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format=json"]
    done = subprocess.run(
        [*command, "-r", "constraints.txt"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    if all("skip_reason" in one for one in packages):
        return None
    passed = {row["advisory"] for row in known if row["fixed_in"] == NOT_OURS}
    return [
        f"{one['name']} {one['version']}: {found['id']}"
        for one in packages
        for found in one.get("vulns", ())
        if not passed & {found["id"], *found.get("aliases", ())}
    ]


def main() -> None:
    """Print what is vulnerable; exit with 1 if anything is."""
    known = advisories(Path(__file__).with_name("advisories.csv"))
    texts = ((REPOSITORY / name).read_text("utf-8") for name in ("pyproject.toml", "constraints.txt"))
    found = problems(known, *texts)
    if "--online" in sys.argv[1:]:
        online = asked_online(known)
        print(
            "pip-audit has no advisories here: only the list was checked"
            if online is None
            else "pip-audit was asked"
        )
        found += online or []
    print("\n".join(found) or f"no known vulnerability among {len(known)} advisories")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
