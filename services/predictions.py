"""Serve the registry's versions: each loaded once, checked, and never unpickled.

The registry hands out a file only when its digest and the digest's signature hold; the native
form is data (trees as text, coefficients as JSON), so nothing of it is ever executed.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import msgspec
import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError
from features.panel import FeaturePanel
from models.assurance import UNCALIBRATED, Assurance, Prediction
from models.loading import load_predictor
from models.predictors import FILE_NAMES, Predictor, TellsRegime
from services.ports import ModelRegistry, ModelVersion

ASSURANCE_FILE = "assurance.json"
FeatureRow = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A version and its predictor, ready to be asked."""

    version: ModelVersion
    predictor: Predictor
    assurance: Assurance | None = None

    def values(self, x: FloatArray) -> FloatArray:
        """Return the value for each row: the one way by which a version is asked.

        One row over HTTP, a panel in batch and a bar from the stream all end here, so that
        equal rows have equal values, to the bit.
        """
        return self.predictor.predict(x)

    def answers(self, x: FloatArray) -> list[Prediction]:
        """Return the whole answer for each row: value, interval, confidence, regime, distance.

        A version without calibration, such as the naive baseline, has no interval and abstains.
        """
        return self.assess(x, self.values(x))

    def assess(self, x: FloatArray, values: FloatArray) -> list[Prediction]:
        """Return the whole answer for rows of which the model foretold `values`."""
        assurance = self.assurance or UNCALIBRATED
        answers = assurance.assess(
            x, values, model_version=self.version.label, feature_hash=self.version.feature_hash
        )
        if not isinstance(self.predictor, TellsRegime):
            return answers
        told = self.predictor.regimes(x)
        return [
            replace(answer, regime=regime, confidence=sure)
            for answer, (regime, sure) in zip(answers, told, strict=True)
        ]

    def over(self, features: FeaturePanel) -> FloatArray:
        """Return the values over a feature panel, of shape (n_symbols, n_sessions).

        NaN where a feature is not known. A model without features answers everywhere.

        Raises
        ------
        InvalidInputError
            If the panel was computed by another feature set than the model was trained on.
        """
        if self.version.feature_hash not in {"", features.content_hash}:
            raise InvalidInputError(
                f"{self.version.label} was trained on {self.version.feature_set} with hash "
                f"{self.version.feature_hash[:12]}, the panel has {features.content_hash[:12]}: "
                "compute the model's own feature set"
            )
        names = self.predictor.feature_names
        shape = features.values.shape[1:]
        if not names:
            return self.values(np.empty((shape[0] * shape[1], 0))).reshape(shape)
        x = np.stack([features[name].ravel() for name in names], axis=1)
        known = np.isfinite(x).all(axis=1)
        grid = np.full(len(x), np.nan)
        grid[known] = self.values(np.ascontiguousarray(x[known]))
        return grid.reshape(shape)

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

    @property
    def loaded(self) -> tuple[str, ...]:
        """The labels of the versions in memory: they answer whatever becomes of the registry."""
        with self._lock:
            return tuple(sorted(served.version.label for served in self._loaded.values()))

    def load(self, version: ModelVersion) -> ServedModel:
        """Return `version` loaded, from memory if it is there."""
        key = (version.name, version.version)
        with self._lock:
            found = self._loaded.get(key)
            if found is not None:
                self._loaded.move_to_end(key)
                return found
        served = ServedModel(
            version, _read(self._registry, version), _assurance(self._registry, version)
        )
        with self._lock:
            self._loaded[key] = served
            while len(self._loaded) > self._max_loaded:
                self._loaded.popitem(last=False)
        return served


def _read(registry: ModelRegistry, version: ModelVersion) -> Predictor:
    if version.format not in FILE_NAMES:
        raise InvalidInputError(
            f"{version.label} has the form {version.format!r}, which is not served here"
        )
    content = registry.read(version, FILE_NAMES[version.format])
    predictor = load_predictor(version.format, content)
    # Asked once now, so that the first request does not wait for what is made at first use.
    predictor.predict(np.zeros((1, len(predictor.feature_names))))
    return predictor


def _assurance(registry: ModelRegistry, version: ModelVersion) -> Assurance | None:
    if ASSURANCE_FILE not in version.sha256:
        return None
    return msgspec.json.decode(registry.read(version, ASSURANCE_FILE), type=Assurance)
