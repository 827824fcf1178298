"""Whether the risk models see the profit that the books see: the P&L attribution test, daily.

Hypothetical profit is what the book of the evening before earned at today's closes (the part
`price` of the explanation). Risk-theoretical profit is what a risk model says of the same book:
by each symbol's own price, as value at risk prices it, and by market and style factors alone, as
a factor view of risk would. The zone of the portfolio is that of the first, on which its limits
rest; the second tells how much of the book factors can see.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import msgspec
import numpy as np

from basics.arrays import BoolArray, DateArray, FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from pnl.attribution_test import AttributionTest, Zone, attribution_test
from pnl.explain import PARTS
from risk.theoretical import factor_pnl, own_price_pnl
from services.portfolio_review import close_returns
from services.ports import JsonDocument, KeptBooks, ResultStore

HEALTH_KIND: Final = "pnl.attribution_test"
DAYS: Final = 250  # MAR32 compares the last 250 trading days.
WINDOW: Final = 250  # Days on which a factor exposure is estimated.
HISTORY: Final = timedelta(days=2 * (DAYS + WINDOW))
OWN_PRICES, FACTORS = "own prices", "factors"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTest:
    """How one risk model did.

    Attributes
    ----------
    spearman, kolmogorov_smirnov : float or None
        None where the test could not be done, with the reason.
    zone : Zone or None
        The worse of the two zones.
    """

    model: str
    sees: str
    observations: int
    spearman: float | None = None
    kolmogorov_smirnov: float | None = None
    spearman_zone: Zone | None = None
    kolmogorov_smirnov_zone: Zone | None = None
    zone: Zone | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlHealth:
    """The test of one portfolio on one desk date.

    Attributes
    ----------
    zone : Zone or None
        Of the model that value at risk rests on; None where it could not be tested.
    """

    portfolio: str
    day: date
    currency: str
    zone: Zone | None
    tests: tuple[ModelTest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlHealthCheck:
    """Tests the days that are kept, and keeps what came out.

    Attributes
    ----------
    closes : callable
        Returns a dataset's closing prices from one date to another.
    factors : callable
        Returns each factor's return on given sessions.
    """

    results: ResultStore
    closes: Callable[[str, date, date], Panel]
    factors: Callable[[DateArray], Mapping[str, FloatArray]]

    def run(self, kept: KeptBooks, *, lineage: JsonDocument) -> PnlHealth:
        """Test the last 250 days of `kept`, and keep the outcome for its last session."""
        daily = kept.books.daily
        last = daily.sessions[-1].item()
        prices = self.closes(kept.dataset, last - HISTORY, last)
        tests = (
            _tested(OWN_PRICES, "every symbol's own return", lambda: _own_prices(kept, prices)),
            _tested(
                FACTORS, "market and styles, exposures estimated on the 250 days before",
                lambda: _by_factors(kept, prices, self.factors),
            ),
        )  # fmt: skip
        health = PnlHealth(
            portfolio=kept.portfolio,
            day=last,
            currency=daily.currency,
            zone=tests[0].zone,
            tests=tests,
        )
        payload = msgspec.to_builtins(health)
        self.results.put(HEALTH_KIND, kept.portfolio, last, payload, lineage)
        return health


Series = tuple[FloatArray, FloatArray]


def _tested(model: str, sees: str, series: Callable[[], Series]) -> ModelTest:
    try:
        theoretical, hypothetical = series()
        outcome: AttributionTest = attribution_test(theoretical, hypothetical)
    except (MissingDataError, InvalidInputError) as error:
        return ModelTest(model=model, sees=sees, observations=0, reason=str(error))
    return ModelTest(
        model=model,
        sees=sees,
        observations=outcome.observations,
        spearman=outcome.spearman,
        kolmogorov_smirnov=outcome.kolmogorov_smirnov,
        spearman_zone=outcome.spearman_zone,
        kolmogorov_smirnov_zone=outcome.kolmogorov_smirnov_zone,
        zone=outcome.zone,
    )


def _own_prices(kept: KeptBooks, prices: Panel) -> Series:
    exposures, hypothetical, at = _book(kept, prices)
    return own_price_pnl(exposures, close_returns(prices)[:, at]), hypothetical


def _by_factors(
    kept: KeptBooks, prices: Panel, factors: Callable[[DateArray], Mapping[str, FloatArray]]
) -> Series:
    found = factors(prices.sessions)
    values = np.column_stack(list(found.values()))
    known: BoolArray = np.atleast_1d(np.isfinite(values).all(axis=1))
    days = np.flatnonzero(known)
    exposures, hypothetical, at = _book(kept, prices)
    # Where a factor has no return the day is left out, and the estimation passes over it.
    first = int(np.searchsorted(days, at[0]))
    inside = known[at]
    if first < WINDOW:
        raise MissingDataError(
            f"{first} days before {prices.sessions[at[0]]} have every factor, {WINDOW} are needed"
        )
    stretch = days[first - WINDOW : first + int(inside.sum())]
    theoretical = factor_pnl(
        exposures[:, inside], close_returns(prices)[:, stretch], values[stretch], window=WINDOW
    )
    return theoretical, hypothetical[inside]


def _book(kept: KeptBooks, prices: Panel) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return exposures at the close before each of the last days, their profit, and the columns.

    The first session kept has no evening before; it is left out.
    """
    daily = kept.books.daily
    days = min(DAYS, len(daily.sessions) - 1)
    if days < 1:
        raise MissingDataError("one session has no evening before it: wait for another")
    row_of = {symbol: row for row, symbol in enumerate(prices.symbols)}
    values = np.zeros((len(prices.symbols), len(daily.sessions)))
    for row, (_, symbol) in enumerate(daily.keys):
        if symbol is not None and symbol in row_of:
            values[row_of[symbol]] += daily.market_value[row]
    unit = 10.0**daily.digits
    price = kept.books.parts[PARTS.index("price")].sum(axis=0)
    at: IntArray = np.searchsorted(prices.sessions, daily.sessions[-days:])
    return values[:, -days - 1 : -1] / unit, price[-days:] / unit, at
