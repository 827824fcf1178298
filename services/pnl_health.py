"""Whether the risk models see the profit that the books see: the P&L attribution test, daily.

Hypothetical profit is what the book of the evening before earned at today's closes (the part
`price` of the explanation). Risk-theoretical profit is what a risk model says of the same book:
by each symbol's own price, as value at risk prices it, and by market and style factors alone, as
a factor view of risk would. The zone of the portfolio is that of the first, on which its limits
rest; the second tells how much of the book factors can see. A zone that changed from one day to
the next is an alert, once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
import numpy as np

from basics.arrays import BoolArray, DateArray, FloatArray, IntArray
from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError
from market.panel import Panel
from pnl.attribution_test import AttributionTest, Zone, attribution_test
from pnl.explain import PARTS
from risk.theoretical import factor_pnl, own_price_pnl
from services.portfolio_review import close_returns
from services.ports import Alert, JsonDocument, KeptBooks, ResultStore, Severity

HEALTH_KIND: Final = "pnl.attribution_test"
ZONE_CHANGED: Final = "pnl.attribution_zone_changed"
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
    tell : callable
        Sends alerts; the same change, told again, is the same alert.
    """

    results: ResultStore
    clock: Clock
    closes: Callable[[str, date, date], Panel]
    factors: Callable[[DateArray], Mapping[str, FloatArray]]
    tell: Callable[[Sequence[Alert]], object]

    def run(self, kept: KeptBooks, *, lineage: JsonDocument) -> PnlHealth:
        """Test the last 250 days of `kept`, keep the outcome for its last session, tell changes.

        A change is told before the outcome is kept: a process killed between the two tells it
        again, as the same alert.
        """
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
        changes = zone_changes(self._before(kept.portfolio, last), health, at=self.clock.now())
        if changes:
            self.tell(changes)
        payload = msgspec.to_builtins(health)
        self.results.put(HEALTH_KIND, kept.portfolio, last, payload, lineage)
        return health

    def _before(self, portfolio: str, day: date) -> PnlHealth | None:
        """Return the outcome of the last day before `day`, None if there was none."""
        try:
            stored = self.results.latest(HEALTH_KIND, portfolio, until=day - timedelta(days=1))
        except MissingDataError:
            return None
        return msgspec.convert(stored.payload, PnlHealth, strict=False)


def zone_changes(before: PnlHealth | None, now: PnlHealth, *, at: datetime) -> list[Alert]:
    """Return an alert for each risk model whose zone is another than on the day before.

    On the first day only what is not green is told. Red is critical for the model on which limits
    rest; that factors do not see a book is a warning.
    """
    earlier = {} if before is None else {test.model: test.zone for test in before.tests}
    alerts = []
    for test in now.tests:
        was = earlier.get(test.model)
        if test.zone is was or (was is None and test.zone is Zone.GREEN):
            continue
        gates = test is now.tests[0]
        alerts.append(
            Alert(
                kind=ZONE_CHANGED,
                severity=_severity(test.zone, gates=gates),
                scope=now.portfolio,
                dedupe_key=f"{now.day}|{test.model}|{_word(was)}|{_word(test.zone)}",
                message=(
                    f"P&L attribution test of {now.portfolio}, risk model {test.model}: "
                    + (f"{_word(was)} became " if before else "first seen ")
                    + f"{_word(test.zone)} on {now.day}"
                    + (f" ({test.reason})" if test.reason else "")
                ),
                figures={
                    "before": _word(was),
                    "zone": _word(test.zone),
                    "spearman": test.spearman,
                    "kolmogorov_smirnov": test.kolmogorov_smirnov,
                    "observations": test.observations,
                },
                raised_at=at,
            )
        )
    return alerts


def _word(zone: Zone | None) -> str:
    return "untested" if zone is None else zone.value


def _severity(zone: Zone | None, *, gates: bool) -> Severity:
    if zone is Zone.GREEN:
        return Severity.INFO
    return Severity.CRITICAL if gates and zone is Zone.RED else Severity.WARNING


def zones_in_words(health: PnlHealth) -> str:
    """Return portfolio, day and the zone of each model in a line."""
    zones = ", ".join(f"{test.model} {_word(test.zone)}" for test in health.tests)
    return f"{health.portfolio} on {health.day}: {zones}"


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
