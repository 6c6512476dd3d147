"""Effects of damaged and hostile files on texpipe's readers: crashes, hangs, memory, unexpected files.

Valid files of `fuzz/fuzz_targets.py` are mutated (bits flipped, bytes set to extremes, parts cut out, doubled,
truncated) by a seeded generator and read in a child process. A reader may accept a mutant or refuse it with one of
texpipe's errors; anything else is a finding.

    python benchmarks/hostile.py --count 10000 --output hostile.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "fuzz"))
from fuzz_targets import TARGETS, Target, seeds_of

SECONDS, MEGABYTES = 2.0, 1024
"""Largest processor time, in seconds, and memory, in MB, that reading one file may take."""
STARTING, STALLED = 600.0, 60.0
"""Time without a report after which a child counts as hung and is killed, in seconds, before and after its start-up."""
EXTREMES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)


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


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return the data with one to four random damages."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice((_flip, _extreme, _cut, _double, _truncate))(data, rng)
    return data


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


def run(name: str, numbers: range, seed: int, folder: Path) -> Iterator[Case]:
    """Read the mutants of these numbers in children; a child that dies or hangs costs one of them."""
    # A forked child would inherit the locks of torch's threads and hang by itself.
    context = multiprocessing.get_context("spawn")
    at = numbers.start
    while at < numbers.stop:
        ours, theirs = context.Pipe()
        child = context.Process(target=_work, args=(name, range(at, numbers.stop), seed, folder, theirs))
        child.start()
        theirs.close()
        for case in _received(ours, name, at):
            yield case
            at = case.number + 1
        child.kill()
        child.join()


def _received(pipe: Connection, name: str, at: int) -> Iterator[Case]:
    """Yield a child's cases, and its death or silence as a case; returns when it has no more."""
    patience = STARTING
    try:
        while True:
            if not pipe.poll(patience):
                yield Case(name, at, "hung", STALLED, 0)
                return
            patience = STALLED
            case = pipe.recv()
            if case is None:
                return
            yield case
            at = case.number + 1
    except EOFError:
        yield Case(name, at, "died", 0, 0)


def _work(name: str, numbers: range, seed: int, folder: Path, pipe: Connection) -> None:
    target = {target.name: target for target in TARGETS}[name]
    for data in seeds_of(target):  # imports are no file's fault
        target.outcome(data, folder)
    for number in numbers:
        data = mutant(target, number, seed)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        outcome = outcome_of(target, data, folder)
        seconds = time.process_time() - start
        # The peak never falls, so what it has grown by is the least that this file may have cost.
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        pipe.send(Case(name, number, outcome, seconds, grown))
    pipe.send(None)


def _flip(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data)) if data else 0
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :] if data else data


def _extreme(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8))
    return data[:at] + bytes([rng.choice(EXTREMES)]) * size + data[at + size :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.randint(1, 64)
    return data[:at] + data[at + size :]


def _double(data: bytes, rng: random.Random) -> bytes:
    at, size = rng.randrange(len(data) + 1), rng.randint(1, 64)
    return data[: at + size] * rng.choice((1, 1, 2)) + data[at:]


def _truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def report(cases: list[Case], strays: list[str]) -> dict[str, object]:
    """Return the figures: outcomes per reader, the dearest file, and everything that must not happen."""
    outcomes: dict[str, Counter[str]] = {}
    for case in cases:
        outcomes.setdefault(case.target, Counter())[case.outcome.split(":")[0]] += 1
    return {
        "files": len(cases),
        "outcomes": {name: dict(counter) for name, counter in outcomes.items()},
        "slowest_seconds": max(case.seconds for case in cases),
        "most_megabytes": max(case.megabytes for case in cases),
        "findings": [vars(case) for case in cases if case.is_finding],
        "stray_files": strays,
    }


def main() -> None:
    """Mutate, read, and say what was found; exits with 1 if anything was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000, help="mutants over all readers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one reader's name")
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    chosen = parser.parse_args()
    known = [target for target in TARGETS if chosen.only in (None, target.name)]
    with tempfile.TemporaryDirectory() as name:
        each = range(-(-chosen.count // len(known)))
        cases = [case for target in known for case in run(target.name, each, chosen.seed, Path(name))]
        allowed = {file for target in known for file in (target.file, *target.beside)}
        strays = sorted(str(path) for path in Path(name).rglob("*") if path.name not in allowed)
    result = report(cases, strays)
    text = json.dumps(result, indent=2) + "\n"
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")
    print(text, end="")
    sys.exit(bool(result["findings"] or strays))


if __name__ == "__main__":
    main()
