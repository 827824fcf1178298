"""The multi-asset demo portfolio: booked on a SIMULATED market, valued, explained, attributed.

Books in dollars with cash in euros and yen. The benchmark is three simulated stock indices, one a
currency, in fixed shares rebalanced each session; against it stands the split of Ankrim and
Hensel by currency. Booking is idempotent and the run is named after what it books.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import ConflictError
from basics.identifiers import short_id
from market.panel import Panel
from market.simulated.asset_liquidity import EXCHANGED, SOURCE, daily_notional
from market.simulated.multi_asset import BASE, CURRENCIES, SimulatedAssets, simulate_assets
from measures.options import AmericanFormula
from pnl.attribution import Attribution, by_currency
from pnl.currency_attribution import EFFECTS, Markets, linked_ankrim_hensel
from pnl.currency_books import CurrencyBooks
from pnl.daily import DailyBooks
from pnl.events import LedgerEvent
from pnl.ledger import Ledger
from pnl.valued_books import by_reason
from risk.revaluation import HeldInstrument
from services.accounting import Accounting
from services.currency_attribution import CurrencyAttribution, CurrencyMarket
from services.multi_asset_book import traded_events
from services.multi_asset_marks import marked_snapshot
from services.multi_asset_rules import (
    CORE,
    EXCHANGE_SPREAD,
    HALF_SPREAD,
    OVERLAY,
    MultiAssetPlan,
)
from services.multi_asset_valuation import (
    CASH,
    BookDay,
    MultiAssetInputs,
    Tradability,
    held_with_cash,
)
from services.pnl_days import SIMULATED_SPLITS
from services.pnl_explanation import Explanation, explanation_of
from services.pnl_performance import Performance, performance_of
from services.portfolios import MULTI_ASSET, SIMULATED_INDICES
from services.ports import KeptBooks, SimulatedMarkets
from services.profit_splits import splits_of_books
from services.risk_inputs import History, PreviousRisk

SIMULATED_MARKET = "simulated"
BENCHMARK_WEIGHTS: Mapping[str, float] = {"EUR": 0.25, "JPY": 0.15, "USD": 0.60}
_STREAM = 5  # Of the seed: no other use of the seed draws from the same stream.


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiAssetReview:
    """What the portfolio earned and why, as documents of plain values.

    Attributes
    ----------
    market : str
        `simulated`: nothing here was observed.
    events, sessions : int
        What is booked, over how many sessions; every session's entries sum to zero in every
        currency, or the review is refused.
    kept : KeptBooks
        The same day by day, position by position.
    """

    market: str
    events: int
    sessions: int
    performance: Performance
    attributions: tuple[Attribution, ...]
    explanation: Explanation
    currency_attribution: CurrencyAttribution
    kept: KeptBooks


@dataclass(frozen=True, slots=True)
class MultiAssetBooks:
    """The portfolio on its market: what to book, and under which name."""

    plan: MultiAssetPlan
    market: SimulatedAssets
    events: tuple[LedgerEvent, ...]
    run_id: str

    @property
    def closes(self) -> Panel:
        """Closing prices over the sessions traded."""
        return self._traded(self.market.closes)

    @property
    def rates(self) -> Panel:
        """Exchange rates over the sessions traded."""
        return self._traded(self.market.rates)

    def _traded(self, panel: Panel) -> Panel:
        day = np.datetime64(self.market.first_traded, "D")
        return panel.window(int(np.searchsorted(panel.sessions, day)), len(panel.sessions))


def multi_asset_market(
    plan: MultiAssetPlan, sessions: DateArray, *, seed: int, kept: SimulatedMarkets | None = None
) -> SimulatedAssets:
    """Return the market over `sessions` from the plan's start on: the one kept, or simulated.

    Parameters
    ----------
    kept : SimulatedMarkets, optional
        Where the market is looked for before it is simulated, and kept afterwards.

    Raises
    ------
    MissingDataError
        If the sessions do not reach around the first one that is traded.
    """
    within = sessions[sessions >= np.datetime64(plan.start, "D")]
    key = short_id(seed, _STREAM, plan.first_traded, within, prefix="market")
    market = kept.load(key) if kept else None
    if market is None:
        rng = np.random.default_rng([seed, _STREAM])
        market = simulate_assets(rng, within, first_traded=plan.first_traded)
        if kept:
            kept.save(key, market)
    return market


def multi_asset_books(
    plan: MultiAssetPlan, sessions: DateArray, *, seed: int, kept: SimulatedMarkets | None = None
) -> MultiAssetBooks:
    """Trade in the market over `sessions`; see `multi_asset_market`."""
    market = multi_asset_market(plan, sessions, seed=seed, kept=kept)
    events = tuple(traded_events(market, plan))
    return MultiAssetBooks(plan, market, events, short_id(plan, events, prefix="run"))


def daily_books(books: MultiAssetBooks, accounting: Accounting) -> DailyBooks:
    """Return the value of the booked portfolio at the close of every session traded."""
    return accounting.daily_books(
        books.run_id, books.closes, portfolio=books.plan.portfolio, rates=books.rates
    )


def review_multi_asset(
    books: MultiAssetBooks,
    accounting: Accounting,
    *,
    generator: np.random.Generator | None = None,
) -> MultiAssetReview:
    """Book what is not booked yet, then value, explain and attribute it.

    Parameters
    ----------
    generator : numpy.random.Generator, optional
        Draws the intervals of the figures; without it they have none.

    Raises
    ------
    ConflictError
        If a session's entries do not balance in every currency.
    """
    accounting.book_events(books.run_id, books.events)
    run, closes, rates = books.run_id, books.closes, books.rates
    portfolio = books.plan.portfolio
    for session, balance in accounting.trial_balances(run, closes, portfolio=portfolio):
        if not balance.balances:
            raise ConflictError(f"{portfolio}: {session} does not balance: {balance.by_currency}")
    by_money = accounting.currency_books(run, closes, portfolio=portfolio, rates=rates)
    markets = _markets(books.market, by_money)
    benchmark = np.array([m.benchmark_weights @ m.benchmark_returns for m in markets])
    valued = accounting.valued_books(
        run, closes, portfolio=portfolio, benchmark=benchmark, rates=rates
    )
    daily = valued.daily
    return MultiAssetReview(
        market=SIMULATED_MARKET,
        events=len(books.events),
        sessions=len(closes.sessions),
        performance=performance_of(
            daily, benchmark=benchmark, benchmark_name=SIMULATED_INDICES, traded=valued.traded,
            generator=generator,
        ),
        attributions=(
            by_reason(valued),
            *splits_of_books(daily, accounting.instruments, by=SIMULATED_SPLITS[1:-1]),
            by_currency(by_money, daily),
        ),
        explanation=explanation_of(valued),
        currency_attribution=_against_benchmark(markets, by_money),
        kept=KeptBooks(portfolio, run, MULTI_ASSET, valued),
    )  # fmt: skip


def risk_inputs_of(
    books: MultiAssetBooks,
    accounting: Accounting,
    *,
    previous: PreviousRisk | None,
    american: AmericanFormula = AmericanFormula.TWO_BOUNDARIES,
) -> MultiAssetInputs:
    """Gather what the risk of the booked portfolio at the last session is computed from.

    Parameters
    ----------
    american : AmericanFormula
        How American options are priced; the simulated marks are by two boundaries.
    """
    market, daily = books.market, daily_books(books, accounting)
    held: dict[str, list[HeldInstrument]] = {}
    accounts: dict[str, dict[str, float]] = {}
    for position in accounting.positions(books.run_id, portfolio=books.plan.portfolio):
        quantity, book = float(position.quantity), position.book
        own = held.setdefault(book.strategy, [])
        own.append(HeldInstrument(market.instruments[position.symbol], quantity))
        _add(accounts.setdefault(book.account, {}), position.symbol, quantity)
    ledger = accounting.ledger(books.run_id)
    cash = {
        strategy: {c: float(v) for c, v in ledger.cash(books.plan.book(strategy)).items()}
        for strategy in (CORE, OVERLAY)
    }
    for currency, amount in (pair for own in cash.values() for pair in own.items()):
        _add(accounts.setdefault(books.plan.account, {}), f"{CASH} {currency}", amount)
    life = _life(books, accounting, american)
    marks = accounting.manual(books.plan.portfolio).marks_on(market.sessions[-1].item())
    snapshot, by_hand = marked_snapshot(market.snapshot(), market.instruments, marks)
    row = market.indices.symbols.index(BASE)
    index = market.indices["close"][row]
    return MultiAssetInputs(
        scope=books.plan.portfolio,
        held=held,
        cash=cash,
        snapshot=replace(snapshot, american=american),
        moves=market.moves(len(market.sessions)),
        sessions=market.sessions[1:],
        equity=History(daily.sessions, daily.equity / 10.0**daily.digits),
        benchmark=index[1:] / index[:-1] - 1.0,
        pairs={"SIM-EURUSD": "EUR"},
        previous=previous,
        market=market.label,
        trading=_trading(market),
        trading_source=SOURCE,
        fund=books.plan.fund,
        accounts=accounts,
        life=life,
        notes=by_hand,
    )


def _add(sums: dict[str, float], name: str, amount: float) -> None:
    sums[name] = sums.get(name, 0.0) + amount


def _trading(market: SimulatedAssets) -> dict[str, Tradability]:
    """Return what trading costs, as the fills pay, and how much trades; cash as currencies do."""
    known = {
        symbol: Tradability(HALF_SPREAD[i.kind], daily_notional(symbol))
        for symbol, i in market.instruments.items()
    }
    return known | {
        f"{CASH} {currency}": Tradability(EXCHANGE_SPREAD, notional)
        for currency, notional in EXCHANGED.items()
    }


def _life(
    books: MultiAssetBooks, accounting: Accounting, american: AmericanFormula
) -> tuple[BookDay, ...]:
    """Fold the ledger once and keep what was held at the close of every session traded."""
    market, portfolio = books.market, books.plan.portfolio
    ledger = Ledger(market.instruments, method=accounting.method)
    events = iter(accounting.events(books.run_id, portfolio=portfolio))
    first = int(np.searchsorted(market.sessions, np.datetime64(market.first_traded, "D")))
    by_hand = accounting.manual(portfolio)
    days, coming = [], next(events, None)
    for at in range(first, len(market.sessions)):
        session = market.sessions[at].item()
        while coming is not None and coming[0] <= session:
            ledger.book(coming[1], day=coming[0])
            coming = next(events, None)
        held = [
            HeldInstrument(market.instruments[p.symbol], float(p.quantity))
            for p in ledger.positions()
        ]
        cash = {currency: float(amount) for currency, amount in ledger.cash().items()}
        snapshot, marks = market.snapshot(at), by_hand.marks_on(session)
        if marks:
            snapshot, _ = marked_snapshot(snapshot, market.instruments, marks)
        days.append(
            BookDay(
                session=session,
                held=held_with_cash([held], [cash], BASE),
                snapshot=replace(snapshot, american=american),
            )
        )
    return tuple(days)


def _markets(market: SimulatedAssets, books: CurrencyBooks) -> list[Markets]:
    """Return portfolio and benchmark by currency for each session of the books."""
    first = int(np.searchsorted(market.sessions, books.sessions[0]))
    span = slice(first, first + len(books.sessions))
    spot, following, forward = _exchange(market, span)
    index = market.indices["close"]
    local = index[:, span] / index[:, first - 1 : span.stop - 1]
    capital = books.capital()
    earned = books.pnl / np.where(capital != 0, capital, 1)
    weights = books.weights()
    shares = np.array([BENCHMARK_WEIGHTS[currency] for currency in CURRENCIES])
    return [
        Markets(
            portfolio_weights=weights[:, i],
            benchmark_weights=shares,
            portfolio_returns=earned[:, i],
            benchmark_returns=local[:, i] * following[:, i] / spot[:, i] - 1.0,
            spot=spot[:, i],
            next_spot=following[:, i],
            forward=forward[:, i],
        )
        for i in range(len(books.sessions))
    ]


def _exchange(market: SimulatedAssets, span: slice) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return spot, next spot and forward by currency and session, from covered parity."""
    rates = dict(zip(market.rates.symbols, market.rates["close"], strict=True))
    level = np.stack([rates.get(c, np.ones(len(market.sessions))) for c in CURRENCIES])
    before = slice(span.start - 1, span.stop - 1)
    days = (market.sessions[span] - market.sessions[before]).astype(np.float64)
    short = np.stack([market.curves[c][0] for c in CURRENCIES])
    carry = (market.curves[BASE][0] - short)[:, before] * days / 365.0
    return level[:, before], level[:, span], level[:, before] * np.exp(carry)


def _against_benchmark(markets: list[Markets], books: CurrencyBooks) -> CurrencyAttribution:
    linked = linked_ankrim_hensel(markets)
    excess = linked.portfolio - linked.benchmark
    weights = np.mean([period.portfolio_weights for period in markets], axis=0)
    return CurrencyAttribution(
        benchmark_name=SIMULATED_INDICES,
        method="Ankrim-Hensel by session, linked by Carino",
        start=books.sessions[0].item(),
        end=books.sessions[-1].item(),
        markets=tuple(
            CurrencyMarket(
                currency=currency,
                portfolio_weight=float(weights[i]),
                benchmark_weight=BENCHMARK_WEIGHTS[currency],
                **{name: float(getattr(linked.effects, name)[i]) for name in EFFECTS},
            )
            for i, currency in enumerate(books.currencies)
        ),
        portfolio_return=linked.portfolio,
        benchmark_return=linked.benchmark,
        excess=excess,
        residual=excess - linked.effects.total,
    )
