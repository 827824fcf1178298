"""Rows for training: one for each (session, symbol) whose features are all known.

Rows are ordered by session, then symbol, so that a date group is one contiguous slice. A row
without a label keeps its place with y = NaN: it can be predicted, never trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from basics.arrays import BoolArray, DateArray, FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from features.labels import Labels
from features.panel import FeaturePanel


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Features and label of every row, and when each label was earned.

    Attributes
    ----------
    x : ndarray of shape (n_rows, n_features)
        Feature values known at the close of the row's session; finite.
    y : ndarray of shape (n_rows,)
        The label; NaN where it is not known.
    symbol, session : ndarray of shape (n_rows,), int64
        Positions in `symbols` and `sessions`; `session` never decreases.
    label_start, label_end : ndarray of shape (n_rows,), int64
        Session positions of the closed interval that the label looks at; -1 where y is NaN.
    feature_set, feature_hash : str
        Name of the feature set, and the hash of its definition.
    simulated : frozenset of str
        The simulated fields that the features read; with any, results are no evidence.
    """

    x: FloatArray
    y: FloatArray
    symbol: IntArray
    session: IntArray
    label_start: IntArray
    label_end: IntArray
    feature_names: tuple[str, ...]
    symbols: tuple[str, ...]
    sessions: DateArray
    feature_set: str
    feature_hash: str
    simulated: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        rows = len(self.y)
        if self.x.shape != (rows, len(self.feature_names)):
            raise InvalidInputError(
                f"x has shape {self.x.shape}, not ({rows}, {len(self.feature_names)})"
            )
        for name in ("symbol", "session", "label_start", "label_end"):
            if getattr(self, name).shape != (rows,):
                raise InvalidInputError(f"{name} must have one value for each of {rows} rows")
        if rows and (np.diff(self.session) < 0).any():
            raise InvalidInputError("rows must be ordered by session: sort them before")

    @property
    def labelled(self) -> BoolArray:
        """Which rows have a label, of shape (n_rows,)."""
        return np.isfinite(self.y)

    def rows_between(self, start: int, stop: int) -> IntArray:
        """Return the rows whose session position lies in [start, stop)."""
        first, last = np.searchsorted(self.session, [start, stop])
        return np.arange(first, last)

    def position(self, day: np.datetime64) -> int:
        """Return the position of the first session on or after `day`."""
        return int(np.searchsorted(self.sessions, day))

    def to_grid(self, values: FloatArray, rows: IntArray) -> FloatArray:
        """Spread `values` of `rows` over (n_symbols, n_sessions), NaN elsewhere."""
        grid = np.full((len(self.symbols), len(self.sessions)), np.nan)
        grid[self.symbol[rows], self.session[rows]] = values
        return grid

    def from_grid(self, grid: FloatArray) -> FloatArray:
        """Return the cell of `grid`, of shape (n_symbols, n_sessions), for every row."""
        return np.asarray(grid[self.symbol, self.session], dtype=np.float64)

    def column(self, feature: str) -> FloatArray:
        """Return one feature over all rows."""
        if feature not in self.feature_names:
            raise MissingDataError(
                f"feature {feature!r} is not in set {self.feature_set}: "
                f"it has {', '.join(self.feature_names)}"
            )
        return self.x[:, self.feature_names.index(feature)]


def build_dataset(
    features: FeaturePanel,
    labels: Labels,
    *,
    demean: bool = False,
    names: Sequence[str] | None = None,
) -> Dataset:
    """Join features and labels into rows.

    Parameters
    ----------
    demean : bool
        Take the mean over the labelled symbols of a session out of each label, so that it
        says how a symbol did beside its peers. A session with one labelled symbol gets none.
    names : sequence of str, optional
        The features wanted, in this order; all of them when left out.

    Raises
    ------
    InvalidInputError
        If features and labels have different shapes.
    MissingDataError
        If a feature is absent, or no row has all features.
    """
    if features.values.shape[1:] != labels.values.shape:
        raise InvalidInputError(
            f"features of shape {features.values.shape[1:]} and labels of shape "
            f"{labels.values.shape} do not match: compute both from one panel"
        )
    wanted = tuple(names) if names is not None else features.names
    values = features.values[[_place(features, name) for name in wanted]]
    # (n_features, n_symbols, n_sessions) to rows by session, then symbol.
    by_row = np.ascontiguousarray(values.transpose(2, 1, 0)).reshape(-1, len(wanted))
    known = np.isfinite(by_row).all(axis=1)
    if not known.any():
        raise MissingDataError(
            f"no row of {len(features.sessions)} sessions has all {len(wanted)} features: "
            "load a longer history than the set's lookback"
        )
    targets = demeaned(labels.values) if demean else labels.values
    sessions, symbols = np.divmod(np.flatnonzero(known), len(features.symbols))
    return Dataset(
        x=np.ascontiguousarray(by_row[known]),
        y=np.ascontiguousarray(targets.T.reshape(-1)[known]),
        symbol=symbols,
        session=sessions,
        label_start=np.ascontiguousarray(labels.start.T.reshape(-1)[known]),
        label_end=np.ascontiguousarray(labels.end.T.reshape(-1)[known]),
        feature_names=wanted,
        symbols=features.symbols,
        sessions=features.sessions,
        feature_set=features.feature_set,
        feature_hash=features.content_hash,
        simulated=features.simulated,
    )


def demeaned(labels: FloatArray) -> FloatArray:
    """Return the labels less their mean over the symbols of each session."""
    known = np.isfinite(labels)
    count = known.sum(axis=0)
    total = np.where(known, labels, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(labels.shape[1], np.nan), where=count > 1)
    return np.asarray(labels - mean, dtype=np.float64)


def _place(features: FeaturePanel, name: str) -> int:
    if name not in features.names:
        raise MissingDataError(
            f"feature {name!r} is missing: the panel has {', '.join(features.names)}"
        )
    return features.names.index(name)
