"""Makes a folder and a zip of texpipe for Windows that need no installed Python: run on Windows, with the wheel.

    python packaging\\windows_bundle.py dist\\texpipe-VERSION-py3-none-any.whl --output dist

It copies the Python that runs it, installs the wheel and what it needs into the copy, and adds `texpipe.cmd`, onto
which a dump can be dropped. It was written without a Windows machine and has not been run yet.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

COMMAND = (
    "@echo off\r\n"
    'set "PYTHONNOUSERSITE=1"\r\n'
    '"%~dp0python\\python.exe" -I -m texpipe %*\r\n'
    "if errorlevel 1 pause\r\n"
)
"""Passes on all words; the window of a dropped folder stays open if something went wrong."""
LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "site-packages", "test", "idlelib", "tkinter", "Doc", "Tools"
)
"""What texpipe needs of an installed Python is the rest."""


def make_bundle(wheel: Path, output: Path) -> Path:
    """Write `texpipe-windows/` and `texpipe-windows.zip`; return the zip.

    Args:
        wheel: of texpipe.
        output: folder to write to; an older bundle in it is replaced.
    """
    bundle = output / "texpipe-windows"
    if bundle.exists():
        shutil.rmtree(bundle)
    shutil.copytree(sys.base_prefix, bundle / "python", ignore=LEFT_OUT)
    python = bundle / "python" / "python.exe"
    subprocess.run([python, "-m", "ensurepip"], check=True)
    constraints = Path(__file__).parent.parent / "constraints.txt"
    subprocess.run([python, "-m", "pip", "install", "-c", constraints, wheel], check=True)
    subprocess.run([python, "-I", "-m", "texpipe", "--version"], check=True)
    (bundle / "texpipe.cmd").write_bytes(COMMAND.encode())
    return Path(shutil.make_archive(str(bundle), "zip", output, bundle.name))


def main() -> None:
    """Make the bundle."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--output", type=Path, default=Path("dist"))
    arguments = parser.parse_args()
    if sys.platform != "win32":
        parser.error("this makes a bundle of the Python that runs it, so it must run on Windows")
    print(f"wrote {make_bundle(arguments.wheel.resolve(), arguments.output.resolve())}")


if __name__ == "__main__":
    main()
