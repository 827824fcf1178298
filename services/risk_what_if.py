"""What one candidate order would do: the book's risk before and after, by the same functions.

The order is taken as filled at the last close, its cost told beside the answer and not taken
from equity. Before and after are two profiles without evidence, so what a limit would say of the
order is what it will say tomorrow.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from basics.errors import InvalidInputError, MissingDataError
from market.liquidity import ALMGREN_2005
from risk.book import Holding
from risk.limits import LimitCheck, LimitState
from risk.profile import RiskProfile
from services.risk import RiskService
from services.risk_inputs import RiskInputs


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateOrder:
    """A symbol and how much of it, bought when positive."""

    symbol: str
    quantity: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.quantity) or self.quantity == 0:
            raise InvalidInputError(
                f"the quantity of {self.symbol} is {self.quantity}: give a number other than zero, "
                "negative to sell"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TailChange:
    """One estimate, before and after; losses are positive."""

    method: str
    confidence: float
    horizon_days: int
    var_before: float
    var_after: float
    es_before: float
    es_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StressChange:
    """One scenario's loss, before and after; None where it cannot be run."""

    name: str
    title: str
    loss_before: float | None
    loss_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """One limit, before and after; None where it did not, or would not, bind."""

    metric: str
    scope: str
    name: str
    unit: str
    hard: float
    before: float | None
    after: float | None
    state_before: LimitState
    state_after: LimitState


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfReport:
    """What the order would do.

    Attributes
    ----------
    price, value : float
        Last close, and what the order is worth at it, signed, in `currency`.
    expected_cost : float or None
        Spread and impact of the one impact model in a session; None without a traded volume.
    new_breaches : tuple of str
        Limits past their soft threshold that were not, or are further past it than before.
    """

    scope: str
    as_of: date
    currency: str
    symbol: str
    quantity: float
    price: float
    value: float
    expected_cost: float | None
    score_before: float
    score_after: float
    level_before: str
    level_after: str
    tails: tuple[TailChange, ...]
    stresses: tuple[StressChange, ...]
    limits: tuple[LimitChange, ...]
    new_breaches: tuple[str, ...]
    left_out: tuple[str, ...]


def what_if(inputs: RiskInputs, order: CandidateOrder, *, risk: RiskService) -> WhatIfReport:
    """Measure the book as it stands, and as it would stand after the order.

    Raises
    ------
    MissingDataError
        If the symbol has no close on the day of the book.
    """
    price = _price(inputs, order.symbol)
    value = order.quantity * price
    held = inputs.holdings.get(order.symbol, Holding(0.0, 0.0))
    after_book = {
        **inputs.holdings,
        order.symbol: Holding(held.quantity + order.quantity, held.market_value + value),
    }
    before = risk.profile(inputs, with_evidence=False)
    after = risk.profile(replace(inputs, holdings=after_book), with_evidence=False)
    limits = _limits(before.limits, after.limits)
    return WhatIfReport(
        scope=inputs.scope,
        as_of=inputs.as_of,
        currency=inputs.currency,
        symbol=order.symbol,
        quantity=order.quantity,
        price=price,
        value=value,
        expected_cost=_cost(inputs, order.symbol, value),
        score_before=before.score,
        score_after=after.score,
        level_before=before.level.value,
        level_after=after.level.value,
        tails=_tails(before, after),
        stresses=_stresses(before, after),
        limits=limits,
        new_breaches=tuple(_new_breaches(limits)),
        left_out=tuple(f"{row.symbol}: {row.reason}" for row in after.left_out),
    )


def _price(inputs: RiskInputs, symbol: str) -> float:
    if symbol not in inputs.prices.symbols:
        raise MissingDataError(
            f"{symbol} has no price history: import its bars; known are "
            f"{', '.join(inputs.prices.symbols[:30])}"
        )
    close = float(inputs.prices["close"][inputs.prices.symbols.index(symbol), -1])
    if not (math.isfinite(close) and close > 0):
        raise MissingDataError(f"{symbol} has no close on {inputs.prices.sessions[-1]}: {close}")
    return close


def _cost(inputs: RiskInputs, symbol: str, value: float) -> float | None:
    volume = inputs.daily_notional.get(symbol, math.nan)
    if not volume > 0:
        return None
    close = inputs.prices["close"][inputs.prices.symbols.index(symbol), -253:]
    moves = close[1:] / close[:-1] - 1.0
    std = float(np.nanstd(moves, ddof=1))
    parts = ALMGREN_2005.parts(
        np.array([abs(value)]), volume=np.array([volume]), volatility=np.array([std])
    )
    share = ALMGREN_2005.half_spread + float(parts.temporary[0]) + float(parts.permanent[0])
    return abs(value) * share


def _tails(before: RiskProfile, after: RiskProfile) -> tuple[TailChange, ...]:
    changed = {(t.method, t.confidence, t.horizon_days): t for t in after.tails}
    found = []
    for tail in before.tails:
        other = changed.get((tail.method, tail.confidence, tail.horizon_days))
        if other is not None:
            found.append(
                TailChange(
                    method=tail.method,
                    confidence=tail.confidence,
                    horizon_days=tail.horizon_days,
                    var_before=tail.value_at_risk,
                    var_after=other.value_at_risk,
                    es_before=tail.expected_shortfall,
                    es_after=other.expected_shortfall,
                )
            )
    return tuple(found)


def _stresses(before: RiskProfile, after: RiskProfile) -> tuple[StressChange, ...]:
    old, new = ({s.name: s for s in p.stresses} for p in (before, after))
    return tuple(
        StressChange(
            name=name,
            title=(new.get(name) or old[name]).title,
            loss_before=old[name].loss if name in old else None,
            loss_after=new[name].loss if name in new else None,
        )
        for name in dict.fromkeys([*old, *new])
    )


def _limits(before: Iterable[LimitCheck], after: Iterable[LimitCheck]) -> tuple[LimitChange, ...]:
    """Return every limit that binds before or after, the most used after the order first."""
    old, new = ({(c.metric, c.scope, c.name): c for c in checks} for checks in (before, after))
    found = []
    for key in dict.fromkeys([*new, *old]):
        was, will = old.get(key), new.get(key)
        one = will or was
        assert one is not None
        found.append(
            LimitChange(
                metric=one.metric,
                scope=one.scope,
                name=one.name,
                unit=one.unit,
                hard=one.hard,
                before=None if was is None else was.value,
                after=None if will is None else will.value,
                state_before=LimitState.OK if was is None else was.state,
                state_after=LimitState.OK if will is None else will.state,
            )
        )
    return tuple(found)


def _new_breaches(limits: Iterable[LimitChange]) -> Iterable[str]:
    past = (LimitState.SOFT, LimitState.HARD)
    for limit in limits:
        size = abs(limit.after or 0.0)
        worse = limit.state_before not in past or size > abs(limit.before or 0.0) * (1 + 1e-9)
        if limit.state_after in past and worse:
            yield (
                f"{limit.metric} of {limit.name}: {size:.4g} against a hard limit of "
                f"{limit.hard:.4g} ({limit.state_after.value})"
            )
