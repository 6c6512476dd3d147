"""The time left on a simulated computer: cores that networks and what comes after them share, and clocks of its own."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from texpipe import meter as clocks
from texpipe.cli.console import Console
from texpipe.cli.progress import ProgressBar
from texpipe.meter import WORKED_OFF, Lump
from texpipe.progress import Progress

BATCH = 4096
"""Texels of a full batch."""
SMALL, LARGE = 32 * 32, 256 * 256
STEPS = 1000
"""Number of steps of a simulated run."""
TICKS = 60
"""Number of looks at the time left in a simulated run."""


@dataclass(frozen=True)
class Batch:
    """Pictures of one size that go through the network together, on one core.

    Attributes:
        count, texels: number of pictures, and texels of each.
        price: processor seconds of the network for a texel.
        model: whose price that is.
    """

    count: int
    texels: int
    price: float
    model: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Processor seconds of the network."""
        return self.count * self.texels * self.price


@dataclass
class Computer:
    """Computes batches in their order on all cores, and finishes their pictures on half of them meanwhile.

    Attributes:
        cores: their number.
        finishing: processor seconds that a texel takes after the network.
        bend: what the network says of its progress within a batch is the true share to this power.
        elsewhere: pictures are finished by other processes, whose time the clock of this one does not show.
    """

    cores: int
    finishing: float
    bend: float = 1.0
    elsewhere: bool = False
    now: float = 0.0
    used: float = 0.0
    _running: list[tuple[Batch, float]] = field(default_factory=list)
    _left: deque[int] = field(default_factory=deque)
    _at_work: list[_Finishing] = field(default_factory=list)

    @property
    def finishers(self) -> int:
        """Number of pictures that are finished at a time."""
        return max(1, self.cores // 2)

    def run(self, batches: Sequence[Batch], step: float) -> Iterator[list[int]]:
        """Compute; yield after each step the texels of each picture that was finished in it."""
        waiting = deque(batches)
        while waiting or self._running or self._left or self._at_work:
            while waiting and len(self._running) < self.cores and self._is_of_the_same_model(waiting[0]):
                self._running.append((waiting.popleft(), 0.0))
                WORKED_OFF.use(self._running[-1][0].model, self.finishers, here=not self.elsewhere)
            while self._left and len(self._at_work) < self.finishers:
                self._at_work.append(_Finishing(self._left.popleft()))
            busy = len(self._running) + len(self._at_work)
            each = step * min(1.0, self.cores / busy)
            self.now += step
            self.used += each * (len(self._running) + (0 if self.elsewhere else len(self._at_work)))
            self._compute(each)
            yield self._finish(each)

    def _is_of_the_same_model(self, batch: Batch) -> bool:
        return all(other.model == batch.model for other, _ in self._running)

    def _compute(self, seconds: float) -> None:
        still = []
        for batch, done in self._running:
            share = min(1.0, done + seconds / batch.seconds)
            WORKED_OFF.add((share**self.bend - done**self.bend) * batch.count * batch.texels)
            if share < 1:
                still.append((batch, share))
            else:
                for _ in range(batch.count):
                    WORKED_OFF.hand_over(batch.texels)
                    self._left.append(batch.texels)
        self._running = still

    def _finish(self, seconds: float) -> list[int]:
        finished = []
        for one in self._at_work:
            one.done += seconds
            if one.done >= one.texels * self.finishing:
                one.end(one.texels * self.finishing)
                finished.append(one.texels)
        self._at_work = [one for one in self._at_work if one.done < one.texels * self.finishing]
        return finished


class _Finishing:
    """A picture that is being finished, and the processor seconds that it took so far."""

    def __init__(self, texels: int) -> None:
        self.texels, self.done, self._stack = texels, 0.0, ExitStack()
        self._took = self._stack.enter_context(WORKED_OFF.finishing(texels))

    def end(self, seconds: float) -> None:
        """Tell the meter that it is finished."""
        self._took(seconds)
        self._stack.close()


def errors(
    computer: Computer, batches: Sequence[Batch], expected: float | None, until: float = 0.9
) -> list[float]:
    """Run batches; return how far the time left was off at each look, from the first third on, as a share of the truth.

    What comes after the share `until` is left out.
    """
    costs = {batch.model: batch.price for batch in batches}
    pictures = [batch for batch in batches for _ in range(batch.count)]
    total = sum(batch.texels * costs[batch.model] for batch in pictures)
    texels = sum(batch.texels for batch in pictures)
    step = (sum(batch.seconds for batch in batches) + texels * computer.finishing) / computer.cores / STEPS
    seen: list[tuple[float, float]] = []
    done = 0
    ahead = max(batch.texels * costs[batch.model] for batch in batches)
    in_order = sorted(pictures, key=lambda one: (one.model, -one.texels))
    lumps = [Lump(one.texels, one.texels * costs[one.model]) for one in in_order]
    WORKED_OFF.restart(lumps, expected, costs, computer.cores)
    with (
        mock.patch.object(clocks.time, "monotonic", side_effect=lambda: computer.now),
        mock.patch.object(clocks.time, "process_time", side_effect=lambda: computer.used),
        ProgressBar(Console(quiet=True)) as bar,
    ):
        bar._quiet = False  # no thread of its own: the clock is set by hand

        def show() -> None:
            work = total * done / len(pictures)
            bar(Progress("upscale", done, len(pictures), 0, 0, int(work), int(total), int(ahead)))

        show()
        for number, finished in enumerate(computer.run(batches, step)):
            for _ in finished:
                done += 1
                show()
            if number % (STEPS // TICKS) == 0:
                bar.wait()
                if bar.latest.seconds_left is not None:
                    seen.append((computer.now, bar.latest.seconds_left))
    WORKED_OFF.restart()
    end = computer.now
    return [abs(left / (end - at) - 1) for at, left in seen if end / 3 < at < until * end]


def two_large_and_forty_small(price: float, small: float = 1.0) -> list[Batch]:
    """A first batch of the smallest, then the largest, then the others; a small texel costs `small` times as much."""
    some = Batch(4, SMALL, price * small)
    return [some, Batch(1, LARGE, price), Batch(1, LARGE, price), *itertools.repeat(some, 9)]


@settings(max_examples=12, deadline=None)
@given(
    cores=st.sampled_from([1, 2, 4, 8]),
    finishing=st.floats(0.0, 1.5),
    small=st.floats(0.85, 1.2),
    bend=st.floats(0.93, 1.08),
    expected=st.floats(0.7, 1.4),
    elsewhere=st.booleans(),
)
@example(cores=2, finishing=0.4, small=1.0, bend=1.0, expected=1.0, elsewhere=False)
@example(cores=2, finishing=1.2, small=1.0, bend=1.0, expected=1.0, elsewhere=True)
def test_the_time_left_is_within_30_per_cent_from_the_first_third_on(
    cores: int, finishing: float, small: float, bend: float, expected: float, elsewhere: bool
) -> None:
    """Of whatever network: what comes after it may cost nothing or more than the network itself."""
    price = 2e-4 * cores
    computer = Computer(cores, finishing * price, bend, elsewhere)
    batches = two_large_and_forty_small(price, small)
    assert max(errors(computer, batches, expected * finishing * price)) < 0.3


@settings(max_examples=5, deadline=None)
@given(
    cores=st.sampled_from([1, 2, 4]),
    finishing=st.floats(0.0, 2.0),
    counts=st.lists(st.integers(3, 8), min_size=2, max_size=2),
)
def test_models_of_other_prices_are_weighed(cores: int, finishing: float, counts: list[int]) -> None:
    """Rules name models: the cheap one comes first, and its pace says nothing of the other but by its price.

    There are as many batches of each model as cores: one that waits for the other's last ones is not foreseen.
    """
    sizes = (64 * 64, 32 * 32)
    price = 30 * cores / (2.2 * BATCH * sum(counts))
    batches = [
        Batch(BATCH // size, size, price * times, model)
        for model, times in ((("a",), 0.2), (("b",), 2.0))
        for size, count in zip(sizes, counts, strict=True)
        for _ in range(count)
    ]
    found = errors(Computer(cores, finishing * price), batches, finishing * price, until=0.8)
    assert max(found) < 0.3


@given(st.lists(st.tuples(st.floats(1, 1e5), st.floats(0.1, 10)), max_size=400))
def test_nothing_is_lost_where_pictures_are_put_together(pictures: list[tuple[float, float]]) -> None:
    given_pictures = [Lump(texels, texels * cost) for texels, cost in pictures]
    lumps = clocks._lumps_of(given_pictures)
    assert len(lumps) <= 2 * clocks._MAX_LUMPS + 1
    assert sum(one.work for one in lumps) == pytest.approx(sum(one.work for one in given_pictures))
    assert sum(one.texels for one in lumps) == pytest.approx(sum(one.texels for one in given_pictures))


def test_before_anything_is_computed_nothing_is_said() -> None:
    """A model takes 30 s to load; nobody knows anything of the rest by then."""
    WORKED_OFF.restart([Lump(SMALL, SMALL)] * 10, 1e-3)
    assert WORKED_OFF.seconds_left() is None
    with mock.patch.object(clocks.time, "monotonic", return_value=130.0):
        WORKED_OFF.add(1e-6)
        assert WORKED_OFF.seconds_left() is None
        assert WORKED_OFF.begun == 130.0
    WORKED_OFF.restart()


def test_pictures_that_fail_are_no_work_that_is_left() -> None:
    """Half of the pictures cannot be read: the others take half of the time."""
    now = 0.0
    with (
        mock.patch.object(clocks.time, "monotonic", side_effect=lambda: now),
        mock.patch.object(clocks.time, "process_time", side_effect=lambda: now),
    ):
        WORKED_OFF.restart([Lump(SMALL, SMALL)] * 10, 0.0)
        WORKED_OFF.add(0.0)
        for _ in range(5):
            WORKED_OFF.skip(SMALL)
        now = 1.0
        WORKED_OFF.add(SMALL)
        WORKED_OFF.hand_over(SMALL)
        left = WORKED_OFF.seconds_left()
    assert left is not None
    assert 0 < left <= 4.5
    WORKED_OFF.restart()
