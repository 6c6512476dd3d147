"""A file is taken when it is whole, the newest first; what cannot be read comes again, but not for ever."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.live.arrivals import PATIENCE_SECONDS, SETTLE_SECONDS, Arrivals

A, B = Path("a.png"), Path("b.png")
SETTLED = 1.1 * SETTLE_SECONDS


class World:
    """Files by name, and one clock for all."""

    def __init__(self) -> None:
        self.now = 10_000.0
        self.files: dict[Path, tuple[int, int]] = {}
        self.arrivals = Arrivals(self.files.get, lambda: self.now, lambda: self.now)

    def write(self, path: Path, size: int) -> None:
        self.files[path] = size, int(self.now * 1e9)

    def after(self, seconds: float) -> list[Path]:
        self.now += seconds
        return self.arrivals.take(100)


@pytest.fixture
def world() -> World:
    return World()


def test_a_file_that_grows_is_not_taken_until_it_stays_as_it_is(world):
    for size in range(1, 6):
        world.write(A, size)
        world.arrivals.add([A])
        assert world.after(SETTLE_SECONDS / 2) == []
    assert world.after(SETTLED) == [A]
    assert len(world.arrivals) == 0


def test_a_file_that_grows_without_events_is_seen_to_grow(world):
    world.write(A, 1)
    world.arrivals.add([A])
    world.now += SETTLED
    world.write(A, 2)
    assert world.after(0) == []
    assert world.after(SETTLED) == [A]


def test_the_newest_comes_first_and_old_files_are_not_waited_for(world):
    for number in range(5):
        world.now += 1
        world.write(Path(f"{number}.png"), 1)
    world.now += 100
    world.write(A, 1)
    world.arrivals.add([*(Path(f"{number}.png") for number in range(5)), A])
    assert world.arrivals.take(2) == [Path("4.png"), Path("3.png")]
    world.now += SETTLED
    assert world.arrivals.take(3) == [A, Path("2.png"), Path("1.png")]
    assert world.arrivals.take(3) == [Path("0.png")]


def test_what_cannot_be_read_comes_again_less_and_less_often_and_is_given_up(world):
    world.write(A, 7)
    world.arrivals.add([A])
    world.after(SETTLED)
    gaps, asked = [], world.now
    while world.arrivals.again(A):
        while not world.after(0.05):
            assert world.now < 10_000 + 10 * PATIENCE_SECONDS
        gaps.append(world.now - asked)
        asked = world.now
    assert gaps == sorted(gaps)
    assert PATIENCE_SECONDS < world.now - 10_000 < 2 * PATIENCE_SECONDS
    assert len(gaps) < 15
    assert len(world.arrivals) == 0


def test_a_half_written_file_that_is_finished_is_taken_at_once(world):
    world.write(A, 7)
    world.arrivals.add([A])
    world.after(SETTLED)
    for _ in range(4):
        assert world.arrivals.again(A)
        while not world.after(0.05):
            pass
    assert world.arrivals.again(A)
    world.write(A, 20)
    world.arrivals.add([A])
    assert world.after(SETTLED) == [A]


def test_files_that_go_and_files_that_stay_empty_are_forgotten(world):
    world.write(A, 7)
    world.write(B, 0)
    world.arrivals.add([A, B])
    del world.files[A]
    assert world.after(SETTLED) == []
    assert world.arrivals.seconds_to_next() is not None
    assert world.after(2 * PATIENCE_SECONDS) == []
    assert world.arrivals.seconds_to_next() is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from([A, B, Path("c.png")]),
            st.sampled_from(["write", "tell", "take"]),
            st.floats(0, 3),
        ),
        max_size=40,
    )
)
def test_every_file_that_is_told_is_taken_with_its_last_bytes(steps):
    world = World()
    taken: dict[Path, tuple[int, int]] = {}
    told: set[Path] = set()
    for path, what, seconds in steps:
        world.now += seconds
        if what == "write":
            world.write(path, world.files.get(path, (0, 0))[0] + 1)
            told.discard(path)
        elif what == "tell" and path in world.files:
            world.arrivals.add([path])
            told.add(path)
        else:
            taken |= {one: world.files[one] for one in world.arrivals.take(1)}
    for _ in range(10):
        taken |= {one: world.files[one] for one in world.after(SETTLED)}
    assert all(taken[path] == world.files[path] for path in told)
    assert world.arrivals.seconds_to_next() is None
