"""The computed features of a set, and where they came from."""

from dataclasses import dataclass

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import InvalidInputError, MissingDataError


@dataclass(frozen=True, slots=True)
class FeaturePanel:
    """Features over symbols and sessions.

    Attributes
    ----------
    names : tuple of str
        The features, in the set's order.
    symbols : tuple of str
    sessions : ndarray of shape (n_sessions,), datetime64[D]
    values : ndarray of shape (n_features, n_symbols, n_sessions)
        The value known at the close of the session; NaN where it is not defined.
    feature_set : str
        Name and version of the set, for example `close_momentum@1`.
    content_hash : str
        The set's content hash.
    simulated : frozenset of str
        The simulated fields that the set reads: with any, results are no evidence.
    """

    names: tuple[str, ...]
    symbols: tuple[str, ...]
    sessions: DateArray
    values: FloatArray
    feature_set: str
    content_hash: str
    simulated: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        shape = (len(self.names), len(self.symbols), len(self.sessions))
        if self.values.shape != shape:
            raise InvalidInputError(f"values have shape {self.values.shape}, not {shape}")

    def __getitem__(self, name: str) -> FloatArray:
        """Return the feature `name`, of shape (n_symbols, n_sessions)."""
        if name not in self.names:
            raise MissingDataError(
                f"{self.feature_set} has no feature {name!r}; it has {', '.join(self.names)}"
            )
        values: FloatArray = self.values[self.names.index(name)]
        return values

    def window(self, start: int, stop: int) -> "FeaturePanel":
        """Return the sessions at positions [start, stop)."""
        return FeaturePanel(
            self.names,
            self.symbols,
            self.sessions[start:stop],
            np.ascontiguousarray(self.values[:, :, start:stop]),
            self.feature_set,
            self.content_hash,
            self.simulated,
        )
