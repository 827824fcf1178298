"""The sizing kind, trained and served like the others: how much of equity to hold.

Half Kelly and a volatility target from predicted mean and risk, under the caps of
`models.sizing`. One number is fitted: how much the variance of the coming week exceeds today's
EWMA variance. It is judged by what Kelly maximises, the growth of equity: the loss is minus the
log growth of the session that a size was held for. The naive baseline holds one constant size, the
target over the volatility that was seen before the test began. Intervals are around the size that
would have met the volatility target.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from measures.evidence_losses import qlike
from models.assurance import Contract
from models.dataset import Dataset
from models.estimators import Column, Estimator, training_rows
from models.evaluation import session_mean
from models.intervals import STEPS_OF_FEW, IntervalMethod
from models.predictors import SIZING_JSON, LinearPredictor, Predictor, require_columns
from models.sizing import Sizes, SizingInputs, SizingRules, position_sizes
from models.sizing_features import FEATURES, MAX_RIGHT_SIZE, RULES
from models.yearly import YearlyKind

BASELINE, CANDIDATE = "constant", "half_kelly"
FORMAT = "quantdesk.sizing/1"
MIN_SIZE = 0.01


@dataclass(frozen=True, slots=True)
class SizingPredictor:
    """The rules, and the factor on the variance; a row is one position."""

    rules: SizingRules
    variance_factor: float

    @property
    def format(self) -> str:
        """The native form."""
        return SIZING_JSON

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Mean and risk of the position."""
        return FEATURES

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the size of each row as a fraction of equity, positive long."""
        require_columns(x, FEATURES)
        sound = np.isfinite(x).all(axis=1) & (x[:, 1] > 0)
        out = np.full(len(x), np.nan)
        for i in np.flatnonzero(sound):
            out[i] = self._sizes(x[i : i + 1]).size[0]
        return out

    def predict_row(self, row: FloatArray) -> float:
        """Return the size of one position."""
        return float(self.predict(row.reshape(1, -1))[0])

    def reasons(self, x: FloatArray) -> list[str]:
        """Return what bound each size: `kelly`, or the cap that cut it."""
        require_columns(x, FEATURES)
        return [self._sizes(x[i : i + 1]).bound_by[0] for i in range(len(x))]

    def _sizes(self, row: FloatArray) -> Sizes:
        mean, volatility, loss, drawdown, share = row.T
        return position_sizes(
            SizingInputs(
                mean=mean,
                volatility=volatility * np.sqrt(self.variance_factor),
                value_at_risk=loss,
                drawdown=float(drawdown[0]),
                daily_volume_share=share,
            ),
            self.rules,
        )

    def to_native(self) -> bytes:
        """Return the rules as JSON; floats keep every bit."""
        document = {
            "format": FORMAT,
            "variance_factor": self.variance_factor,
            "rules": asdict(self.rules),
        }
        return json.dumps(document, indent=1).encode()


def sizes_from_native(content: bytes) -> SizingPredictor:
    """Read what `SizingPredictor.to_native` wrote.

    Raises
    ------
    InvalidInputError
        If it is not such a document, or a rule is none.
    """
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise InvalidInputError(
                f"the sizing rules cannot be read: their format is {document['format']!r}"
            )
        factor = float(document["variance_factor"])
        rules = document["rules"]
        if set(rules) != {f.name for f in fields(SizingRules)}:
            raise InvalidInputError(f"the sizing rules cannot be read: {sorted(rules)}")
        numbers = {name: float(value) for name, value in rules.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"the sizing rules cannot be read: {error}") from error
    if not (0 < factor < np.inf and all(0 < value < np.inf for value in numbers.values())):
        raise InvalidInputError("the sizing rules cannot be read: each must be positive")
    sessions = int(numbers.pop("sessions_per_year"))
    return SizingPredictor(SizingRules(**numbers, sessions_per_year=sessions), factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfKelly:
    """Fits the factor on the variance; the rules are declared."""

    name: str = CANDIDATE
    rules: SizingRules = RULES

    def parameters(self) -> Mapping[str, object]:
        """Return every rule."""
        return asdict(self.rules)

    def fit(self, dataset: Dataset, rows: IntArray) -> Predictor:
        """Return the rules with the mean of realised over EWMA variance on the rows.

        The mean ratio is what minimises QLIKE.
        """
        _, size = training_rows(dataset, rows)
        yearly = dataset.column("volatility")[rows] ** 2 * self.rules.sessions_per_year
        realised = (self.rules.target_volatility / size) ** 2
        return SizingPredictor(self.rules, float(np.mean(realised / yearly)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingSpec(YearlyKind):
    """How the sizing model is trained and judged; declared once, not tuned.

    Attributes
    ----------
    constant_size : float
        What the baseline holds.
    realised : ndarray of shape (n_symbols, n_sessions) or None
        Return of the session that a size is held for, entered one session later: data to show
        what sizes earned, not a setting.
    """

    name: str = "sizing"
    horizon: int = 5
    train_every: int = 5
    sizing: SizingRules = RULES
    constant_size: float = 1.0
    realised: FloatArray | None = field(default=None, compare=False, repr=False)

    @property
    def metric(self) -> str:
        """The loss that decides."""
        return "minus the log growth"

    @property
    def contract(self) -> Contract:
        """Return what a prediction promises: a size other than the baseline's."""
        return Contract(neutral=self.constant_size, least=0.0, most=MAX_RIGHT_SIZE)

    def target(self, outcome: object) -> str:
        """Say what is foretold, in words."""
        return f"{getattr(outcome, 'name', outcome)}: the fraction of equity that meets the target"

    def baseline(self) -> tuple[str, LinearPredictor]:
        """Return the naive baseline: the same size every day."""
        return BASELINE, LinearPredictor(
            feature_names=(), centre=(), scale=(), weights=(), intercept=self.constant_size
        )

    def candidate(self) -> Estimator:
        """Return the model that asks to be champion."""
        return HalfKelly(rules=self.sizing)

    def comparators(self) -> tuple[Estimator, ...]:
        """Return what it is held against: the naive baseline."""
        return (Column(name=BASELINE, feature="", value=self.constant_size),)

    def loss_at(self, prediction: FloatArray, sessions: IntArray) -> FloatArray:
        """Return minus the log growth of each session, equity in equal parts over the series."""
        if self.realised is None:
            raise MissingDataError("sizes are judged by what they earned: give `realised`")
        return -np.log1p(np.maximum(self._earned(prediction, self.realised[:, sessions]), -0.99))

    def _earned(self, size: FloatArray, realised: FloatArray) -> FloatArray:
        return session_mean(size * realised)

    def loss(self, prediction: FloatArray, outcome: FloatArray) -> FloatArray:
        """Return the session's mean QLIKE of the variance that a size implies."""
        known = np.isfinite(prediction) & np.isfinite(outcome)
        losses = np.full(prediction.shape, np.nan)
        size = np.maximum(np.abs(prediction[known]), MIN_SIZE)
        losses[known] = qlike(1.0 / outcome[known] ** 2, 1.0 / size**2)
        return session_mean(losses)

    def figures(self, prediction: FloatArray, outcome: FloatArray) -> Mapping[str, float]:
        """Return the loss, and what the sizes would have earned in equal parts of equity."""
        found = {"target_qlike": float(np.nanmean(self.loss(prediction, outcome)))}
        if self.realised is None:
            return found
        earned = self._earned(prediction, self.realised[:, : prediction.shape[1]])
        earned = earned[np.isfinite(earned)]
        if len(earned) < 2 or earned.std() == 0:
            return found
        path = np.cumprod(1.0 + earned)
        year = self.sizing.sessions_per_year
        return found | {
            "yearly_volatility": float(earned.std(ddof=1) * np.sqrt(year)),
            "yearly_sharpe": float(earned.mean() / earned.std(ddof=1) * np.sqrt(year)),
            "max_drawdown": float((1.0 - path / np.maximum.accumulate(path)).max()),
            "mean_size": float(np.nanmean(prediction)),
        }

    def intervals(self) -> IntervalMethod:
        """Return how the intervals follow the coverage that was reached."""
        return IntervalMethod(
            method="cqr",
            coverage=self.coverage,
            step=STEPS_OF_FEW["sizing"],
            delay=self.horizon,
        )

    def setting(self) -> dict[str, object]:
        """Return all that shapes training and judgement."""
        settings = asdict(replace(self, realised=None))
        settings.pop("realised")
        return settings
