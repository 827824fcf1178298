"""The night: the risk of many books at once, on one shared market.

Books are rows of one exposure matrix. What every book shares (the market state, each shocked
state) is computed once; what is left is a few matrix products and compiled rolling loops.
A book that cannot be measured becomes a failure beside the others' rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, QuantDeskError
from measures.parametric_tail import normal_tail
from risk.decomposition import shortfall_components
from risk.exposure import exposure_of
from risk.limits import Limit, LimitCheck, Observation, Scope, evaluate, worst_state
from risk.night_methods import MethodRow, method_rows
from risk.score import DEFAULT_DRAWDOWN_LIMIT, Level
from risk.score_history import calibrated
from risk.shocks import MarketState
from risk.stress import StressScenario, days_to_liquidate, stress_losses
from risk.tested import NIGHT_TESTS, BookEvidence
from risk.verdict import verdict_of

HEADLINE_METHOD = "historical"


@dataclass(frozen=True, slots=True, kw_only=True)
class NightBooks:
    """Books of linear positions in one universe.

    Attributes
    ----------
    exposures : ndarray of shape (n_books, n_symbols)
        Signed market values; a row with NaN fails alone.
    equity, drawdown : ndarray of shape (n_books,)
    strategies : tuple of (str or None)
        Which strategy a book is that of, None for a portfolio; empty where all are portfolios.
    """

    names: tuple[str, ...]
    exposures: FloatArray
    equity: FloatArray
    drawdown: FloatArray
    strategies: tuple[str | None, ...] = ()

    def chunk(self, start: int, stop: int) -> "NightBooks":
        """Return the books at positions [start, stop)."""
        return self.take(range(len(self.names))[start:stop])

    def take(self, rows: Sequence[int]) -> "NightBooks":
        """Return the books at positions `rows`."""
        at = np.asarray(rows, dtype=np.intp)
        return NightBooks(
            names=tuple(self.names[row] for row in rows),
            exposures=self.exposures[at],
            equity=self.equity[at],
            drawdown=self.drawdown[at],
            strategies=tuple(self.strategies[row] for row in rows) if self.strategies else (),
        )

    def reason_to_fail(self, row: int) -> str | None:
        """Return why the book cannot be measured, None if it can."""
        if not np.isfinite(self.exposures[row]).all():
            return "an exposure is missing: a position has no price"
        if not self.equity[row] > 0:
            return f"equity must be positive, got {self.equity[row]}"
        if not self.exposures[row].any():
            return "the book is empty"
        if not 0.0 <= self.drawdown[row] < 1.0:
            return f"drawdown must lie in [0, 1), got {self.drawdown[row]}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightMarket:
    """What every book of the night shares.

    Attributes
    ----------
    returns : ndarray of shape (n_symbols, n_days)
        Daily returns without NaN, oldest first.
    """

    state: MarketState
    returns: FloatArray
    sectors: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightRow:
    """The risk of one book.

    Attributes
    ----------
    component_var : mapping of str to float
        Euler components of the 99% normal VaR by symbol held; they sum to it.
    component_es : mapping of str to float
        Euler components of the 99% historical ES.
    stresses : mapping of str to float
        Loss by scenario, positive a loss.
    level_reason : str
        What made the score, and why the level is what it is, in one sentence.
    brier, brier_climatology, base_rate : float or None
        Of the score's probability on the second half of history, see `risk.score.Calibration`.
    tests : tuple of str
        Which tests the row carries, see `risk.tested`.
    evidence : BookEvidence or None
        Every estimator with every test, for a book whose life is known.
    evidence_note : str
        Why a book whose life is known has none.
    """

    name: str
    methods: tuple[MethodRow, ...]
    component_var: dict[str, float]
    component_es: dict[str, float]
    stresses: dict[str, float]
    score: float
    level: str
    limit_state: str
    breached: tuple[str, ...]
    level_reason: str = ""
    breach_probability: float | None = None
    brier: float | None = None
    brier_climatology: float | None = None
    base_rate: float | None = None
    tests: tuple[str, ...] = NIGHT_TESTS
    evidence: BookEvidence | None = None
    evidence_note: str = ""


@dataclass(frozen=True, slots=True)
class NightFailure:
    """A book that could not be measured, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Shared:
    """Arrays of the whole chunk, one row a book."""

    pnl: FloatArray
    component_var: FloatArray
    stresses: FloatArray
    previous: Mapping[str, Level]
    tested: Mapping[str, BookEvidence]


def measure_books(  # noqa: PLR0913 - the night's policy, told in full
    books: NightBooks,
    market: NightMarket,
    *,
    limits: Sequence[Limit],
    scenarios: Sequence[StressScenario],
    as_of: date,
    window: int = 500,
    previous: Mapping[str, Level] | None = None,
    tested: Mapping[str, BookEvidence] | None = None,
) -> tuple[tuple[NightRow, ...], tuple[NightFailure, ...]]:
    """Measure every book; rows and failures come back side by side, in the books' order.

    Parameters
    ----------
    previous : mapping of book to Level, optional
        Of the session before, for the hysteresis of the level.
    tested : mapping of book to BookEvidence, optional
        Of books whose life is known: limits are held against its estimates, which the book's
        profile shows, and not against those of the shorter `window`.

    Raises
    ------
    InvalidInputError
        If the exposures do not match the market: that is a wrong call, not a bad book.
    """
    if books.exposures.shape != (len(books.names), len(market.state.symbols)):
        raise InvalidInputError(
            f"exposures {books.exposures.shape} do not match {len(books.names)} books of "
            f"{len(market.state.symbols)} symbols"
        )
    reasons = [books.reason_to_fail(row) for row in range(len(books.names))]
    scenarios = [scenario for scenario in scenarios if scenario.is_ready]
    sound = [row for row, reason in enumerate(reasons) if reason is None]
    failures = [
        NightFailure(name, reason)
        for name, reason in zip(books.names, reasons, strict=True)
        if reason is not None
    ]
    if not sound:
        return (), tuple(failures)
    exposures = books.exposures[sound]
    shared = _Shared(
        pnl=exposures @ market.returns,
        component_var=_normal_components(exposures, market.state),
        stresses=stress_losses(scenarios, market.state, exposures),
        previous=previous or {},
        tested=tested or {},
    )
    methods = method_rows(shared.pnl, window=window)
    rows = []
    for at, row in enumerate(sound):
        try:
            rows.append(_row(books, row, market, shared, at, methods[at], scenarios, limits, as_of))
        except QuantDeskError as error:
            failures.append(NightFailure(books.names[row], str(error)))
    return tuple(rows), tuple(failures)


def _normal_components(exposures: FloatArray, state: MarketState) -> FloatArray:
    """Return Euler components of the zero-mean 99% normal VaR, of shape (n_books, n_symbols)."""
    pull = exposures @ state.covariance
    std = np.sqrt(np.maximum(np.einsum("ij,ij->i", pull, exposures), 0.0))
    value, _ = normal_tail(np.zeros(1), np.ones(1), confidence=0.99)
    scale = np.divide(value[0], std, out=np.zeros_like(std), where=std > 0)
    components: FloatArray = exposures * pull * scale[:, None]
    return components


def _row(  # noqa: PLR0913, PLR0917 - the parts of one book, gathered from the whole chunk
    books: NightBooks,
    row: int,
    market: NightMarket,
    shared: _Shared,
    at: int,
    methods: tuple[MethodRow, ...],
    scenarios: Sequence[StressScenario],
    limits: Sequence[Limit],
    as_of: date,
) -> NightRow:
    exposures, equity = books.exposures[row], float(books.equity[row])
    held = np.flatnonzero(exposures)
    symbols = [market.state.symbols[i] for i in held]
    window = shared.pnl.shape[1] - methods[0].n_days
    tail = shortfall_components(
        exposures[held, None] * market.returns[held, -window:], confidence=0.99
    )
    losses = shared.stresses[:, at].tolist()
    worst = max(
        (loss for s, loss in zip(scenarios, losses, strict=True) if s.is_limited), default=0.0
    )
    headline = _headline(methods, shared.tested.get(books.names[row]))
    observed = _observed(books, row, market, headline, symbols, held, worst)
    checks = evaluate(limits, observed, as_of=as_of)
    drawdown = float(books.drawdown[row])
    calibration, probability = calibrated(
        shared.pnl[at] / equity, checks, limit=_drawdown_limit(checks, limits), drawdown=drawdown
    )
    verdict = verdict_of(probability, checks, previous=shared.previous.get(books.names[row]))
    return NightRow(
        name=books.names[row],
        methods=methods,
        component_var=dict(zip(symbols, shared.component_var[at, held].tolist(), strict=True)),
        component_es=dict(zip(symbols, tail.tolist(), strict=True)),
        stresses={s.name: loss for s, loss in zip(scenarios, losses, strict=True)},
        score=verdict.score,
        level=verdict.level.value,
        level_reason=verdict.reason,
        breach_probability=probability,
        brier=calibration.brier,
        brier_climatology=calibration.brier_climatology,
        base_rate=calibration.base_rate,
        limit_state=worst_state(checks).value,
        breached=tuple(f"{c.metric} of {c.name}" for c in checks if c.breached),
    )


def _headline(methods: Sequence[MethodRow], evidence: BookEvidence | None) -> tuple[float, float]:
    """Return the 99% value at risk and the 97.5% expected shortfall that limits are about."""
    rows = methods if evidence is None else evidence.methods
    found = {row.confidence: row for row in rows if row.method == HEADLINE_METHOD}
    return found[0.99].value_at_risk, found[0.975].expected_shortfall


def _observed(  # noqa: PLR0913, PLR0917 - as _row
    books: NightBooks,
    row: int,
    market: NightMarket,
    headline: tuple[float, float],
    symbols: Sequence[str],
    held: IntArray,
    worst_stress: float,
) -> list[Observation]:
    name, equity = books.names[row], float(books.equity[row])
    exposures = books.exposures[row, held]
    sizes = exposure_of(symbols, exposures, equity=equity, sectors=market.sectors)
    days = days_to_liquidate(exposures, market.state.daily_notional[held])
    of_book = {
        "value_at_risk_99": max(headline[0] / equity, 0.0),
        "expected_shortfall_975": max(headline[1] / equity, 0.0),
        "drawdown": float(books.drawdown[row]),
        "gross_leverage": sizes.leverage,
        "net_leverage": sizes.net_leverage,
        "hhi": sizes.hhi,
        "beta": float(exposures @ market.state.market_betas[held]) / equity,
        "worst_stress_loss": max(worst_stress / equity, 0.0),
    }
    if np.isfinite(days).any():
        of_book["days_to_liquidate"] = float(np.nanmax(days))
    found = [Observation(m, Scope.PORTFOLIO, name, value) for m, value in of_book.items()]
    strategy = books.strategies[row] if books.strategies else None
    if strategy is not None:
        largest = float(np.abs(exposures).max()) / equity
        own = of_book | {"largest_position": largest}
        found += [Observation(m, Scope.STRATEGY, strategy, value) for m, value in own.items()]
    found += [
        Observation("weight", Scope.SYMBOL, symbol, weight)
        for symbol, weight in zip(symbols, (exposures / equity).tolist(), strict=True)
    ]
    found += [
        Observation("weight", Scope.SECTOR, sector, weight)
        for sector, weight in sizes.sector_weights.items()
    ]
    return found


def _drawdown_limit(checks: Sequence[LimitCheck], limits: Sequence[Limit]) -> float:
    return next(
        (c.hard for c in checks if c.metric == "drawdown"),
        next(
            (r.hard for r in limits if (r.metric, r.scope) == ("drawdown", Scope.PORTFOLIO)),
            DEFAULT_DRAWDOWN_LIMIT,
        ),
    )
