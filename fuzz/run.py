"""Fuzz one parser by coverage: `python fuzz/run.py TARGET [-max_total_time=60 ...]`, options are libFuzzer's.

A finding is left in the current folder as `crash-...`. Put it into `fuzz/corpus/TARGET` under a name that says what it
is, and the tests read it ever after.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["texpipe"]):
    from fuzz_targets import TARGETS, seeds_of

LIMITS = ("-timeout=5", "-rss_limit_mb=2048", "-max_len=65536")


def main() -> None:
    """Fuzz until the time is over or something is found."""
    known = {target.name: target for target in TARGETS}
    if len(sys.argv) < 2 or sys.argv[1] not in known:
        sys.exit(f"usage: python fuzz/run.py TARGET [libFuzzer's options]\ntargets: {', '.join(known)}")
    target = known[sys.argv[1]]
    with tempfile.TemporaryDirectory() as name:
        folder, corpus = Path(name) / "files", Path(name) / "corpus"
        folder.mkdir()
        corpus.mkdir()
        for number, seed in enumerate(seeds_of(target)):
            (corpus / str(number)).write_bytes(seed)
        options = [sys.argv[0], *LIMITS, *sys.argv[2:], str(corpus)]
        atheris.Setup(options, lambda data: target.outcome(data, folder) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
