"""The signal kind: whether a bet on the price model's side gains before it loses.

Meta-labelling (Lopez de Prado 2018, chapter 3): the price model gives the side, out of sample;
triple barriers end the bet; this second model foretells the probability that it gains. The
naive baseline says what share of such bets gained before the test began. The loss is the log loss.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from features.labels import Labels, meta_label
from features.panel import FeaturePanel
from market.panel import Panel
from models.assurance import Contract
from models.estimators import BoostedTrees, Column, Estimator
from models.evaluation import area_under_curve, session_mean
from models.intervals import IntervalMethod
from models.predictors import LinearPredictor
from models.yearly import YearlyKind

BASELINE = "base_rate"
SIDE, STRENGTH = "side", "strength"
MIN_PROBABILITY = 1e-6


def signal_features(features: FeaturePanel, forecast: FloatArray) -> FeaturePanel:
    """Return the feature set with the price model's side and how strong its forecast is.

    Parameters
    ----------
    forecast : ndarray of shape (n_symbols, n_sessions)
        The price model's predictions out of sample; NaN where it made none.

    Raises
    ------
    InvalidInputError
        If the forecast has another shape than the features.
    MissingDataError
        If it takes no side at all.
    """
    if forecast.shape != features.values.shape[1:]:
        raise InvalidInputError(
            f"forecasts of shape {forecast.shape} do not match {features.values.shape[1:]}"
        )
    spread = np.sqrt(session_mean(forecast**2))
    if not (spread > 0).any():
        raise MissingDataError(
            "the price model takes no side anywhere: train a price candidate before its signal"
        )
    strength = np.abs(forecast) / np.where(spread > 0, spread, np.nan)
    values = np.concatenate([features.values, np.sign(forecast)[None], strength[None]])
    return FeaturePanel(
        (*features.names, SIDE, STRENGTH),
        features.symbols,
        features.sessions,
        values,
        f"{features.feature_set}+side",
        content_hash(features.content_hash, SIDE, STRENGTH),
        features.simulated,
    )


def signal_labels(panel: Panel, forecast: FloatArray, spec: "SignalSpec") -> Labels:
    """Return 1 where the bet on the forecast's side gains, 0 where not."""
    return meta_label(
        panel,
        np.sign(forecast),
        horizon=spec.horizon,
        profit=spec.profit,
        loss=spec.stop,
        entry_lag=spec.entry_lag,
    )


def base_rate(labels: Labels, panel: Panel, *, before_year: int) -> float:
    """Return the share of bets that gained before `before_year`.

    Raises
    ------
    MissingDataError
        If no bet ended before it.
    """
    years = panel.sessions.astype("datetime64[Y]").astype(int) + 1970
    first = int(np.searchsorted(years, before_year))
    past = labels.values[(labels.end >= 0) & (labels.end < first)]
    if not len(past):
        raise MissingDataError(f"no bet ended before {before_year}: start the test later")
    return round(float(past.mean()), 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSpec(YearlyKind):
    """How the signal model is trained and judged; declared once, not tuned.

    Attributes
    ----------
    horizon, entry_lag : int
        A bet is entered one session after its side is known, and ends after so many sessions.
    profit, stop : float
        Barriers in units of the volatility of the horizon.
    base_rate : float
        What the baseline says.
    """

    name: str = "signal"
    horizon: int = 10
    entry_lag: int = 1
    first_test_year: int = 2003
    train_every: int = 5
    embargo_sessions: int = 5
    profit: float = 1.0
    stop: float = 1.0
    base_rate: float = 0.5
    trees: BoostedTrees = field(
        default_factory=lambda: BoostedTrees(objective="binary", rows_per_leaf=500)
    )

    @property
    def metric(self) -> str:
        """The loss that decides."""
        return "log loss"

    @property
    def contract(self) -> Contract:
        """Return what a prediction promises: a rate, and whether it lies above the base rate."""
        return Contract(form="probability", neutral=self.base_rate, least=0.0, most=1.0)

    def target(self, outcome: object) -> str:
        """Say what is foretold, in words."""
        name = getattr(outcome, "name", outcome)
        return f"{name}: the probability that a bet on the price model's side gains"

    def baseline(self) -> tuple[str, LinearPredictor]:
        """Return the naive baseline: the share of bets that gained before the test."""
        return BASELINE, LinearPredictor(
            feature_names=(), centre=(), scale=(), weights=(), intercept=self.base_rate
        )

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        return self.trees

    def comparators(self) -> tuple[Estimator, ...]:
        """Return what it is held against: the naive baseline."""
        return (Column(name=BASELINE, feature="", value=self.base_rate),)

    def loss(self, prediction: FloatArray, outcome: FloatArray) -> FloatArray:
        """Return the mean log loss of each session."""
        p = np.clip(prediction, MIN_PROBABILITY, 1.0 - MIN_PROBABILITY)
        return session_mean(-(outcome * np.log(p) + (1.0 - outcome) * np.log(1.0 - p)))

    def figures(self, prediction: FloatArray, outcome: FloatArray) -> Mapping[str, float]:
        """Return log loss, Brier score, AUC, and how often taken and left bets gained."""
        known = np.isfinite(prediction) & np.isfinite(outcome)
        p, won = prediction[known], outcome[known]
        taken = p > self.base_rate
        found = {
            "log_loss": float(np.nanmean(self.loss(prediction, outcome))),
            "brier": float(np.mean((p - won) ** 2)),
            "auc": area_under_curve(p, won),
            "share_taken": float(taken.mean()),
        }
        if taken.any() and not taken.all():
            found |= {
                "hit_rate_taken": float(won[taken].mean()),
                "hit_rate_left": float(won[~taken].mean()),
            }
        return found

    def intervals(self) -> IntervalMethod:
        """Return a method that is not used: a probability has an interval of its own."""
        return IntervalMethod(coverage=self.coverage, delay=self.entry_lag + self.horizon)

    def setting(self) -> dict[str, object]:
        """Return all that shapes training and judgement, the trees apart."""
        settings = asdict(replace(self))
        settings.pop("trees")
        return settings
