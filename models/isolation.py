"""An isolation forest as plain tables: trained by scikit-learn, kept as JSON, walked here.

A row that few splits set apart is strange (Liu, Ting and Zhou 2008): score = 2^(-depth / c),
depth the mean path length over the trees, c that of an unsuccessful search among the rows that
a tree was grown on. The walk equals scikit-learn's `score_samples`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError

TREES, SAMPLE = 100, 256
_ROWS = 2048
_EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class IsolationForest:
    """Nodes of all trees one after another; a leaf points to itself.

    Attributes
    ----------
    feature, left, right : ndarray of int64
        Column that a node splits on, and the nodes to go to at or below the threshold and above.
    threshold, path : ndarray of float64
        Threshold of a split; path length of a leaf, 0 elsewhere.
    roots : ndarray of int64
        First node of each tree.
    depth : int
        Longest walk.
    unit : float
        c of the rows that a tree was grown on.
    """

    feature: IntArray
    threshold: FloatArray
    left: IntArray
    right: IntArray
    path: FloatArray
    roots: IntArray
    depth: int
    unit: float
    columns: int

    def score(self, x: FloatArray) -> FloatArray:
        """Return how strange each row is, in (0, 1)."""
        scores = np.empty(len(x))
        for start in range(0, len(x), _ROWS):
            # scikit-learn grows its trees on float32.
            rows = x[start : start + _ROWS].astype(np.float32)
            at = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
            which = np.arange(len(rows))[:, None]
            for _ in range(self.depth):
                low = rows[which, self.feature[at]] <= self.threshold[at]
                at = np.where(low, self.left[at], self.right[at])
            mean = np.cumsum(self.path[at], axis=1)[:, -1] / len(self.roots)
            scores[start : start + _ROWS] = 2.0 ** (-mean / self.unit)
        return scores

    def tables(self) -> dict[str, Any]:
        """Return the tables as plain values."""
        return {
            "feature": self.feature.tolist(),
            "threshold": self.threshold.tolist(),
            "left": self.left.tolist(),
            "right": self.right.tolist(),
            "path": self.path.tolist(),
            "roots": self.roots.tolist(),
            "depth": self.depth,
            "unit": self.unit,
            "columns": self.columns,
        }


def grow_forest(x: FloatArray, *, seed: int) -> IsolationForest:
    """Grow the trees on rows `x` by scikit-learn."""
    from sklearn.ensemble import IsolationForest as Grown

    sample = min(SAMPLE, len(x))
    grown = Grown(n_estimators=TREES, max_samples=sample, random_state=seed, n_jobs=1).fit(x)
    parts: dict[str, list[Any]] = {k: [] for k in ("feature", "threshold", "left", "right", "path")}
    roots, depth, first = [], 0, 0
    for estimator in grown.estimators_:
        tree = estimator.tree_
        own = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        below = _depths(tree.children_left, tree.children_right)
        parts["feature"].append(np.where(leaf, 0, tree.feature))
        parts["threshold"].append(np.where(leaf, 0.0, tree.threshold))
        parts["left"].append(first + np.where(leaf, own, tree.children_left))
        parts["right"].append(first + np.where(leaf, own, tree.children_right))
        ends = below + search_length(tree.n_node_samples)
        parts["path"].append(np.where(leaf, ends, 0.0))
        roots.append(first)
        depth = max(depth, int(below.max()))
        first += tree.node_count
    integers = {k: np.concatenate(parts[k]).astype(np.int64) for k in ("feature", "left", "right")}
    return IsolationForest(
        feature=integers["feature"],
        threshold=np.concatenate(parts["threshold"]).astype(np.float64),
        left=integers["left"],
        right=integers["right"],
        path=np.concatenate(parts["path"]).astype(np.float64),
        roots=np.array(roots, dtype=np.int64),
        depth=depth,
        unit=float(search_length(np.array([sample]))[0]),
        columns=x.shape[1],
    )


def forest_from_tables(tables: Mapping[str, Any]) -> IsolationForest:
    """Read what `tables` wrote, and make sure that every walk ends inside.

    Raises
    ------
    InvalidInputError
        If a node leads astray, or a number is not finite.
    """
    forest = IsolationForest(
        feature=_array(tables["feature"], int),
        threshold=_array(tables["threshold"], float),
        left=_array(tables["left"], int),
        right=_array(tables["right"], int),
        path=_array(tables["path"], float),
        roots=_array(tables["roots"], int),
        depth=int(tables["depth"]),
        unit=float(tables["unit"]),
        columns=int(tables["columns"]),
    )
    nodes = len(forest.feature)
    own = np.arange(nodes)
    ahead = ((forest.left > own) & (forest.right > own)) | (
        (forest.left == own) & (forest.right == own)
    )
    sizes = {len(forest.threshold), len(forest.left), len(forest.right), len(forest.path)}
    sound = (
        sizes == {nodes}
        and bool(ahead.all())
        and int(max(forest.left.max(), forest.right.max())) < nodes
        and 0 <= int(forest.feature.min()) <= int(forest.feature.max()) < forest.columns
        and 0 <= int(forest.roots.min()) <= int(forest.roots.max()) < nodes
        and 0 < forest.depth < 10_000
        and 0.0 < forest.unit < np.inf
    )
    if not sound or not np.isfinite(np.concatenate([forest.threshold, forest.path])).all():
        raise InvalidInputError("the isolation forest cannot be read: a node leads astray")
    return forest


def search_length(rows: IntArray) -> FloatArray:
    """Return the mean path of an unsuccessful search among so many rows: 2 H(n-1) - 2 (n-1)/n."""
    n = rows.astype(np.float64)
    more = np.maximum(n - 1.0, 1.0)
    many = 2.0 * (np.log(more) + _EULER) - 2.0 * (n - 1.0) / np.maximum(n, 1.0)
    return np.asarray(np.where(n > 2, many, np.where(n == 2, 1.0, 0.0)), dtype=np.float64)


def _depths(left: IntArray, right: IntArray) -> FloatArray:
    """Return each node's distance from the root; children come after their parent."""
    depth = np.zeros(len(left))
    for node in range(len(left)):
        if left[node] >= 0:
            depth[left[node]] = depth[right[node]] = depth[node] + 1
    return depth


def _array(values: Any, kind: type) -> Any:  # noqa: ANN401 - from JSON
    found = np.array(values, dtype=np.int64 if kind is int else np.float64)
    if found.ndim != 1 or not len(found):
        raise InvalidInputError("the isolation forest cannot be read: a table is empty")
    return found
