"""Boosted trees of scikit-learn as `texpipe.classify.trees` walks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier


def tensors_of(forest: HistGradientBoostingClassifier, leaves: int) -> dict[str, NDArray[Any]]:
    """Return the nodes of all trees, round by round and class by class, and the values that theirs are added to.

    Args:
        forest: fitted.
        leaves: largest number of leaves of a tree.
    """
    trees = [tree.nodes for of_classes in forest._predictors for tree in of_classes]
    shape = len(trees), 2 * leaves - 1
    itself = np.tile(np.arange(shape[1], dtype=np.uint8), (len(trees), 1))
    found: dict[str, NDArray[Any]] = {
        "measure": np.zeros(shape, np.uint8),
        "threshold": np.zeros(shape, np.float32),
        "below": itself.copy(),
        "above": itself.copy(),
        "value": np.zeros(shape, np.float16),
        "start": np.ravel(forest._baseline_prediction).astype(np.float32),
    }
    for number, nodes in enumerate(trees):
        inner, leaf = np.flatnonzero(nodes["is_leaf"] == 0), np.flatnonzero(nodes["is_leaf"])
        found["measure"][number, inner] = nodes["feature_idx"][inner]
        # Measures lie on a grid, and thresholds in the middle between two of them: single precision holds both exactly.
        found["threshold"][number, inner] = nodes["num_threshold"][inner]
        found["below"][number, inner] = nodes["left"][inner]
        found["above"][number, inner] = nodes["right"][inner]
        found["value"][number, leaf] = nodes["value"][leaf]
    return found
