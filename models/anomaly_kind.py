"""The anomaly kind, trained and served like the others: how strange a bar, or a day of flow, is.

Nobody tells which real bars are wrong, so errors are planted into real bars from a seed (a digit
mistyped, high and low swapped, a volume or an open out of place, a bar repeated): what is planted
is simulated, what it is planted into is not. The loss of a row is its placement value: the share
of clean rows that look at least as strange as a planted one, or of planted rows that look less
strange than a clean one; its mean is 1 - AUC. The naive baseline is the rule of thumb: the largest
of the standardised return, range, gap and volume.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from basics.arrays import BoolArray, FloatArray, IntArray
from basics.errors import MissingDataError
from basics.identifiers import content_hash
from features.labels import UNKNOWN, Labels
from features.panel import FeaturePanel
from market.panel import Panel
from models.anomaly import fit_anomalies
from models.assurance import Contract
from models.dataset import Dataset
from models.estimators import Column, Estimator, training_rows
from models.evaluation import session_mean
from models.intervals import IntervalMethod
from models.predictors import LinearPredictor, Predictor
from models.variance import daily_returns, ewma_rows, trailing_mean
from models.yearly import YearlyKind

BASELINE, CANDIDATE = "largest_z", "forest_and_distance"
CALM = "calm"
VERSION = 1
FIELDS = ("open", "high", "low", "close", "volume")
WINDOW = 20
Z_SCORES = ("return_z", "range_z", "gap_z", "volume_z")


def bar_features(panel: Panel, *, history: Panel | None = None) -> FeaturePanel:
    """Return what the anomaly kind looks at: each bar beside what came before it.

    Parameters
    ----------
    history : Panel, optional
        What came before, where `panel` holds planted errors: an error of yesterday shall not
        make today strange. `panel` itself if left out.
    """
    past = panel if history is None else history
    before = _yesterday(np.sqrt(ewma_rows(daily_returns(past))))
    close_before, volume_before = _yesterday(past["close"]), _yesterday(np.log(past["volume"]))
    mean = trailing_mean(volume_before, WINDOW)
    spread = np.sqrt(np.maximum(trailing_mean(volume_before**2, WINDOW) - mean**2, 1e-4))
    opened, high, low, close = (np.log(panel[name]) for name in FIELDS[:4])
    move = (close - np.log(close_before)) / before
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    columns = {
        "return_z": move,
        "range_z": (high - low) / before,
        "gap_z": (opened - np.log(close_before)) / before,
        "volume_z": (np.log(panel["volume"]) - mean) / spread,
        # How far open or close lie beyond high or low: nought in a sound bar.
        "disorder": np.maximum(top - high, 0.0) / before + np.maximum(low - bottom, 0.0) / before,
        "stillness": np.exp(-np.abs(close - opened) / before - np.abs(move)),
    }
    columns[CALM] = -np.max([np.abs(columns[name]) for name in Z_SCORES], axis=0)
    return FeaturePanel(
        tuple(columns),
        panel.symbols,
        panel.sessions,
        np.stack(list(columns.values())),
        f"bar_anomaly@{VERSION}",
        content_hash("bar_anomaly", VERSION, list(columns), WINDOW),
        panel.simulated & set(FIELDS),
    )


def plant_bad_ticks(
    panel: Panel, *, share: float, generator: np.random.Generator
) -> tuple[Panel, BoolArray]:
    """Return the panel with errors in a share of its bars, and which bars those are."""
    planted = generator.random(panel["close"].shape) < share
    fields = {name: panel[name].copy() for name in FIELDS}
    for i, t in zip(*np.nonzero(planted), strict=True):
        if t > 0:
            _spoil(fields, int(i), int(t), generator)
    planted[:, 0] = False
    return Panel(panel.symbols, panel.sessions, fields, panel.simulated), planted


def _spoil(
    fields: Mapping[str, FloatArray], i: int, t: int, generator: np.random.Generator
) -> None:
    """Put one of six errors into one bar."""
    kind = int(generator.integers(6))
    sign = 1.0 if generator.random() < 0.5 else -1.0
    if kind == 0:  # A digit mistyped.
        fields["close"][i, t] *= 1.0 + sign * generator.uniform(0.03, 0.12)
    elif kind == 1:  # High and low swapped.
        high, low = fields["high"][i, t], fields["low"][i, t]
        fields["high"][i, t], fields["low"][i, t] = low, high
    elif kind == 2:  # Volume in the wrong unit.
        fields["volume"][i, t] *= 100.0**sign
    elif kind == 3:  # An open out of place.
        fields["open"][i, t] *= 1.0 + sign * generator.uniform(0.03, 0.12)
    elif kind == 4:  # A low that never traded.
        fields["low"][i, t] *= 1.0 - generator.uniform(0.05, 0.20)
    else:  # Yesterday's close sent again as a bar of its own.
        for name in FIELDS[:4]:
            fields[name][i, t] = fields["close"][i, t - 1]


def planted_labels(planted: BoolArray, *, name: str) -> Labels:
    """Return 1 where an error was planted and 0 elsewhere, told by the row's own session.

    The interval is the next session, so that no training row meets a test row; the last session,
    which has no next one, has no label.
    """
    values = planted.astype(np.float64)
    values[:, -1:] = np.nan
    following = np.broadcast_to(np.arange(1, planted.shape[1] + 1, dtype=np.int64), planted.shape)
    following = np.where(np.isnan(values), UNKNOWN, following)
    return Labels(name, values, following, following, lookback=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestAndDistance:
    """Fits both scores on the rows into which nothing was planted."""

    name: str = CANDIDATE
    seed: int = 1

    def parameters(self) -> Mapping[str, object]:
        """Return every setting that shapes the fit."""
        return {"seed": self.seed}

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Fit on the clean rows; the baseline's own column is left out."""
        x, y = training_rows(dataset, rows)
        used = [j for j, name in enumerate(dataset.feature_names) if name != CALM]
        names = tuple(dataset.feature_names[j] for j in used)
        return fit_anomalies(
            np.ascontiguousarray(x[y == 0.0][:, used]), names=names, seed=self.seed
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalySpec(YearlyKind):
    """How the anomaly model is trained and judged; declared once, not tuned.

    Attributes
    ----------
    planted_share : float
        Share of the bars that get an error.
    """

    name: str = "anomaly"
    horizon: int = 1
    first_test_year: int = 2003
    train_every: int = 1
    embargo_sessions: int = 0
    planted_share: float = 0.02

    @property
    def metric(self) -> str:
        """The loss that decides."""
        return "1 - AUC on planted errors"

    @property
    def contract(self) -> Contract:
        """Return what a prediction promises: how rare so strange a row is."""
        return Contract(form="p_value", least=0.0, most=1.0, strangers=True)

    def target(self, outcome: object) -> str:
        """Say what is foretold, in words."""
        return (
            f"{getattr(outcome, 'name', outcome)}: the p-value of a row; the planted are simulated"
        )

    def baseline(self) -> tuple[str, LinearPredictor]:
        """Return the naive baseline: the fewer standard deviations in any column, the calmer."""
        return BASELINE, LinearPredictor(
            feature_names=(CALM,), centre=(0.0,), scale=(1.0,), weights=(1.0,)
        )

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        return ForestAndDistance(seed=self.seed)

    def comparators(self) -> tuple[Estimator, ...]:
        """Return what it is held against: the naive baseline."""
        return (Column(name=BASELINE, feature=CALM),)

    def loss(self, prediction: FloatArray, outcome: FloatArray) -> FloatArray:
        """Return the mean placement value of each session."""
        return session_mean(placements(prediction, outcome))

    def figures(self, prediction: FloatArray, outcome: FloatArray) -> Mapping[str, float]:
        """Return AUC, and the share of planted and of clean rows among the strangest 1%."""
        known = np.isfinite(prediction) & np.isfinite(outcome)
        value, planted = prediction[known], outcome[known] == 1.0
        alarm = np.quantile(value[~planted], 0.01)
        return {
            "auc": 1.0 - float(np.nanmean(placements(prediction, outcome))),
            "found_at_1pc_false_alarms": float((value[planted] <= alarm).mean()),
        }

    def intervals(self) -> IntervalMethod:
        """Return a method that is not used: a p-value has an interval of its own."""
        return IntervalMethod(coverage=self.coverage, delay=self.horizon)

    def setting(self) -> dict[str, object]:
        """Return all that shapes training and judgement."""
        return asdict(self)


def placements(prediction: FloatArray, outcome: FloatArray) -> FloatArray:
    """Return each row's placement value, weighted so that the mean of all is 1 - AUC.

    A small prediction is strange; ties count half (DeLong, DeLong and Clarke-Pearson 1988).

    Raises
    ------
    MissingDataError
        If nothing was planted, or everything.
    """
    known = np.isfinite(prediction) & np.isfinite(outcome)
    planted, clean = known & (outcome == 1.0), known & (outcome == 0.0)
    if not planted.any() or not clean.any():
        raise MissingDataError(
            f"{int(planted.sum())} planted and {int(clean.sum())} clean rows: both are needed"
        )
    bad, good = np.sort(prediction[planted]), np.sort(prediction[clean])
    values = np.full(prediction.shape, np.nan)
    half = 0.5 * known.sum()
    stranger = _share(good, prediction[planted])
    values[planted] = half * stranger / planted.sum()
    values[clean] = half * (1.0 - _share(bad, prediction[clean])) / clean.sum()
    return values


def _share(ordered: FloatArray, values: FloatArray) -> FloatArray:
    """Return the share of `ordered` below each value, ties counted half."""
    left = np.searchsorted(ordered, values, side="left")
    right = np.searchsorted(ordered, values, side="right")
    return np.asarray(0.5 * (left + right) / len(ordered), dtype=np.float64)


def _yesterday(values: FloatArray) -> FloatArray:
    before = np.full_like(values, np.nan)
    before[:, 1:] = values[:, :-1]
    return before
