"""Trees say what a walk from the root of each says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from texpipe.classify.trees import Floats, Trees


def grown(random: np.random.Generator, leaves: int) -> list[tuple[int, float, int, int, float]]:
    """Return the nodes of a tree: a leaf is split in two until there are enough."""
    nodes = [[0, 0.0, 0, 0, 0.0]]
    while sum(node[2] == at for at, node in enumerate(nodes)) < leaves:
        at = random.choice([at for at, node in enumerate(nodes) if node[2] == at])
        nodes[at] = [random.integers(3), random.choice([-1.0, 0.0, 1.0]), len(nodes), len(nodes) + 1, 0.0]
        nodes += [[0, 0.0, len(nodes) + more, len(nodes) + more, random.normal()] for more in (0, 1)]
    return [tuple(node) for node in nodes]


def forest(random: np.random.Generator, leaves: list[int]) -> Trees:
    """Return trees of so many leaves, filled up with leaves that nothing leads to."""
    trees = [grown(random, count) for count in leaves]
    most = max(map(len, trees))
    full = [one + [(0, 0.0, at, at, 0.0) for at in range(len(one), most)] for one in trees]
    measure, threshold, below, above, value = (np.array(part) for part in np.moveaxis(np.array(full), 2, 0))
    numbers = (part.astype(np.uint8) for part in (measure, below, above))
    measure, below, above = numbers
    return Trees(measure, threshold.astype(np.float32), below, above, value.astype(np.float32))


def walked(trees: Trees, tree: int, measures: Floats) -> float:
    at = 0
    while trees.below[tree, at] != at:
        goes_below = measures[trees.measure[tree, at]] <= trees.threshold[tree, at]
        at = int((trees.below if goes_below else trees.above)[tree, at])
    return float(trees.value[tree, at])


@given(st.integers(0, 1000), st.lists(st.sampled_from([1, 2, 3, 9, 32]), min_size=1, max_size=4))
def test_trees_are_walked_to_the_same_leaf(seed: int, leaves: list[int]) -> None:
    random = np.random.default_rng(seed)
    trees = forest(random, leaves)
    measures = random.choice([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0], (5, 3)).astype(np.float32)
    wanted = [[walked(trees, tree, one) for tree in range(len(leaves))] for one in measures]
    assert np.array_equal(trees.values(measures), np.array(wanted, np.float32))
