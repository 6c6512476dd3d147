"""Builds the site of the documentation: every page of the repository, with search, and no link that leads nowhere.

    python -m pip install -c constraints.txt ".[docs]" && python docs/build_site.py [--output build/site]

The pages lie where they are read on their own, some beside `docs/`; here they are put together in their places in a
temporary folder, so that a link is right in the repository and on the site. Nothing is fetched, neither here nor by
who reads the site: fonts and scripts are the system's and the theme's own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def parts() -> Iterator[Path]:
    """Yield the pages and pictures of the site, relative to the repository."""
    files = (
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "models").glob("*.md"),
        *(REPOSITORY / "docs").rglob("*"),
    )
    for path in sorted(files):
        if path.suffix in (".md", ".png"):
            yield path.relative_to(REPOSITORY)


def main() -> None:
    """Build the site; the exit code is MkDocs', which counts every warning as a failure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default=REPOSITORY / "build" / "site", help="folder of the site"
    )
    output = parser.parse_args().output.resolve()
    with tempfile.TemporaryDirectory() as folder:
        for part in parts():
            (Path(folder) / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPOSITORY / part, Path(folder) / part)
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
        command += ["--config-file", str(REPOSITORY / "mkdocs.yml"), "--site-dir", str(output)]
        environment = {**os.environ, "TEXPIPE_PAGES": folder, "NO_MKDOCS_2_WARNING": "1"}
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
