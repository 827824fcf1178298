"""Trees walked in lockstep: eight walks at a time, without a branch to mispredict.

A step is child[x[feature] > threshold], a leaf points to itself, and eight independent walks
(trees for one row, rows for a batch) hide one another's latency. Leaf values are added in
LightGBM's own order, so that one row, a batch and `Booster.predict` give the same bits.
"""

import math

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from measures.kernels.compiled import compiled
from models.predictors import require_columns
from models.tree_text import Forest, Int32Array

_ROWS = 512


class CompiledForest:
    """A forest ready to predict: no library behind it but the kernels."""

    def __init__(self, forest: Forest) -> None:
        self.feature_names = forest.feature_names
        self._number = forest.number
        self._link = np.ascontiguousarray(forest.link)
        self._tree = np.ascontiguousarray(forest.tree)
        self._in_order = np.ascontiguousarray(forest.tree[np.argsort(forest.tree[:, 2])])
        self._fill = forest.fill
        self._zero_is_missing = forest.zero_is_missing
        self._plain = not forest.zero_is_missing
        self._link_name = forest.link_name
        self._sigmoid = forest.sigmoid

    def predict(self, x: FloatArray) -> FloatArray:
        """Return one value for each row of `x`, of shape (n_rows, n_features).

        NaN follows LightGBM's rule of each split: its default side, or zero.

        Raises
        ------
        InvalidInputError
            If the columns or their dtype are not those of training.
        """
        require_columns(x, self.feature_names)
        rows = np.ascontiguousarray(x)
        out = np.empty(len(rows))
        if self._plain and not np.isnan(rows).any():
            _walk_rows(rows, self._number, self._link, self._in_order, out)
        else:
            _walk_rows_missing(
                rows, self._number, self._link, self._tree, self._fill, self._zero_is_missing, out
            )
        if self._link_name == "logistic":
            out = 1.0 / (1.0 + np.exp(-self._sigmoid * out))
        elif self._link_name == "exponential":
            out = np.exp(out)
        return out

    def predict_row(self, row: FloatArray) -> float:
        """Return the value of one row of shape (n_features,), C-contiguous float64.

        The caller vouches for shape and dtype: this is the path where a microsecond counts.
        """
        if not self._plain or self._link_name != "identity":
            return float(self.predict(row.reshape(1, -1))[0])
        value: float = _walk_row(row, self._number, self._link, self._tree)
        if math.isnan(value):
            # A feature is missing: walked by the slower rule.
            return float(self.predict(row.reshape(1, -1))[0])
        return value


@compiled
def _walk_row(row: FloatArray, number: FloatArray, link: Int32Array, tree: Int32Array) -> float:
    """Return the trees' sum for one row; NaN when the row holds a NaN."""
    if np.isnan(row).any():
        return np.nan
    values = np.empty(len(tree))
    _walk(row, number, link, tree, values)
    total = 0.0
    for value in values:
        total += value
    return total


@compiled
def _walk_rows(
    x: FloatArray, number: FloatArray, link: Int32Array, tree: Int32Array, out: FloatArray
) -> None:
    """Write the trees' sum of each row: eight rows walk one tree, which stays in cache."""
    out[:] = 0.0
    eights = len(x) // 8 * 8
    for start in range(0, eights, _ROWS):
        for t in range(len(tree)):
            root, depth = tree[t, 0], tree[t, 1]
            for i in range(start, min(start + _ROWS, eights), 8):
                a = b = c = d = e = f = g = h = root
                for _ in range(depth):
                    a = link[a, 1 + (x[i, link[a, 0]] > number[a])]
                    b = link[b, 1 + (x[i + 1, link[b, 0]] > number[b])]
                    c = link[c, 1 + (x[i + 2, link[c, 0]] > number[c])]
                    d = link[d, 1 + (x[i + 3, link[d, 0]] > number[d])]
                    e = link[e, 1 + (x[i + 4, link[e, 0]] > number[e])]
                    f = link[f, 1 + (x[i + 5, link[f, 0]] > number[f])]
                    g = link[g, 1 + (x[i + 6, link[g, 0]] > number[g])]
                    h = link[h, 1 + (x[i + 7, link[h, 0]] > number[h])]
                out[i] += number[a]
                out[i + 1] += number[b]
                out[i + 2] += number[c]
                out[i + 3] += number[d]
                out[i + 4] += number[e]
                out[i + 5] += number[f]
                out[i + 6] += number[g]
                out[i + 7] += number[h]
    for i in range(eights, len(x)):
        for t in range(len(tree)):
            node = tree[t, 0]
            for _ in range(tree[t, 1]):
                node = link[node, 1 + (x[i, link[node, 0]] > number[node])]
            out[i] += number[node]


@compiled
def _walk(
    row: FloatArray, number: FloatArray, link: Int32Array, tree: Int32Array, values: FloatArray
) -> None:
    """Write each tree's leaf value to its place in LightGBM's order."""
    eights = len(tree) // 8 * 8
    for t in range(0, eights, 8):
        a, b, c, d = tree[t, 0], tree[t + 1, 0], tree[t + 2, 0], tree[t + 3, 0]
        e, f, g, h = tree[t + 4, 0], tree[t + 5, 0], tree[t + 6, 0], tree[t + 7, 0]
        # The first of eight is the deepest: trees are sorted.
        for _ in range(tree[t, 1]):
            a = link[a, 1 + (row[link[a, 0]] > number[a])]
            b = link[b, 1 + (row[link[b, 0]] > number[b])]
            c = link[c, 1 + (row[link[c, 0]] > number[c])]
            d = link[d, 1 + (row[link[d, 0]] > number[d])]
            e = link[e, 1 + (row[link[e, 0]] > number[e])]
            f = link[f, 1 + (row[link[f, 0]] > number[f])]
            g = link[g, 1 + (row[link[g, 0]] > number[g])]
            h = link[h, 1 + (row[link[h, 0]] > number[h])]
        values[tree[t, 2]] = number[a]
        values[tree[t + 1, 2]] = number[b]
        values[tree[t + 2, 2]] = number[c]
        values[tree[t + 3, 2]] = number[d]
        values[tree[t + 4, 2]] = number[e]
        values[tree[t + 5, 2]] = number[f]
        values[tree[t + 6, 2]] = number[g]
        values[tree[t + 7, 2]] = number[h]
    for t in range(eights, len(tree)):
        node = tree[t, 0]
        for _ in range(tree[t, 1]):
            node = link[node, 1 + (row[link[node, 0]] > number[node])]
        values[tree[t, 2]] = number[node]


@compiled
def _walk_rows_missing(  # noqa: PLR0913, PLR0917 - a kernel takes its tables one by one
    x: FloatArray,
    number: FloatArray,
    link: Int32Array,
    tree: Int32Array,
    fill: npt.NDArray[np.int8],
    zero_is_missing: bool,  # noqa: FBT001 - numba takes no keywords
    out: FloatArray,
) -> None:
    """Write the trees' sum of each row where a value may be missing."""
    values = np.empty(len(tree))
    for i in range(len(x)):
        for t in range(len(tree)):
            node = tree[t, 0]
            for _ in range(tree[t, 1]):
                value = x[i, link[node, 0]]
                nothing = np.isnan(value) or (zero_is_missing and abs(value) <= 1e-35)
                if nothing and fill[node] > 0:
                    node = link[node, fill[node]]
                else:
                    node = link[node, 1 + ((0.0 if np.isnan(value) else value) > number[node])]
            values[tree[t, 2]] = number[node]
        total = 0.0
        for value in values:
            total += value
        out[i] = total
