"""Which volatility the score should read, and how good its forecasts then are: early, then late.

The decay of the volatility is chosen on the early part of the universe's books: for each decay
the curve is fitted up to `FIT_UNTIL`, and its Brier score is taken from there to `CHOSEN_UNTIL`.
Only the decay in use is then judged, on the part after, which had no say: on the same books, and
on series that no choice has ever read (indices). A fit ends a horizon before the part it is
judged on, so that no outcome is in both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import BoolArray, DateArray, FloatArray
from basics.errors import MissingDataError
from risk.evidence import daily_returns
from risk.score import (
    HORIZON_SESSIONS,
    Calibration,
    ReliabilityBin,
    breach_probabilities,
    fit_curve,
    reliability_of,
)
from risk.score_history import VOLATILITY_DECAY, score_history
from services.market_data import MarketData
from services.risk_inputs import History

STUDY_KIND, STUDY_SCOPE = "risk.score_study", "all"
UNIVERSE, UNTOUCHED = "equities", "indices"
DECAYS = (0.85, 0.90, 0.94, 0.97, 0.99)
FIT_UNTIL, CHOSEN_UNTIL = date(1999, 1, 1), date(2006, 1, 1)
RANDOM_BOOKS = 12
_FEWEST_BREACHES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DecaySkill:
    """One decay on the early part: the mean over the books of 1 - Brier / base rate's Brier."""

    decay: float
    skill: float
    n_books: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSeries:
    """The decay in use on the late part of one series.

    Attributes
    ----------
    untouched : bool
        Whether no choice has ever read the series; the others had a say by their early part.
    n_days, base_rate
        Of the part judged: how many forecasts, and how often the breach followed.
    brier, brier_climatology : float
        Of the forecasts, and of always forecasting the early part's frequency.
    """

    name: str
    untouched: bool
    n_days: int
    base_rate: float
    brier: float
    brier_climatology: float
    reliability: tuple[ReliabilityBin, ...]

    @property
    def skill(self) -> float:
        """1 - Brier / base rate's Brier: 0 for a forecast no better than the frequency."""
        return 1.0 - self.brier / self.brier_climatology


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreStudy:
    """What the early part chooses, and how the decay in use did on the late part."""

    drawdown_limit: float
    fit_until: date
    chosen_until: date
    early: tuple[DecaySkill, ...]
    in_use: float
    late: tuple[JudgedSeries, ...]

    @property
    def chosen(self) -> float:
        """The decay of the highest skill on the early part."""
        return max(self.early, key=lambda row: row.skill).decay


def universe_books(returns: FloatArray, *, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Return the returns of the equally weighted book, and of RANDOM_BOOKS long ones."""
    n = len(returns)
    weights = {"equal weights": np.full(n, 1.0 / n)}
    for at in range(RANDOM_BOOKS):
        weights[f"random weights {at + 1}"] = rng.dirichlet(np.full(n, 0.5))
    return {name: row @ returns for name, row in weights.items()}


def studied_series(
    market: MarketData, *, rng: np.random.Generator
) -> tuple[dict[str, History], dict[str, History]]:
    """Return the universe's books, and the indices, from the lake."""
    universe, indices = (
        market.panel(dataset, fields=("close",)) for dataset in (UNIVERSE, UNTOUCHED)
    )
    books = universe_books(daily_returns(universe["close"]), rng=rng)
    return (
        {name: History(universe.sessions[1:], values) for name, values in books.items()},
        {
            name: _lived(indices.sessions, close)
            for name, close in zip(indices.symbols, indices["close"], strict=True)
        },
    )


def _lived(sessions: DateArray, close: FloatArray) -> History:
    """Return the returns over the sessions that have a close: a series may end before others."""
    known = np.isfinite(close)
    return History(sessions[known][1:], close[known][1:] / close[known][:-1] - 1.0)


def study_score(
    books: Mapping[str, History], untouched: Mapping[str, History], *, drawdown_limit: float
) -> ScoreStudy:
    """Choose the decay on the early part of `books`, and judge the one in use on the late part.

    Raises
    ------
    MissingDataError
        If no book breaches often enough in both halves of the early part.
    """
    skills: dict[float, list[float]] = {decay: [] for decay in DECAYS}
    for series in books.values():
        found = [
            _judged(series, drawdown_limit, decay, (FIT_UNTIL, CHOSEN_UNTIL)) for decay in DECAYS
        ]
        for decay, result in zip(DECAYS, found, strict=True):
            skills[decay] += [] if result is None else [1.0 - result[0] / result[1]]
    if not skills[VOLATILITY_DECAY]:
        raise MissingDataError(
            f"no book reaches a drawdown of {drawdown_limit:.0%} often enough before "
            f"{CHOSEN_UNTIL} to choose on: import a longer history"
        )
    return ScoreStudy(
        drawdown_limit=drawdown_limit,
        fit_until=FIT_UNTIL,
        chosen_until=CHOSEN_UNTIL,
        early=tuple(
            DecaySkill(decay=decay, skill=float(np.mean(rows)), n_books=len(rows))
            for decay, rows in skills.items()
        ),
        in_use=VOLATILITY_DECAY,
        late=(
            *_late(untouched, drawdown_limit, untouched=True),
            *_late(books, drawdown_limit, untouched=False),
        ),
    )


def _late(
    series: Mapping[str, History], limit: float, *, untouched: bool
) -> Iterator[JudgedSeries]:
    for name, history in series.items():
        found = _judged(history, limit, VOLATILITY_DECAY, (CHOSEN_UNTIL, date.max))
        if found is not None:
            brier, climatology, forecast, events = found
            yield JudgedSeries(
                name=name,
                untouched=untouched,
                n_days=len(events),
                base_rate=float(events.mean()),
                brier=brier,
                brier_climatology=climatology,
                reliability=reliability_of(forecast, events),
            )


def _judged(
    series: History, limit: float, decay: float, span: tuple[date, date]
) -> tuple[float, float, FloatArray, BoolArray] | None:
    """Fit until the span and judge within it; None where either part holds too few breaches."""
    history = score_history(series.values, drawdown_limit=limit, other_pressure=0.0, decay=decay)
    sessions = series.sessions[history.days]
    start, stop = (int(np.searchsorted(sessions, np.datetime64(day, "D"))) for day in span)
    fit = slice(0, max(start - HORIZON_SESSIONS, 0))
    # What the span's last days foretell lies beyond it: they are left to the part after.
    judged = slice(start, stop if stop == len(sessions) else stop - HORIZON_SESSIONS)
    known, events = history.breached[fit], history.breached[judged]
    if min(known.sum(), events.sum()) < _FEWEST_BREACHES:
        return None
    curve: Calibration = fit_curve(history.probabilities[fit], history.pressures[fit], known)
    forecast = breach_probabilities(history.probabilities[judged], history.pressures[judged], curve)
    brier = float(((forecast - events) ** 2).mean())
    return brier, float(((known.mean() - events) ** 2).mean()), forecast, events
