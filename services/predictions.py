"""Serve the registry's versions: each loaded once, checked, and never unpickled.

The registry hands out a file only when its digest and the digest's signature hold; the native
form is data (trees as text, coefficients as JSON), so nothing of it is ever executed.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from models.predictors import FILE_NAMES, LIGHTGBM_TEXT, LINEAR_JSON, Predictor, linear_from_native
from services.ports import ModelRegistry, ModelVersion

FeatureRow = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A version and its predictor, ready to be asked."""

    version: ModelVersion
    predictor: Predictor

    def matrix(self, rows: Sequence[FeatureRow]) -> FloatArray:
        """Return the rows as an array of shape (n_rows, n_features), in the model's order.

        None becomes NaN, a missing value; a model without features takes rows of any.

        Raises
        ------
        InvalidInputError
            If a row misses a feature of the model or has one that it does not know.
        """
        names = self.predictor.feature_names
        x = np.empty((len(rows), len(names)))
        for i, row in enumerate(rows):
            if names and row.keys() != set(names):
                raise InvalidInputError(self._difference(i, row))
            for j, name in enumerate(names):
                value = row[name]
                x[i, j] = np.nan if value is None else value
        return x

    def _difference(self, i: int, row: FeatureRow) -> str:
        names = self.predictor.feature_names
        missing = ", ".join(name for name in names if name not in row)
        unknown = ", ".join(sorted(set(row) - set(names)))
        parts = [
            f"misses {missing}" if missing else "",
            f"has unknown {unknown}" if unknown else "",
        ]
        return f"row {i} {' and '.join(filter(None, parts))}: {self.version.label} takes {names}"


class Predictions:
    """Answers from the versions of a registry.

    Parameters
    ----------
    max_loaded : int
        Versions kept in memory; the one asked for longest ago goes first.
    """

    def __init__(self, registry: ModelRegistry, *, max_loaded: int = 8) -> None:
        self._registry = registry
        self._max_loaded = max_loaded
        self._loaded: OrderedDict[tuple[str, int], ServedModel] = OrderedDict()
        self._lock = Lock()

    def served(self, name: str, alias_or_version: str | int) -> ServedModel:
        """Return the version that an alias or a number means, loaded.

        Raises
        ------
        MissingDataError
            If there is no such model or version.
        RefusedError
            If its file was tampered with or cut short; versions loaded before go on serving.
        """
        return self.load(self._registry.resolve(name, alias_or_version))

    def load(self, version: ModelVersion) -> ServedModel:
        """Return `version` loaded, from memory if it is there."""
        key = (version.name, version.version)
        with self._lock:
            found = self._loaded.get(key)
            if found is not None:
                self._loaded.move_to_end(key)
                return found
        served = ServedModel(version, _read(self._registry, version))
        with self._lock:
            self._loaded[key] = served
            while len(self._loaded) > self._max_loaded:
                self._loaded.popitem(last=False)
        return served


def _read(registry: ModelRegistry, version: ModelVersion) -> Predictor:
    if version.format not in {LINEAR_JSON, LIGHTGBM_TEXT}:
        raise InvalidInputError(
            f"{version.label} has the form {version.format!r}, which is not served here"
        )
    content = registry.read(version, FILE_NAMES[version.format])
    if version.format == LINEAR_JSON:
        return linear_from_native(content)
    # LightGBM takes a second to import: only who serves trees pays for it.
    from models.trees import TreePredictor

    predictor = TreePredictor(content.decode())
    _ = predictor.booster  # Parsed now, so that the first request does not wait for it.
    return predictor
