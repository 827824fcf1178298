"""Reading LightGBM's model text into flat arrays, so that serving needs no LightGBM.

The format is LightGBM's `v4` (`version=v4` since LightGBM 4.0). A node's child that is negative
is the leaf numbered by its complement.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray
from basics.errors import InvalidInputError

Int32Array = npt.NDArray[np.int32]

_MISSING_NONE, _MISSING_ZERO, _MISSING_NAN = 0, 1, 2
_HEADER = "tree\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """All trees in one table of nodes; a leaf points to itself.

    Attributes
    ----------
    number : ndarray of shape (n_nodes,)
        Threshold of a split (left when x <= threshold), value of a leaf.
    link : int32 ndarray of shape (n_nodes, 3)
        Feature, left child, right child.
    tree : int32 ndarray of shape (n_trees, 3)
        Root, depth, and place in LightGBM's order; sorted so that neighbours are alike deep.
    fill : ndarray of shape (n_nodes,), int8
        Where a missing value goes: 0 as if it were zero, 1 left, 2 right.
    zero_is_missing : bool
        True when a split takes zeros for missing values.
    link_name : str
        What turns the trees' sum into the answer: `identity`, `logistic` or `exponential`.
    sigmoid : float
        Slope of the logistic link.
    """

    number: FloatArray
    link: Int32Array
    tree: Int32Array
    fill: npt.NDArray[np.int8]
    zero_is_missing: bool
    link_name: str
    sigmoid: float
    feature_names: tuple[str, ...]


def header(text: str) -> Mapping[str, str]:
    """Return what the text says before its first tree.

    Raises
    ------
    InvalidInputError
        If it is not a LightGBM model text, or was cut short.
    """
    if not text.startswith(_HEADER) or "\nend of trees" not in text:
        raise InvalidInputError(
            "this is not a whole LightGBM model text: the artefact is damaged or cut short"
        )
    return _pairs(text[: text.index("\nTree=")] if "\nTree=" in text else text)


def read_forest(text: str) -> Forest:
    """Parse the trees of a LightGBM model text.

    Raises
    ------
    InvalidInputError
        If the text is damaged, or has what cannot be compiled: several classes, categorical
        splits, linear leaves, averaged trees, or a link other than identity and logistic.
    """
    head = header(text)
    if head.get("num_tree_per_iteration", "1") != "1" or "average_output" in text[:2000].split():
        raise InvalidInputError("models of several classes or averaged trees are not compiled")
    body = text[: text.index("\nend of trees")]
    try:
        trees = [_read_tree(block) for block in body.split("\nTree=")[1:]]
    except (KeyError, ValueError, IndexError) as error:
        raise InvalidInputError(f"a tree of the model text is damaged: {error}") from error
    if not trees:
        raise InvalidInputError("the model text holds no tree: it was never trained")
    return _join(trees, head)


@dataclass(frozen=True, slots=True)
class _Tree:
    number: FloatArray
    link: Int32Array
    fill: npt.NDArray[np.int8]
    zero_is_missing: bool
    depth: int


def _read_tree(block: str) -> _Tree:
    values = _pairs(block)
    if values.get("num_cat", "0") != "0" or values.get("is_linear", "0") != "0":
        raise InvalidInputError("categorical splits and linear leaves are not compiled")
    leaves = int(values["num_leaves"])
    splits = leaves - 1
    leaf_value = _numbers(values["leaf_value"], leaves)
    if not splits:
        link = np.array([[0, 0, 0]], dtype=np.int32)
        return _Tree(leaf_value, link, np.zeros(1, dtype=np.int8), zero_is_missing=False, depth=0)
    children = np.stack(
        [
            _numbers(values["left_child"], splits).astype(np.int32),
            _numbers(values["right_child"], splits).astype(np.int32),
        ]
    )
    # Leaves follow the splits in the table.
    children = np.where(children < 0, splits + ~children, children)
    decision = _numbers(values["decision_type"], splits).astype(np.int64)
    missing = (decision >> 2) & 3
    default = np.where((decision & 2) > 0, 1, 2)
    own = np.arange(splits, splits + leaves, dtype=np.int32)
    feature = _numbers(values["split_feature"], splits).astype(np.int32)
    return _Tree(
        number=np.concatenate([_numbers(values["threshold"], splits), leaf_value]),
        link=np.concatenate(
            [
                np.stack([feature, children[0], children[1]], axis=1),
                np.stack([np.zeros(leaves, dtype=np.int32), own, own], axis=1),
            ]
        ).astype(np.int32),
        fill=np.concatenate(
            [np.where(missing == _MISSING_NONE, 0, default), np.zeros(leaves)]
        ).astype(np.int8),
        zero_is_missing=bool((missing == _MISSING_ZERO).any()),
        depth=_depth(children),
    )


def _depth(children: Int32Array) -> int:
    """Return the most splits on a way from root to leaf; a child is numbered after its parent."""
    splits = children.shape[1]
    level = np.zeros(2 * splits + 1, dtype=np.int64)
    for node in range(splits):
        for child in children[:, node]:
            if child <= node:
                raise ValueError(f"node {node} has child {child}")
            level[child] = level[node] + 1
    return int(level.max())


def _join(trees: list[_Tree], head: Mapping[str, str]) -> Forest:
    starts = np.cumsum([0, *(len(tree.number) for tree in trees[:-1])])
    links = []
    for start, tree in zip(starts, trees, strict=True):
        shifted = tree.link.copy()
        shifted[:, 1:] += np.int32(start)
        links.append(shifted)
    table = np.array(
        [
            (start, tree.depth, place)
            for place, (start, tree) in enumerate(zip(starts, trees, strict=True))
        ]
    )
    names = tuple(head["feature_names"].split(" "))
    link = np.concatenate(links)
    if link[:, 0].max() >= len(names) or link.min() < 0:
        raise InvalidInputError("the model text splits on a feature that it does not name")
    answer = _answer(head.get("objective", "regression"))
    return Forest(
        number=np.concatenate([tree.number for tree in trees]),
        link=link,
        tree=table[np.argsort(-table[:, 1], kind="stable")].astype(np.int32),
        fill=np.concatenate([tree.fill for tree in trees]),
        zero_is_missing=any(tree.zero_is_missing for tree in trees),
        link_name=answer[0],
        sigmoid=answer[1],
        feature_names=names,
    )


def _answer(objective: str) -> tuple[str, float]:
    """Return the link that turns the trees' sum into a prediction, and its slope."""
    kind = objective.split(" ", maxsplit=1)[0]
    if kind in {"regression", "regression_l1", "huber", "fair", "quantile", "mape"}:
        if "sqrt" in objective.split(" "):
            raise InvalidInputError("the square-root link is not compiled")
        return "identity", 1.0
    if kind in {"gamma", "poisson", "tweedie"}:
        return "exponential", 1.0
    slope = re.search(r"sigmoid:([0-9.eE+-]+)", objective)
    if kind == "binary" and slope:
        return "logistic", float(slope.group(1))
    raise InvalidInputError(f"objective {kind!r} is not compiled")


def _pairs(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def _numbers(text: str, count: int) -> FloatArray:
    numbers = np.array(text.split(" "), dtype=np.float64)
    if len(numbers) != count:
        raise ValueError(f"expected {count} numbers, found {len(numbers)}")
    return numbers
