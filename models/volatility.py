"""The volatility kind: how much a price will move over the next sessions.

The target is the mean squared daily log return of the next sessions over today's EWMA variance
forecast, so that one model serves every series whatever its level. The naive baseline says 1:
EWMA is right. HAR-RV (Corsi 2009) regresses the ratio on the past day, week, month and quarter
in the same unit, which weights its levels by 1 / EWMA; GARCH(1,1) and trees stand beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from basics.arrays import FloatArray
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from features.labels import Labels
from features.panel import FeaturePanel
from market.panel import Panel
from models.assurance import Contract
from models.estimators import BoostedTrees, Column, Estimator, Ridge
from models.evaluation import session_mean
from models.intervals import IntervalMethod
from models.predictors import LinearPredictor
from models.variance import (
    DECAY,
    EWMA_LOOKBACK,
    MIN_RATIO,
    daily_returns,
    ewma_rows,
    ratio_losses,
    trailing_mean,
)
from models.yearly import YearlyKind

BASELINE = "ewma"
# What is realised is floored at one basis point a day, so that its logarithm exists.
MIN_REALISED = 1e-8
HAR_WINDOWS = (1, 5, 22, 66)
VERSION = 1


def volatility_features(panel: Panel, *, ranges: bool, garch: bool = True) -> FeaturePanel:
    """Return what the volatility kind looks at, all relative to the EWMA variance.

    Parameters
    ----------
    ranges : bool
        Use open, high and low too (Parkinson 1980; Garman and Klass 1980), where observed.
    garch : bool
        Add the GARCH(1,1) forecast, refitted every second year on the past alone.

    Raises
    ------
    MissingDataError
        If the panel lacks a field.
    """
    returns = daily_returns(panel)
    ewma = ewma_rows(returns)
    squared = np.maximum(returns**2, 0.0)
    columns: dict[str, FloatArray] = {
        f"variance_{window}": trailing_mean(squared, window) / ewma for window in HAR_WINDOWS
    }
    columns["downside_5"] = trailing_mean(np.minimum(returns, 0.0), 5) / np.sqrt(ewma)
    columns["log_ewma"] = np.log(ewma)
    simulated = panel.simulated & {"close"}
    if ranges:
        simulated = panel.simulated & {"open", "high", "low", "close"}
        for name, daily in _range_variances(panel).items():
            for window in (1, 5, 22):
                columns[f"{name}_{window}"] = trailing_mean(daily, window) / ewma
    if garch:
        columns["garch"] = _garch_rows(returns, panel) / ewma
    label = f"volatility{'_ranges' if ranges else ''}@{VERSION}"
    return FeaturePanel(
        tuple(columns),
        panel.symbols,
        panel.sessions,
        np.stack(list(columns.values())),
        label,
        content_hash("volatility", VERSION, list(columns), DECAY),
        simulated,
    )


def variance_ratio(panel: Panel, *, horizon: int) -> Labels:
    """Return the mean squared return of the next `horizon` sessions over today's EWMA variance.

    Rests on the closes from t to t + horizon, and on the past that the EWMA variance remembers.
    """
    if horizon < 1:
        raise InvalidInputError(f"horizon must be at least 1 session, got {horizon}")
    returns = daily_returns(panel)
    ahead = np.full_like(returns, np.nan)
    ahead[:, :-horizon] = trailing_mean(returns**2, horizon)[:, horizon:]
    values = np.maximum(ahead, MIN_REALISED) / ewma_rows(returns)
    known = np.isfinite(values)
    position = np.broadcast_to(np.arange(values.shape[1], dtype=np.int64), values.shape)
    return Labels(
        f"variance_ratio(horizon={horizon})",
        values,
        np.where(known, position + 1, -1),
        np.where(known, position + horizon, -1),
        lookback=EWMA_LOOKBACK,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilitySpec(YearlyKind):
    """How the volatility model is trained and judged; declared once, not tuned.

    Attributes
    ----------
    candidate_name : str
        Who asks to be champion: `har`, `garch` or `lightgbm`.
    garch : bool
        Hold GARCH beside them; needs the feature of that name.
    """

    name: str = "volatility"
    candidate_name: str = "har"
    garch: bool = True
    trees: BoostedTrees = field(
        default_factory=lambda: BoostedTrees(objective="gamma", rows_per_leaf=200)
    )

    @property
    def metric(self) -> str:
        """The loss that decides."""
        return "QLIKE"

    def target(self, outcome: Labels) -> str:
        """Say what is foretold, in words."""
        return f"{outcome.name}: the variance to come over today's EWMA variance"

    def baseline(self) -> tuple[str, LinearPredictor]:
        """Return the naive baseline: EWMA is right, the ratio is 1."""
        nothing = LinearPredictor(feature_names=(), centre=(), scale=(), weights=(), intercept=1.0)
        return BASELINE, nothing

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        return next(e for e in self._all() if e.name == self.candidate_name)

    def comparators(self) -> tuple[Estimator, ...]:
        """Return what it is held against, the naive baseline first."""
        return tuple(e for e in self._all() if e.name != self.candidate_name)

    def loss(self, prediction: FloatArray, outcome: FloatArray) -> FloatArray:
        """Return QLIKE by session, averaged over the series."""
        return session_mean(ratio_losses(prediction, outcome))

    def figures(self, prediction: FloatArray, outcome: FloatArray) -> Mapping[str, float]:
        """Return the named figures of one model."""
        losses = self.loss(prediction, outcome)
        known = np.isfinite(prediction) & np.isfinite(outcome)
        logs = np.log(np.maximum(prediction[known], MIN_RATIO)), np.log(outcome[known])
        return {
            "qlike": float(np.nanmean(losses)),
            "log_correlation": float(np.corrcoef(*logs)[0, 1]) if logs[0].std() > 0 else 0.0,
        }

    @property
    def contract(self) -> Contract:
        """Return what a prediction promises: more variance than EWMA says, or less."""
        return Contract(neutral=1.0, least=0.0)

    def intervals(self) -> IntervalMethod:
        """Return how the width of the intervals follows the coverage that was reached."""
        return IntervalMethod(method="enbpi", coverage=self.coverage, delay=self.horizon)

    def setting(self) -> dict[str, object]:
        """Return all that shapes training and judgement, the estimators apart."""
        settings = super(VolatilitySpec, self).setting()
        settings.pop("trees")
        return settings

    def _all(self) -> tuple[Estimator, ...]:
        windows = tuple(f"variance_{window}" for window in HAR_WINDOWS)
        garch = (Column(name="garch", feature="garch"),) if self.garch else ()
        return (
            Column(name=BASELINE, feature="", value=1.0),
            Ridge(name="har", penalty=0.0, features=windows, intercept=True, floor=MIN_RATIO),
            *garch,
            self.trees,
        )


def _range_variances(panel: Panel) -> dict[str, FloatArray]:
    """Return daily variances from the day's range, and from the night before."""
    try:
        logs = {name: np.log(panel[name]) for name in ("open", "high", "low", "close")}
    except MissingDataError as error:
        raise MissingDataError(f"range estimators need open, high and low: {error}") from error
    span = logs["high"] - logs["low"]
    overnight = np.full_like(span, np.nan)
    overnight[:, 1:] = logs["open"][:, 1:] - logs["close"][:, :-1]
    body = logs["close"] - logs["open"]
    return {
        "parkinson": span**2 / (4.0 * np.log(2.0)),
        "garman_klass": 0.5 * span**2 - (2.0 * np.log(2.0) - 1.0) * body**2,
        "overnight": overnight**2,
    }


def _garch_rows(returns: FloatArray, panel: Panel) -> FloatArray:
    """Return the mean GARCH(1,1) variance of the next five sessions, fitted on the past."""
    from models.garch import garch_forecasts

    years = panel.sessions.astype("datetime64[Y]").astype(int)
    refits = np.flatnonzero(np.diff(years, prepend=years[0]) * (years % 2 == 0))
    return garch_forecasts(returns, refits=refits, horizon=5)
