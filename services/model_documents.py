"""The files that a model version consists of: data in open formats, never code.

`manifest.json` says what serves and from which features; `evaluation.json` how it did;
`predictions.parquet` holds every prediction out of sample; `card.md` tells it to people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar, cast

import msgspec

from models.assurance import Assurance
from models.confidence import YearCoverage
from models.contest import Verdict
from models.coverage import CoverageException
from models.evaluation import YearScore
from models.predictors import FILE_NAMES, Predictor
from models.training import FoldRecord

EVALUATION, PREDICTIONS, MANIFEST, ASSURANCE, CARD = (
    "evaluation.json",
    "predictions.parquet",
    "manifest.json",
    "assurance.json",
    "card.md",
)
SQUARED_ERROR, QLIKE, FISSLER_ZIEGEL = "squared error", "QLIKE", "Fissler-Ziegel loss"
Document = TypeVar("Document")
OUTCOME, BELOW, ABOVE = "outcome", "interval_below", "interval_above"
SCALE = "interval_scale"
# What is kept beside a prediction: the shortfall beyond a value at risk (under the model's name
# with this ending), and what the session that a size is held for returned.
SHORTFALL, RESULT = ".shortfall", "result"
LOSSES = "losses.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is known of a version from its evaluation.

    Attributes
    ----------
    champion_version : int
        The version that reigned when the verdict was given.
    coverage : tuple of YearCoverage
        By calendar year, the share of outcomes inside the candidate's intervals.
    interval_method : str
        How the intervals follow what happened; empty where a rate is told.
    interval_delay : int
        Sessions until an outcome was known to them.
    coverage_exceptions : tuple of CoverageException
        The years whose coverage lies outside 88% to 92%, with their cause.
    """

    verdict: Verdict
    champion_version: int
    metrics: Mapping[str, Mapping[str, float]]
    years: Mapping[str, tuple[YearScore, ...]]
    importances: Mapping[str, float]
    folds: tuple[FoldRecord, ...]
    # Documents written before there were intervals lack it.
    coverage: tuple[YearCoverage, ...] = ()
    interval_method: str = ""
    interval_delay: int = 0
    coverage_exceptions: tuple[CoverageException, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a server must know to use a version.

    Attributes
    ----------
    format, file : str
        The native form and the file that holds it.
    feature_names : tuple of str
        The columns, in order.
    target : str
        What is foretold, in words.
    trained_first, trained_last : date
        First and last session of the training rows.
    example : tuple of float
        One row of features, and `example_prediction` what the model says of it.
    metric : str
        The loss by which the version was judged.
    """

    name: str
    estimator: str
    format: str
    file: str
    feature_set: str
    feature_hash: str
    feature_names: tuple[str, ...]
    target: str
    horizon: int
    data_version: str
    trained_first: date
    trained_last: date
    training_rows: int
    parameters: Mapping[str, Any]
    example: tuple[float, ...]
    example_prediction: float
    metric: str = SQUARED_ERROR


def to_json(document: object) -> bytes:
    """Return a document as JSON, keys in a fixed order."""
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=1)


def read_json(content: bytes, form: type[Document]) -> Document:
    """Read a document of the given dataclass from JSON."""
    return msgspec.json.decode(content, type=form)


def read_evaluation(content: bytes) -> Evaluation:
    """Read `evaluation.json`."""
    return msgspec.json.decode(content, type=Evaluation)


def read_assurance(content: bytes) -> Assurance:
    """Read `assurance.json`."""
    return msgspec.json.decode(content, type=Assurance)


def read_manifest(content: bytes) -> Manifest:
    """Read `manifest.json`."""
    return msgspec.json.decode(content, type=Manifest)


def importances(model: Predictor) -> dict[str, float]:
    """Return what the model says of its features, largest first; empty where it says nothing."""
    told = cast(Any, model).importances() if hasattr(model, "importances") else {}
    return by_size(told)


def by_size(shares: Mapping[str, float]) -> dict[str, float]:
    """Return the shares, largest first; equal ones by name."""
    return dict(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def native_file(model: Predictor) -> str:
    """Return the name of the file that holds the model's native form."""
    return FILE_NAMES[model.format]
