"""How long a run still takes: work is counted while a picture is computed, and the rest is simulated."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_EXPECTED_TEXELS: Final = 1024
"""Number of texels whose measured finishing counts as much as what was expected of it: a small picture."""
_MAX_LUMPS: Final = 200
"""Largest number of lumps that pictures are put together to, so that simulating them takes milliseconds."""
_BATCH_TEXELS: Final = 4096
"""Texels of a batch of pictures of one size on a processor."""
_TOLD_SECONDS: Final = 0.5
"""Seconds for which an estimate is told before another one is made."""
_NEARLY: Final = 0.97
"""Largest share of what is under way that counts as done before it is."""


@dataclass(frozen=True, slots=True)
class Lump:
    """Some pictures that go through the network together: texels, and the work of the network."""

    texels: float
    work: float


def _lumps_of(pictures: Sequence[Lump]) -> tuple[Lump, ...]:
    """Return pictures in their order, put together as batches are, and further until there are few."""
    least = sum(one.work for one in pictures) / _MAX_LUMPS
    lumps: list[Lump] = []
    before: Lump | None = None
    for one in pictures:
        last = lumps[-1] if lumps else Lump(0.0, 0.0)
        is_batch = one == before and last.texels + one.texels <= _BATCH_TEXELS
        if lumps and (is_batch or last.work + one.work <= least):
            lumps[-1] = Lump(last.texels + one.texels, last.work + one.work)
        else:
            lumps.append(one)
        before = one
    return tuple(lumps)


@dataclass
class _Finishing:
    """A picture that is being finished: its texels, until when it was watched, and the processor seconds until then."""

    texels: float
    at: float
    seconds: float = 0.0

    def goes_on(self, now: float, speed: float) -> None:
        """Let it go on until now, by the processor seconds that it gets per second."""
        self.seconds += (now - self.at) * speed
        self.at = now

    def left(self, per_texel: float) -> float:
        """Return how many of its texels are left, if each takes `per_texel` seconds."""
        return self.texels * max(1 - _NEARLY, 1 - self.seconds / max(self.texels * per_texel, 1e-9))


class Meter:
    """How far a run is on the processors of this computer, counted while a picture is still computed.

    Networks count their texels as they go through their layers. What comes after them (the picture of the result, and
    its file) is measured; until much is finished, what was expected of it counts as well, because the largest pictures
    come first and are finished late. How long all takes, and what is left of it, is simulated: each picture takes one
    core for the network and then one for what comes after it, and who shares a core waits for the other. What the
    simulated time of what is done is to the real one, it will be for the rest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.restart()

    def restart(
        self,
        pictures: Sequence[Lump] = (),
        finishing: float | None = None,
        costs: Mapping[tuple[str, ...], float] | None = None,
        cores: int = 1,
    ) -> None:
        """Begin to count anew.

        Args:
            pictures: what goes through networks, in its order; nothing where other devices compute.
            finishing: processor seconds that a texel is expected to take after the network; None if nobody knows.
            costs: work per texel of the models that plans name; 1 of those that it lacks.
            cores: number of processor cores that the run may use.
        """
        with self._lock:
            self._pictures, self._cores, self._finishers, self._here = tuple(pictures), cores, 1, True
            self._all = _lumps_of(self._pictures)
            self._expected, self._costs, self._cost = finishing, dict(costs or {}), 1.0
            self._work = self._finished = self._finishing = 0.0
            self._handed, self._count = Counter[float](), 0
            self._being_finished: dict[int, _Finishing] = {}
            self._first: tuple[float, float, float] | None = None
            self._told: tuple[float, _Estimate] | None = None
            self._asked: tuple[float, float] | None = None

    @property
    def begun(self) -> float | None:
        """When the first texels were counted, on the monotonic clock; None before that.

        Loading a model and reading the first pictures take time once, and say nothing about what is left.
        """
        return None if self._first is None else self._first[0]

    def use(self, named: tuple[str, ...], finishers: int, *, here: bool) -> None:
        """Count what comes now.

        Args:
            named: the models that a plan names.
            finishers: number of threads, or of processes, that finish pictures.
            here: they are threads of this process.
        """
        self._cost, self._finishers, self._here = self._costs.get(named, 1.0), finishers, here

    def add(self, texels: float) -> None:
        """Count a part of a picture, from any thread."""
        with self._lock:
            self._work += texels * self._cost
            if self._first is None:
                self._first = time.monotonic(), time.process_time(), self._work

    def skip(self, texels: float) -> None:
        """Count a picture that cannot be made as done."""
        with self._lock:
            self._handed[texels] += 1
            self._finished += texels
            self._count += 1

    def hand_over(self, texels: float) -> None:
        """Count a picture whose network is done, and which is now to be finished."""
        with self._lock:
            self._handed[texels] += 1

    @contextmanager
    def finishing(self, texels: float) -> Iterator[Callable[[float], None]]:
        """Count a picture that is finished after the network, from any thread.

        Args:
            texels: that the network saw of it.

        Yields:
            A function that takes the processor seconds that it took.
        """
        token = object()
        with self._lock:
            self._being_finished[id(token)] = _Finishing(texels, time.monotonic())

        def took(seconds: float) -> None:
            with self._lock:
                self._finishing += seconds

        try:
            yield took
        finally:
            with self._lock:
                del self._being_finished[id(token)]
                self._finished += texels
                self._count += 1

    def seconds_left(self) -> float | None:
        """Return the time that is left; None before there is anything to tell."""
        told = self._tell()
        return None if told is None else max(0.0, told[1].seconds_left - (time.monotonic() - told[0]))

    def share(self) -> float | None:
        """Return how much of all work is done, 0 to 1, also within a picture; None before there is anything to tell."""
        told = self._tell()
        return None if told is None else told[1].share

    def _tell(self) -> tuple[float, _Estimate] | None:
        """Return an estimate of now or of shortly before, and when it was made."""
        now = time.monotonic()
        if self._told is None or now - self._told[0] >= _TOLD_SECONDS:
            estimate = self._simulated(now, time.process_time())
            self._told = None if estimate is None else (now, estimate)
        return self._told

    def _simulated(self, now: float, processor: float) -> _Estimate | None:
        with self._lock:
            if self._first is None or self._work <= self._first[2] or not self._pictures:
                return None
            began, first_processor, first_work = self._first
            per_texel = self._finishing_per_texel()
            waiting = self._still_for_network()
            speed = self._speed(now, processor, len(self._being_finished) + min(len(waiting), self._cores))
            for one in self._being_finished.values():
                one.goes_on(now, speed)
            unfinished = [one.left(per_texel) for one in self._being_finished.values()]
            used = processor - first_processor
            if self._here:
                used -= self._finishing + sum(
                    min(one.seconds, one.texels * per_texel) for one in self._being_finished.values()
                )
            per_work = max(used, 1e-9) / (self._work - first_work)
            simulation = _Simulation(self._cores, self._finishers, per_work, per_texel)
            ready, whole = [*unfinished, *self._queued()], [(one.work, one.texels) for one in self._all]
            left, total = simulation.run(waiting, ready), simulation.run(whole, [])
            share = 1 - simulation.processor_seconds(waiting, ready) / simulation.processor_seconds(whole, [])
        return _Estimate(left * (now - began) / (total - left), share) if total > left else None

    def _speed(self, now: float, processor: float, busy: int) -> float:
        """Return the processor seconds that each of the busy threads had per second since this was asked last."""
        before, used = self._asked or (now, processor)
        self._asked = now, processor
        if not busy:
            return 0.0
        if not self._here or now <= before:
            return min(1.0, self._cores / busy)
        return min(1.0, (processor - used) / (now - before) / busy)

    def _queued(self) -> list[float]:
        """Return the texels of what waits to be finished, put together to few lumps of about one size."""
        texels = sum(texels * count for texels, count in self._handed.items())
        texels -= self._finished + sum(one.texels for one in self._being_finished.values())
        count = min(self._handed.total() - self._count - len(self._being_finished), _MAX_LUMPS)
        return [texels / count] * count if count > 0 else []

    def _finishing_per_texel(self) -> float:
        expected = _EXPECTED_TEXELS if self._expected is not None else 0
        seconds = self._finishing + expected * (self._expected or 0.0)
        measured = self._finished if self._finishing else 0.0
        return seconds / max(measured + expected, 1.0)

    def _still_for_network(self) -> list[tuple[float, float]]:
        """Return the work that is left of each lump, and its texels: the first ones are under way."""
        gone, work, still = self._handed.copy(), self._work, []
        for one in self._pictures:
            if gone[one.texels] > 0:
                gone[one.texels] -= 1
                work -= one.work
            else:
                still.append(one)
        left = [(one.work, one.texels) for one in _lumps_of(still)]
        under_way = sorted(range(min(self._cores, len(left))), key=lambda place: left[place][0])
        for number, place in enumerate(under_way):
            # All have got the same time, as far as they need it.
            each = max(work, 0.0) / (len(under_way) - number)
            done = min(each, _NEARLY * left[place][0])
            left[place], work = (left[place][0] - done, left[place][1]), work - done
        spread = max(work, 0.0)
        for place in range(self._cores, len(left)):
            done = min(spread, left[place][0])
            left[place], spread = (left[place][0] - done, left[place][1]), spread - done
        return left


@dataclass(frozen=True)
class _Estimate:
    """How long a run still takes, and the share of its work that is done."""

    seconds_left: float
    share: float


@dataclass(frozen=True)
class _Simulation:
    """Simulates the rest of a run: cores that networks and what comes after them share.

    Attributes:
        cores: number of cores; as many lumps go through the network at a time.
        finishers: number of lumps that are finished at a time.
        per_work: processor seconds per unit of work.
        per_texel: processor seconds per texel, after the network.
    """

    cores: int
    finishers: int
    per_work: float
    per_texel: float

    def processor_seconds(self, lumps: Sequence[tuple[float, float]], ready: Sequence[float]) -> float:
        """Return the processor seconds that all of it takes; arguments as `run` takes them."""
        after_network = sum(texels for _, texels in lumps) + sum(ready)
        return sum(work for work, _ in lumps) * self.per_work + after_network * self.per_texel

    def run(self, lumps: Sequence[tuple[float, float]], ready: Sequence[float]) -> float:
        """Return how long it takes.

        Args:
            lumps: work and texels, in their order.
            ready: texels of what has gone through the network.
        """
        waiting = deque((work * self.per_work, texels) for work, texels in lumps)
        queue = deque(texels * self.per_texel for texels in ready)
        network: list[tuple[float, float]] = []
        finishing: list[float] = []
        now = 0.0
        while waiting or network or queue or finishing:
            while waiting and len(network) < self.cores:
                network.append(waiting.popleft())
            while queue and len(finishing) < self.finishers:
                finishing.append(queue.popleft())
            speed = min(1.0, self.cores / (len(network) + len(finishing)))
            step = min([*(seconds for seconds, _ in network), *finishing])
            now += step / speed
            queue += [texels * self.per_texel for seconds, texels in network if seconds <= step]
            network = [(seconds - step, texels) for seconds, texels in network if seconds > step]
            finishing = [seconds - step for seconds in finishing if seconds > step]
        return now


WORKED_OFF = Meter()
"""The meter of this process: what is shown while a large picture takes minutes is read from it."""
