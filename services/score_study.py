"""What the score should read, and how good its forecasts then are: early, then late.

The decay of the volatility, and whether all books share one curve or each has its own, are chosen
on the early part of the universe's books: curves are fitted up to `FIT_UNTIL`, and their Brier
score is taken from there to `CHOSEN_UNTIL`. The shared curve is then fitted up to `CHOSEN_UNTIL`,
and only what is in use is judged, on the part after, which had no say: on the same books, and on
series that no choice and no fit has ever read (indices). A fit ends a horizon before the part it
is judged on, so that no outcome is in both.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import BoolArray, DateArray, FloatArray
from basics.errors import MissingDataError
from risk.evidence import daily_returns
from risk.score import (
    HORIZON_SESSIONS,
    SHARED,
    SHARED_INTERCEPT,
    SHARED_SLOPE,
    Calibration,
    ReliabilityBin,
    breach_probabilities,
    fit_curve,
    reliability_of,
)
from risk.score_history import VOLATILITY_DECAY, ScoreHistory, score_history
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
    """One decay on the early part: the mean over the books of 1 - Brier / base rate's Brier.

    Attributes
    ----------
    skill : float
        Of one curve that all books share.
    own_skill : float
        Of a curve for each book, fitted on its own history.
    """

    decay: float
    skill: float
    n_books: int
    own_skill: float = float("nan")


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
    """What the early part chooses, and how what is in use did on the late part.

    Attributes
    ----------
    intercept, slope : float
        Of the shared curve, as the books fit it until `chosen_until`.
    """

    drawdown_limit: float
    fit_until: date
    chosen_until: date
    early: tuple[DecaySkill, ...]
    in_use: float
    late: tuple[JudgedSeries, ...]
    intercept: float = SHARED_INTERCEPT
    slope: float = SHARED_SLOPE

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
    early = tuple(_early(books, drawdown_limit, decay) for decay in DECAYS)
    if not early[0].n_books:
        raise MissingDataError(
            f"no book reaches a drawdown of {drawdown_limit:.0%} often enough before "
            f"{CHOSEN_UNTIL} to choose on: import a longer history"
        )
    curve = shared_curve(books.values(), drawdown_limit, VOLATILITY_DECAY, until=CHOSEN_UNTIL)
    return ScoreStudy(
        drawdown_limit=drawdown_limit,
        fit_until=FIT_UNTIL,
        chosen_until=CHOSEN_UNTIL,
        early=early,
        in_use=VOLATILITY_DECAY,
        late=(
            *_late(untouched, drawdown_limit, untouched=True),
            *_late(books, drawdown_limit, untouched=False),
        ),
        intercept=curve.intercept,
        slope=curve.slope,
    )


def shared_curve(
    books: Iterable[History], limit: float, decay: float, *, until: date
) -> Calibration:
    """Fit one curve to what followed on every book up to `until`, outcomes included."""
    found = []
    for series in books:
        history = score_history(
            series.values, drawdown_limit=limit, other_pressure=0.0, decay=decay
        )
        known = slice(0, _before(series, history, until))
        found.append(
            (history.probabilities[known], history.pressures[known], history.breached[known])
        )
    return fit_curve(*(np.concatenate(part) for part in zip(*found, strict=True)))


def _before(series: History, history: ScoreHistory, day: date) -> int:
    """Return how many days' outcomes are known before `day`."""
    start = int(np.searchsorted(series.sessions[history.days], np.datetime64(day, "D")))
    return max(start - HORIZON_SESSIONS, 0)


def _early(books: Mapping[str, History], limit: float, decay: float) -> DecaySkill:
    curve = shared_curve(books.values(), limit, decay, until=FIT_UNTIL)
    span = (FIT_UNTIL, CHOSEN_UNTIL)
    pairs = [
        (_judged(series, limit, decay, span, curve), _judged(series, limit, decay, span, None))
        for series in books.values()
    ]
    shared, own = (
        [_skill(found) for found in part if found is not None] for part in zip(*pairs, strict=True)
    )
    return DecaySkill(
        decay=decay,
        skill=float(np.mean(shared)) if shared else 0.0,
        own_skill=float(np.mean(own)) if own else 0.0,
        n_books=len(shared),
    )


def _skill(found: tuple[float, float, FloatArray, BoolArray]) -> float:
    return 1.0 - found[0] / found[1]


def _late(
    series: Mapping[str, History], limit: float, *, untouched: bool
) -> Iterator[JudgedSeries]:
    for name, history in series.items():
        found = _judged(history, limit, VOLATILITY_DECAY, (CHOSEN_UNTIL, date.max), SHARED)
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
    series: History,
    limit: float,
    decay: float,
    span: tuple[date, date],
    shared: Calibration | None,
) -> tuple[float, float, FloatArray, BoolArray] | None:
    """Judge a curve within the span; None where it, or the part before, holds too few breaches.

    Parameters
    ----------
    shared : Calibration or None
        None fits a curve of the series' own until the span.
    """
    history = score_history(series.values, drawdown_limit=limit, other_pressure=0.0, decay=decay)
    sessions = series.sessions[history.days]
    start, stop = (int(np.searchsorted(sessions, np.datetime64(day, "D"))) for day in span)
    fit = slice(0, _before(series, history, span[0]))
    # What the span's last days foretell lies beyond it: they are left to the part after.
    judged = slice(start, stop if stop == len(sessions) else stop - HORIZON_SESSIONS)
    known, events = history.breached[fit], history.breached[judged]
    if min(known.sum(), events.sum()) < _FEWEST_BREACHES:
        return None
    curve = shared or fit_curve(history.probabilities[fit], history.pressures[fit], known)
    forecast = breach_probabilities(history.probabilities[judged], history.pressures[judged], curve)
    brier = float(((forecast - events) ** 2).mean())
    return brier, float(((known.mean() - events) ** 2).mean()), forecast, events
