"""A book of every kind of instrument, revalued in every scenario of the market's history.

A position's exposure is what it moves with: its value, the notional of a future, delta times the
underlying of an option; its return is its P&L over that. So the measures of a stock book read it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.instruments import Instrument, InstrumentKind
from market.multi_asset import MarketMoves, MarketSnapshot
from market.panel import Panel
from measures.covariance import correlation_of, sample_covariance
from risk.book import Book, Holding
from risk.estimators import MIN_OBSERVATIONS
from risk.exposure import betas
from risk.revaluation import HeldInstrument, Revaluation, revalue_book
from risk.sensitivities import exposures_of
from risk.shocks import MarketState
from services.risk_inputs import History, PreviousRisk, RiskInputs
from services.risk_measures import MeasuredBook

CASH = "cash"
SIMULATED = "simulated"  # A market that was not observed.
_LEAST_EXPOSURE = 1.0  # An option without delta still has a return.


@dataclass(frozen=True, slots=True)
class Tradability:
    """What trading one instrument costs, and how much of it trades.

    Attributes
    ----------
    half_spread : float
        As a fraction of what changes hands: of the premium for an option.
    daily_notional : float
        Money a day in the base currency, in the exposure that the position is measured by: the
        notional of a future, delta times the underlying of an option.
    """

    half_spread: float
    daily_notional: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BookDay:
    """The book at one close, and the market that it was valued on.

    Attributes
    ----------
    held : mapping of symbol to HeldInstrument
        Over all strategies, with cash of other currencies.
    """

    session: date
    held: Mapping[str, HeldInstrument]
    snapshot: MarketSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiAssetInputs:
    """One book of every kind of instrument on one date, and the market it lives in.

    Attributes
    ----------
    held : mapping of strategy to sequence of HeldInstrument
    cash : mapping of strategy to mapping of currency to amount
        Cash of other currencies is at risk; that of the base is not.
    moves : MarketMoves
        The market's history, one scenario a session, oldest first.
    sessions : ndarray of shape (n_scenarios,)
    equity : History
        Net asset value at each close of the book's life, in the base currency.
    benchmark : ndarray of shape (n_scenarios,)
        The market's return in each scenario.
    pairs : mapping of symbol to currency
        The instruments that are a currency's price.
    market : str
        `simulated`, or `observed`.
    trading : mapping of symbol to Tradability
        What is not in it has no spread and no volume.
    trading_source : str
        Where `trading` is from, for the reader.
    fund : str or None
        Whose money it is.
    accounts : mapping of account to mapping of symbol to quantity
        Where each position is held; cash under `cash EUR`.
    life : tuple of BookDay
        The book at every close of its life, the last one today's; empty where it is unknown.
    notes : tuple of str
        What in the snapshot was set by hand, in sentences.
    """

    scope: str
    held: Mapping[str, Sequence[HeldInstrument]]
    cash: Mapping[str, Mapping[str, float]]
    snapshot: MarketSnapshot
    moves: MarketMoves
    sessions: DateArray
    equity: History
    benchmark: FloatArray
    pairs: Mapping[str, str] = field(default_factory=dict)
    previous: PreviousRisk | None = None
    market: str = "observed"
    trading: Mapping[str, Tradability] = field(default_factory=dict)
    trading_source: str = ""
    fund: str | None = None
    accounts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    life: tuple[BookDay, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedBook:
    """The book, revalued in every scenario of the history.

    Attributes
    ----------
    held : mapping of symbol to HeldInstrument
        Over all strategies; cash of a currency under `cash EUR`.
    exposures : ndarray of shape (n_positions,)
        Of the positions that could be priced, never zero.
    """

    held: Mapping[str, HeldInstrument]
    snapshot: MarketSnapshot
    moves: MarketMoves
    revalued: Revaluation
    exposures: FloatArray
    kinds: Mapping[str, str]


def value_book(inputs: MultiAssetInputs, *, lookback: int) -> ValuedBook:
    """Add up what is held, and revalue it in the last scenarios of the history."""
    base = inputs.snapshot.base_currency
    held = held_with_cash(inputs.held.values(), inputs.cash.values(), base)
    snapshot = with_cash_prices(inputs.snapshot)
    moves = with_still_cash(last_moves(inputs.moves, lookback), inputs.snapshot)
    revalued = revalue_book(list(held.values()), snapshot, moves, known_moves=True)
    sizes = exposures_of(held, snapshot, revalued)
    return ValuedBook(
        held=held,
        snapshot=snapshot,
        moves=moves,
        revalued=revalued,
        exposures=np.where(np.abs(sizes) < _LEAST_EXPOSURE, _LEAST_EXPOSURE, sizes),
        kinds={s: CASH if s.startswith(CASH) else p.instrument.kind.value
               for s, p in held.items()},
    )  # fmt: skip


def measured_book(inputs: MultiAssetInputs, valued: ValuedBook) -> MeasuredBook | None:
    """Return the book in the form in which a stock book is measured, None if nothing can be."""
    book, n = valued.revalued, valued.moves.n_scenarios
    if not book.symbols or n < MIN_OBSERVATIONS:
        return None
    returns = book.pnl / valued.exposures[:, None]
    market = inputs.benchmark[-n:]
    correlation, volatilities = correlation_of(sample_covariance(returns))
    return MeasuredBook(
        book=Book(
            symbols=book.symbols,
            quantities=np.array([valued.held[s].quantity for s in book.symbols]),
            exposures=valued.exposures,
            returns=returns,
            sessions=inputs.sessions[-n:],
            left_out=book.left_out,
            filled=0,
        ),
        equity=float(inputs.equity.values[-1]),
        market=market,
        state=MarketState(
            symbols=book.symbols,
            moves=np.zeros(len(book.symbols)),
            volatilities=volatilities,
            correlation=correlation,
            market_betas=betas(returns, market),
            rate_betas=np.zeros(len(book.symbols)),
            half_spreads=_half_spreads(inputs, valued),
            daily_notional=np.array(
                [
                    known.daily_notional if known else np.nan
                    for known in map(inputs.trading.get, book.symbols)
                ]
            ),
        ),
        rates=None,
        pnl=book.pnl.sum(axis=0),
    )


def _half_spreads(inputs: MultiAssetInputs, valued: ValuedBook) -> FloatArray:
    """Return half spreads as fractions of exposure: an option's is one of its premium."""
    rows = zip(valued.revalued.symbols, valued.revalued.values, valued.exposures, strict=True)
    spreads = []
    for symbol, value, exposure in rows:
        known = inputs.trading.get(symbol)
        is_option = valued.held[symbol].instrument.kind is InstrumentKind.OPTION
        share = abs(value / exposure) if is_option else 1.0
        spreads.append(0.0 if known is None else known.half_spread * share)
    return np.array(spreads)


def linear_inputs(inputs: MultiAssetInputs, valued: ValuedBook) -> RiskInputs:
    """Return the book as the measures of a stock book read it: exposures by symbol."""
    known = dict(zip(valued.revalued.symbols, valued.exposures.tolist(), strict=True))
    none = Panel((), inputs.sessions, {"close": np.zeros((0, len(inputs.sessions)))})
    return RiskInputs(
        scope=inputs.scope,
        as_of=inputs.snapshot.as_of,
        holdings={
            symbol: Holding(position.quantity, known.get(symbol, 0.0))
            for symbol, position in valued.held.items()
            if np.isfinite(position.quantity)
        },
        prices=none,
        equity=inputs.equity,
        sectors=valued.kinds,
        currency=inputs.snapshot.base_currency,
        previous=inputs.previous,
        fund=inputs.fund,
        accounts={
            account: {
                symbol: known[symbol] * quantity / valued.held[symbol].quantity
                for symbol, quantity in held.items()
                if symbol in known
            }
            for account, held in inputs.accounts.items()
        },
    )


def held_with_cash(
    held: Iterable[Iterable[HeldInstrument]], cash: Iterable[Mapping[str, float]], base: str
) -> dict[str, HeldInstrument]:
    """Add up positions by symbol, and cash of every other currency, over all strategies."""
    found: dict[str, HeldInstrument] = {}
    for position in (one for each in held for one in each):
        symbol = position.instrument.symbol
        before = found[symbol].quantity if symbol in found else 0.0
        found[symbol] = HeldInstrument(position.instrument, before + position.quantity)
    sums: dict[str, float] = {}
    for currency, amount in (pair for amounts in cash for pair in amounts.items()):
        if currency != base and amount:
            sums[currency] = sums.get(currency, 0.0) + amount
    for currency, amount in sums.items():
        money = Instrument(
            symbol=f"{CASH} {currency}", kind=InstrumentKind.FX, currency=currency, sector=CASH
        )
        found[money.symbol] = HeldInstrument(money, amount)
    return found


def with_cash_prices(snapshot: MarketSnapshot) -> MarketSnapshot:
    """Return the snapshot in which cash of another currency is worth one unit of it."""
    cash = {f"{CASH} {currency}": 1.0 for currency in snapshot.fx}
    return replace(snapshot, prices={**snapshot.prices, **cash})


def with_still_cash(moves: MarketMoves, snapshot: MarketSnapshot) -> MarketMoves:
    """Return the moves in which cash stands still in its own currency."""
    still = np.zeros(moves.n_scenarios)
    cash = {f"{CASH} {currency}": still for currency in snapshot.fx}
    return replace(moves, prices={**moves.prices, **cash})


def last_moves(moves: MarketMoves, n: int, *, until: int | None = None) -> MarketMoves:
    """Return `n` scenarios at most, the last ones before position `until`."""
    end = moves.n_scenarios if until is None else until
    part = slice(max(end - n, 0), end)
    return MarketMoves(
        n_scenarios=part.stop - part.start,
        prices={name: values[part] for name, values in moves.prices.items()},
        fx={name: values[part] for name, values in moves.fx.items()},
        curves={name: values[:, part] for name, values in moves.curves.items()},
        volatilities={name: values[part] for name, values in moves.volatilities.items()},
    )
