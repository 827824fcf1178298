"""Live risk of one portfolio: its positions, and its positions plus working orders.

The night estimated the market (covariances, scenarios, sensitivities); a mark or a fill changes
one row of the book kept measured (`risk.live`). Limits are held against the worse of two books:
what is held, and what would be held if in every symbol the working orders that enlarge the
position were filled. Observations and evaluator are those of the nightly profile. What every
event can pay for is read at once; the full profile (`services.live_profile`) at an interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from risk.exposure import Exposure
from risk.limits import Limit, LimitCheck, evaluate, worst_state
from risk.live import CONFIDENCES, LiveBook
from risk.score import Level
from risk.verdict import verdict_of
from services.live_observations import Observed, Whole, in_scopes, observe, worse
from services.live_profile import (
    LiveHoldings,
    LiveProfile,
    decomposition_of,
    measures_of,
    positions_of,
    stresses_of,
    tails_of,
)
from services.night_market import NightMarket
from services.risk_judgement import drawdown_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRiskReading:
    """The risk of a portfolio at one moment; losses are positive, in the base currency.

    Attributes
    ----------
    value_at_risk, expected_shortfall : mapping of confidence to loss
        Historical, one day, of the positions: the estimate behind the limits.
    value_at_risk_with_orders : float
        At 99%, with the working orders that enlarge positions filled.
    score, level : float, Level
        Calibrated by the night; the level falls only with hysteresis.
    component_var : mapping of str to float
        Euler components of normal 99% VaR by symbol.
    stresses : mapping of scenario to loss
        Written down or replayed from the past.
    working : mapping of str to (to_buy, to_sell)
        Quantities that orders may still buy and sell.
    limits : tuple of LimitCheck
        Of positions plus working orders, worst first.
    left_out : tuple of str
        Held symbols that value at risk and stresses do not cover.
    """

    market_of: date
    equity: float
    drawdown: float
    score: float
    level: Level
    level_reason: str
    limit_state: str
    exposure: Exposure
    value_at_risk: dict[str, float]
    expected_shortfall: dict[str, float]
    value_at_risk_with_orders: float
    component_var: dict[str, float]
    stresses: dict[str, float]
    working: dict[str, tuple[float, float]]
    limits: tuple[LimitCheck, ...]
    left_out: tuple[str, ...]


class LiveRisk:
    """Keeps one portfolio measured, with and without its working orders."""

    def __init__(self, portfolio: str, market: NightMarket) -> None:
        self.portfolio = portfolio
        self.market = market
        flat = np.zeros(len(market.state.symbols))
        self._held = LiveBook(
            market.state,
            market.returns,
            flat,
            scenarios=market.scenarios,
            moves=market.moves,
            laws=market.laws,
        )
        self._worst = self._held.holding(flat)
        self._values: dict[str, float] = {}
        self._reach: dict[str, float] = {}
        self._working: dict[str, tuple[float, float]] = {}

    def update(
        self,
        values: Mapping[str, float],
        working: Mapping[str, tuple[float, float]],
        worth: Mapping[str, float],
    ) -> int:
        """Move to new market values and working orders; return how many symbols moved.

        Parameters
        ----------
        values : mapping of str to float
            Signed market value of what is held.
        working : mapping of str to (to_buy, to_sell)
            Quantities, both positive.
        worth : mapping of str to float
            Market value of one unit of each symbol with working orders.
        """
        self._working = dict(working)
        moved = 0
        for symbol in {*self._values, *values, *working}:
            value = values.get(symbol, 0.0)
            to_buy, to_sell = working.get(symbol, (0.0, 0.0))
            unit = worth.get(symbol, 0.0)
            reach = max((value, value + to_buy * unit, value - to_sell * unit), key=abs)
            changed = _move(self._held, self._values, symbol, value)
            moved += _move(self._worst, self._reach, symbol, reach) or changed
        return moved

    def hold_beside(self, exposures: Mapping[str, float]) -> None:
        """Hold what is at risk and no exposure, such as cash of another currency."""
        for symbol, value in exposures.items():
            for book in (self._held, self._worst):
                if book.covers(symbol):
                    book.set_exposure(symbol, value)

    def read(
        self,
        *,
        equity: float,
        drawdown: float,
        limits: Sequence[Limit],
        as_of: date,
        previous: Level | None = None,
        whole: Whole = (),
    ) -> LiveRiskReading:
        """Return what every event can pay for, held against `limits`.

        Parameters
        ----------
        previous : Level or None
            The level published last.
        whole : sequence of (Scope, str)
            Fund and account that hold all of the portfolio.

        Raises
        ------
        InvalidInputError
            If equity is not positive.
        """
        held, reach = (
            self._observe(self._held, self._values, equity, drawdown),
            self._observe(self._worst, self._reach, equity, drawdown),
        )
        observed = worse(in_scopes(held.observed, whole), in_scopes(reach.observed, whole))
        checks = evaluate(limits, observed, as_of=as_of)
        probability = self._probability(checks, limits, equity, drawdown, as_of)
        verdict = verdict_of(probability, checks, previous=previous)
        return LiveRiskReading(
            market_of=self.market.as_of,
            equity=equity,
            drawdown=drawdown,
            score=verdict.score,
            level=verdict.level,
            level_reason=verdict.reason,
            limit_state=worst_state(checks).value,
            exposure=held.exposure,
            value_at_risk={str(c): v for c, v in zip(CONFIDENCES, held.tails[0], strict=True)},
            expected_shortfall={str(c): v for c, v in zip(CONFIDENCES, held.tails[1], strict=True)},
            value_at_risk_with_orders=reach.tails[0][CONFIDENCES.index(0.99)],
            component_var=self._components(),
            stresses=held.stresses,
            working=self._working,
            limits=checks,
            left_out=self._left_out(),
        )

    def profile(
        self,
        reading: LiveRiskReading,
        holdings: LiveHoldings,
        *,
        limits: Sequence[Limit],
        desk_date: date,
        at: datetime,
        sequence: int,
    ) -> LiveProfile:
        """Return the full profile of the positions that `reading` is of."""
        book, market, equity = self._held, self.market, reading.equity
        tails = tails_of(book, market, equity)
        probability = self._probability(reading.limits, limits, equity, reading.drawdown, desk_date)
        return LiveProfile(
            as_of=at,
            sequence=sequence,
            market_of=market.as_of,
            evidence_of=market.verdict.of,
            equity=equity,
            score=reading.score,
            level=reading.level,
            level_reason=reading.level_reason,
            measures=measures_of(
                book,
                market,
                equity=equity,
                drawdown=reading.drawdown,
                probability=probability,
                tails=tails,
            ),
            tails=tails,
            positions=positions_of(book, market, holdings, equity=equity),
            decomposition=decomposition_of(book, market, holdings),
            stresses=stresses_of(book, market, equity),
            left_out=reading.left_out,
        )

    def _probability(
        self,
        checks: Sequence[LimitCheck],
        limits: Sequence[Limit],
        equity: float,
        drawdown: float,
        as_of: date,
    ) -> float:
        return self._held.breach_probability(
            equity=equity,
            drawdown=drawdown,
            drawdown_limit=drawdown_limit(self.portfolio, as_of, limits),
            utilisations=np.array([check.utilisation for check in checks]),
            calibration=self.market.calibration,
        )

    def _left_out(self) -> tuple[str, ...]:
        """Return the held symbols that no scenario covers."""
        return tuple(s for s, v in sorted(self._values.items()) if v and not self._held.covers(s))

    def _components(self) -> dict[str, float]:
        parts = self._held.normal_components()
        return {
            symbol: float(part)
            for symbol, part in zip(self.market.state.symbols, parts, strict=True)
            if self._values.get(symbol)
        }

    def _observe(
        self, book: LiveBook, values: Mapping[str, float], equity: float, drawdown: float
    ) -> Observed:
        return observe(
            book, values, self.market, portfolio=self.portfolio, equity=equity, drawdown=drawdown
        )


def _move(book: LiveBook, known: dict[str, float], symbol: str, value: float) -> bool:
    """Note the value and tell the book; one without scenarios counts in exposures alone."""
    if known.get(symbol, 0.0) == value:
        return False
    known[symbol] = value
    if book.covers(symbol):
        book.set_exposure(symbol, value)
    return True
