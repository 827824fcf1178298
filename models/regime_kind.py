"""The regime kind, trained and served like the others: which state the market is in now.

A row carries its own past, the last 60 returns, so that the forward filter runs inside it: no
state is kept between calls, nothing later than the row can enter, and a row gives the same
answer alone, in a batch and live. What is foretold is the variance of the next sessions, as the
states' mixture tells, over today's EWMA variance; the baseline says 1. The state itself is the
prediction's `regime`, its probability the `confidence`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError
from basics.identifiers import content_hash
from features.panel import FeaturePanel
from market.panel import Panel
from models.assurance import Contract
from models.dataset import Dataset
from models.estimators import Column, Estimator, training_rows
from models.evaluation import session_mean
from models.intervals import STEPS_OF_FEW, IntervalMethod
from models.predictors import REGIME_JSON, LinearPredictor, Predictor, require_columns
from models.regime import RegimeModel, filtered_windows, fit_regimes, with_hysteresis_rows
from models.splits import Fold
from models.variance import MIN_RATIO, daily_returns, ewma_rows, ratio_losses
from models.yearly import YearlyKind

BASELINE, CANDIDATE = "ewma", "hidden_markov"
LAGS = 60
VERSION = 1
FORMAT = "quantdesk.regime/1"
VARIANCE = "ewma_variance"


def regime_features(panel: Panel) -> FeaturePanel:
    """Return the last `LAGS` daily log returns, newest first, and today's EWMA variance."""
    returns = daily_returns(panel)
    columns = {}
    for lag in range(LAGS):
        past = np.full_like(returns, np.nan)
        past[:, lag:] = returns[:, : returns.shape[1] - lag]
        columns[f"return_{lag}"] = past
    columns[VARIANCE] = ewma_rows(returns)
    return FeaturePanel(
        tuple(columns),
        panel.symbols,
        panel.sessions,
        np.stack(list(columns.values())),
        f"regime@{VERSION}",
        content_hash("regime", VERSION, LAGS),
        panel.simulated & {"close"},
    )


@dataclass(frozen=True, slots=True)
class RegimePredictor:
    """A hidden Markov model that reads a row's own past.

    Attributes
    ----------
    enter : float
        Probability that another state must reach before the label changes.
    horizon : int
        Sessions over which the variance is foretold.
    """

    model: RegimeModel
    enter: float
    horizon: int

    @property
    def format(self) -> str:
        """The native form."""
        return REGIME_JSON

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The returns, newest first, and the EWMA variance."""
        return (*(f"return_{lag}" for lag in range(LAGS)), VARIANCE)

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the mean variance of the next sessions over the EWMA variance."""
        require_columns(x, self.feature_names)
        # A missing return or a variance of none has no answer.
        sound = np.isfinite(x).all(axis=1) & (x[:, -1] > 0)
        out = np.full(len(x), np.nan)
        if sound.any():
            now = self._filtered(x[sound])[:, -1]
            states = self.model.mean[:, 0] ** 2 + self.model.variance[:, 0]
            # Every row's own sum: a row must not depend on how many are asked for.
            ahead, power = np.zeros(len(now)), np.eye(len(states))
            for _ in range(self.horizon):
                power = power @ self.model.transition
                foretold = power @ states
                for state, variance in enumerate(foretold):
                    ahead += now[:, state] * variance
            out[sound] = ahead / self.horizon / x[sound, -1]
        return out

    def predict_row(self, row: FloatArray) -> float:
        """Return the variance ratio of one row."""
        return float(self.predict(row.reshape(1, -1))[0])

    def regimes(self, x: FloatArray) -> list[tuple[str | None, float]]:
        """Return the state of each row and its probability; None where a value is missing."""
        require_columns(x, self.feature_names)
        found: list[tuple[str | None, float]] = [(None, 0.0)] * len(x)
        sound = np.flatnonzero(np.isfinite(x).all(axis=1))
        if len(sound):
            filtered = self._filtered(x[sound])
            states = with_hysteresis_rows(filtered, enter=self.enter)
            for i, row in enumerate(sound):
                state = int(states[i])
                found[row] = (self.model.labels[state], float(filtered[i, -1, state]))
        return found

    def leaders(self, x: FloatArray) -> IntArray:
        """Return the most probable state of each row, without hysteresis."""
        return np.asarray(self._filtered(x)[:, -1].argmax(axis=1), dtype=np.int64)

    def _filtered(self, x: FloatArray) -> FloatArray:
        return filtered_windows(self.model, x[:, LAGS - 1 :: -1])

    def to_native(self) -> bytes:
        """Return the parameters as JSON; floats keep every bit."""
        document = {
            "format": FORMAT,
            "enter": self.enter,
            "horizon": self.horizon,
            "start": self.model.start.tolist(),
            "transition": self.model.transition.tolist(),
            "mean": self.model.mean.tolist(),
            "variance": self.model.variance.tolist(),
        }
        return json.dumps(document, indent=1).encode()


def regimes_from_native(content: bytes) -> RegimePredictor:
    """Read what `RegimePredictor.to_native` wrote.

    Raises
    ------
    InvalidInputError
        If it is not such a document, or its probabilities are none.
    """
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise InvalidInputError(
                f"the regimes cannot be read: their format is {document['format']!r}"
            )
        model = RegimeModel(
            *(np.array(document[key], dtype=np.float64) for key in ("start", "transition")),
            *(np.array(document[key], dtype=np.float64) for key in ("mean", "variance")),
        )
        enter, horizon = float(document["enter"]), int(document["horizon"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"the regimes cannot be read: {error}") from error
    _require_sound(model, enter=enter, horizon=horizon)
    return RegimePredictor(model, enter, horizon)


def _require_sound(model: RegimeModel, *, enter: float, horizon: int) -> None:
    count = len(model.start)
    shapes = model.transition.shape == (count, count) and count >= 2
    shapes = shapes and model.mean.shape == model.variance.shape == (count, 1)
    if not shapes:
        raise InvalidInputError("the regimes cannot be read: the tables do not fit together")
    rows = np.vstack([model.start, model.transition])
    sound = (rows >= 0).all() and np.allclose(rows.sum(axis=1), 1.0, atol=1e-9)
    if not (sound and (model.variance > 0).all() and np.isfinite(model.mean).all()):
        raise InvalidInputError("the regimes cannot be read: probabilities or variances are none")
    if not 0.5 <= enter < 1.0 or horizon < 1:
        raise InvalidInputError(f"the regimes cannot be read: enter {enter}, horizon {horizon}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenMarkov:
    """Fits the states on the returns of the training rows."""

    name: str = CANDIDATE
    states: int = 3
    enter: float = 0.7
    horizon: int = 5

    def parameters(self) -> Mapping[str, object]:
        """Return every setting that shapes the fit."""
        return {"states": self.states, "enter": self.enter, "horizon": self.horizon, "lags": LAGS}

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Fit by expectation maximisation on the returns in time order, one series."""
        training_rows(dataset, rows)
        if len(set(dataset.symbol[rows].tolist())) != 1:
            raise InvalidInputError(
                f"a market's regime is told from one series, got {', '.join(dataset.symbols)}"
            )
        returns = dataset.column("return_0")[rows]
        model = fit_regimes(returns[:, None], states=self.states)
        # A row's filter starts in the long run, not on the first day of the history.
        served = RegimeModel(model.stationary(), model.transition, model.mean, model.variance)
        return RegimePredictor(served, self.enter, self.horizon)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeSpec(YearlyKind):
    """How the regime model is trained and judged; declared once, not tuned."""

    name: str = "regime"
    train_every: int = 1
    states: int = 3
    enter: float = 0.7

    @property
    def metric(self) -> str:
        """The loss that decides."""
        return "QLIKE"

    @property
    def contract(self) -> Contract:
        """Return what a prediction promises: more variance than EWMA says, or less."""
        return Contract(neutral=1.0, least=0.0)

    def target(self, outcome: object) -> str:
        """Say what is foretold, in words."""
        return (
            f"{getattr(outcome, 'name', outcome)}: the market's state, and the variance to come "
            "over today's EWMA variance"
        )

    def baseline(self) -> tuple[str, LinearPredictor]:
        """Return the naive baseline: EWMA is right, the ratio is 1."""
        nothing = LinearPredictor(feature_names=(), centre=(), scale=(), weights=(), intercept=1.0)
        return BASELINE, nothing

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        return HiddenMarkov(states=self.states, enter=self.enter, horizon=self.horizon)

    def comparators(self) -> tuple[Estimator, ...]:
        """Return what it is held against: the naive baseline."""
        return (Column(name=BASELINE, feature="", value=1.0),)

    def loss(self, prediction: FloatArray, outcome: FloatArray) -> FloatArray:
        """Return QLIKE by session."""
        return session_mean(ratio_losses(prediction, outcome))

    def figures(self, prediction: FloatArray, outcome: FloatArray) -> Mapping[str, float]:
        """Return the named figures of one model."""
        known = np.isfinite(prediction) & np.isfinite(outcome)
        losses = ratio_losses(prediction, outcome)
        logs = np.log(np.maximum(prediction[known], MIN_RATIO)), np.log(outcome[known])
        moves = logs[0].std() > 0
        return {
            "qlike": float(np.nanmean(losses)),
            "log_correlation": float(np.corrcoef(*logs)[0, 1]) if moves else 0.0,
        }

    def diagnose(self, dataset: Dataset, folds: Sequence[Fold]) -> Mapping[str, float]:
        """Return how often the label changes, and whether it means the same after retraining."""
        labels: list[list[str | None]] = []
        bare = agreed = compared = 0
        before: RegimePredictor | None = None
        for fold in folds:
            model = self.candidate().fit(dataset, fold.train)
            assert isinstance(model, RegimePredictor)  # The candidate above is one.
            x = dataset.x[fold.test]
            told = [label for label, _ in model.regimes(x)]
            leaders = model.leaders(x)
            bare += int((np.diff(leaders) != 0).sum())
            if before is not None:
                agreed += sum(a == b for a, (b, _) in zip(told, before.regimes(x), strict=True))
                compared += len(told)
            labels.append(told)
            before = model
        flat = [label for told in labels for label in told]
        switches = sum(a != b for told in labels for a, b in pairwise(told))
        years = max(len(labels), 1) * self.refit_years
        return {
            "switches_per_year": switches / years,
            "switches_per_year_without_hysteresis": bare / years,
            "label_agreement_after_retraining": agreed / compared if compared else 1.0,
            "turbulent_share": flat.count("turbulent") / max(len(flat), 1),
        }

    def intervals(self) -> IntervalMethod:
        """Return how the intervals follow the coverage that was reached."""
        return IntervalMethod(
            method="enbpi",
            coverage=self.coverage,
            step=STEPS_OF_FEW["regime"],
            delay=self.horizon,
            ensemble=False,
        )
