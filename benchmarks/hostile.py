"""Effects of damaged and hostile files on texpipe's readers: crashes, hangs, memory, files touched elsewhere.

Sound files of `fuzz/fuzz_targets.py` are changed by `fuzz/mutations.py`, with knowledge of the format (lengths,
nesting, numbers, chunks, aliases, bombs) and without, and read in child processes with a limit on memory. A reader may
accept a mutant or refuse it with one of texpipe's errors; anything else is a finding. An audit hook sees every file
that is opened, listed, linked or removed meanwhile.

    python benchmarks/hostile.py --count 100000 --output hostile.json
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import random
import resource
import sys
import sysconfig
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeAlias

sys.path.append(str(Path(__file__).parents[1] / "fuzz"))
from audit import Audit
from fuzz_targets import TARGETS, Target, seeds_of
from mutations import mutate

SECONDS, MEGABYTES = 2.0, 1024
"""Largest processor time, in seconds, and memory, in MB, that reading one file may take."""
STARTING, STALLED = 600.0, 60.0
"""Time without a report after which a child counts as hung and is killed, in seconds, before and after its start-up."""
BATCH = 50
"""Mutants that a child reports at once."""
LIBRARIES = tuple(
    str(Path(place))
    for place in {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, Path(__file__).parents[1]}
)
"""Folders of Python, its packages and texpipe: readers may load modules and shipped files from there."""
SYSTEM = (
    "/proc/",
    "/sys/fs/cgroup",
    "/dev/null",
    "/dev/urandom",
    "/etc/localtime",
    "/usr/lib",
    "/lib",
    "/etc/ld.so",
)
"""What readers may look at elsewhere: how much memory there is, and the system's libraries."""


Job: TypeAlias = tuple[str, int]
"""A target's name and the number of one of its mutants."""


@dataclass(frozen=True)
class Case:
    """What became of one mutant; `outcome` is read, refused, or a finding; seconds are of processor time."""

    target: str
    number: int
    outcome: str
    seconds: float
    megabytes: float

    @property
    def is_finding(self) -> bool:
        """Whether this must not happen."""
        sound = self.outcome in {"read", "refused"}
        return not sound or self.seconds > SECONDS or self.megabytes > MEGABYTES


def mutant(target: Target, number: int, seed: int) -> bytes:
    """Return the mutant of this number; the same number and seed give the same bytes."""
    rng = random.Random(f"{seed} {target.name} {number}")
    return mutate(rng.choice(seeds_of(target)), rng)


def outcome_of(target: Target, data: bytes, folder: Path) -> str:
    """Read a file with these bytes: `read`, `refused` by an error of texpipe's, or `crashed: ...`."""
    try:
        return target.outcome(data, folder)
    except BaseException as error:  # whatever escapes is what is looked for
        return f"crashed: {type(error).__name__}: {error}"[:200]


def run(jobs: list[Job], seed: int, folder: Path) -> Iterator[Case]:
    """Read the mutants of these targets and numbers in a child; one that makes it die or hang costs a new child."""
    # A forked child would inherit the locks of torch's threads and hang by itself.
    context = multiprocessing.get_context("spawn")
    done = 0
    while done < len(jobs):
        ours, theirs = context.Pipe()
        child = context.Process(target=_work, args=(jobs[done:], seed, folder, theirs))
        child.start()
        theirs.close()
        for case in _received(ours, jobs[done:]):
            yield case
            done += 1
        child.kill()
        child.join()


def _in_workers(jobs: list[Job], workers: int, seed: int, folder: Path) -> list[Case]:
    """Run the jobs in several children, each with targets of its own."""
    names = sorted({name for name, _ in jobs})
    shares = [[job for job in jobs if names.index(job[0]) % workers == worker] for worker in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        return [
            case for cases in pool.map(lambda share: list(run(share, seed, folder)), shares) for case in cases
        ]


def _received(pipe: Connection, jobs: list[Job]) -> Iterator[Case]:
    """Yield a child's cases, and its death or silence as a case; returns when it has no more."""
    patience, done = STARTING, 0
    try:
        while done < len(jobs):
            if not pipe.poll(patience):
                yield Case(*jobs[done], "hung", STALLED, 0)
                return
            patience = STALLED
            cases = pipe.recv()
            yield from cases
            done += len(cases)
    except EOFError:
        yield Case(*jobs[done], "died", 0, 0)


def _work(jobs: list[Job], seed: int, folder: Path, pipe: Connection) -> None:
    temporary = folder / f"tmp-{os.getpid()}"
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    logging.disable()
    warnings.simplefilter("ignore")
    allowed = (os.path.realpath(folder), *LIBRARIES, *SYSTEM)
    audit = Audit(lambda path: not path.startswith(allowed))
    targets, warm = {target.name: target for target in TARGETS}, set[str]()
    _limit_memory()
    done: list[Case] = []
    for name, number in jobs:
        inside = folder / name
        if name not in warm:
            inside.mkdir(exist_ok=True)
            for data in seeds_of(targets[name]):  # imports are no file's fault
                targets[name].outcome(data, inside)
            warm.add(name)
        done.append(_case(targets[name], number, seed, inside, audit))
        # Only sound mutants are held back: a finding, or what comes before a death, must not be lost.
        if len(done) >= BATCH or done[-1].is_finding or done[-1].seconds > 0.1:
            pipe.send(done)
            done = []
    pipe.send(done)


def _case(target: Target, number: int, seed: int, folder: Path, audit: Audit) -> Case:
    data = mutant(target, number, seed)
    before, start = _peak(), time.process_time()
    with audit:
        outcome = outcome_of(target, data, folder)
    seconds = time.process_time() - start
    if audit.elsewhere:
        outcome = f"elsewhere: {audit.elsewhere[0]}"[:200]
    # The peak never falls, so what it has grown by is the least that this file may have cost.
    return Case(target.name, number, outcome, seconds, _peak() - before)


def _peak() -> float:
    """Return the most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _limit_memory() -> None:
    """Let allocations beyond the limit fail, instead of the whole computer."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    if pages:
        most = pages * os.sysconf("SC_PAGE_SIZE") + (MEGABYTES + 256) * (1 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def report(cases: list[Case], strays: list[str], seconds: float) -> dict[str, object]:
    """Return the figures: outcomes per reader, the dearest files, and everything that must not happen."""
    outcomes: dict[str, Counter[str]] = {}
    for case in cases:
        outcomes.setdefault(case.target, Counter())[case.outcome.split(":")[0]] += 1
    slowest, largest = max(cases, key=lambda one: one.seconds), max(cases, key=lambda one: one.megabytes)
    return {
        "files": len(cases),
        "readers": len(outcomes),
        "read": sum(case.outcome == "read" for case in cases),
        "refused": sum(case.outcome == "refused" for case in cases),
        "seconds": round(seconds, 1),
        "slowest_seconds": slowest.seconds,
        "slowest": f"{slowest.target} {slowest.number}",
        "most_megabytes": largest.megabytes,
        "largest": f"{largest.target} {largest.number}",
        "findings": [vars(case) for case in cases if case.is_finding],
        "stray_files": strays,
        "outcomes": {name: dict(counter) for name, counter in outcomes.items()},
    }


def main() -> None:
    """Mutate, read, and say what was found; exits with 1 if anything was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000, help="mutants over all readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="children at once")
    parser.add_argument("--only", help="one reader's name")
    parser.add_argument("--write", type=int, help="with --only: write the mutant of this number to stdout")
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    chosen = parser.parse_args()
    known = [target for target in TARGETS if chosen.only in (None, target.name)]
    if chosen.write is not None:
        sys.stdout.buffer.write(mutant(known[0], chosen.write, chosen.seed))
        return
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        numbers = range(-(-chosen.count // len(known)))
        jobs = [(target.name, number) for target in known for number in numbers]
        cases = _in_workers(jobs, chosen.workers, chosen.seed, Path(name))
        strays = sorted(str(path) for target in known for path in _strays(target, Path(name) / target.name))
    result = report(cases, strays, time.monotonic() - start)
    text = json.dumps(result, indent=2) + "\n"
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")
    print(text, end="")
    sys.exit(bool(result["findings"] or strays))


def _strays(target: Target, folder: Path) -> Iterator[Path]:
    """Yield files that neither the benchmark, nor a report of the pack, nor what the parser is for put there."""
    ours = {folder / name for name in (target.file, *target.beside)}
    ours.update(path for pattern in target.makes for path in folder.glob(pattern))
    for path in folder.rglob("*"):
        if path.is_file() and path not in ours and "report" not in path.relative_to(folder).parts:
            yield path


if __name__ == "__main__":
    main()
