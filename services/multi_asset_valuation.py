"""A book of every kind of instrument, revalued in every scenario of the market's history.

A position's exposure is what it moves with: its value, the notional of a future, delta times the
underlying of an option; its return is its P&L over that. So the measures of a stock book read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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
_LEAST_EXPOSURE = 1.0  # An option without delta still has a return.


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
    held: dict[str, HeldInstrument] = {}
    for position in (one for each in inputs.held.values() for one in each):
        symbol = position.instrument.symbol
        before = held[symbol].quantity if symbol in held else 0.0
        held[symbol] = HeldInstrument(position.instrument, before + position.quantity)
    moves = _last(inputs.moves, lookback)
    still = np.zeros(moves.n_scenarios)
    prices, steady = dict(inputs.snapshot.prices), dict(moves.prices)
    for currency, amount in _foreign_cash(inputs).items():
        cash = Instrument(
            symbol=f"{CASH} {currency}", kind=InstrumentKind.FX, currency=currency, sector=CASH
        )
        held[cash.symbol] = HeldInstrument(cash, amount)
        prices[cash.symbol], steady[cash.symbol] = 1.0, still
    snapshot = replace(inputs.snapshot, prices=prices)
    moves = replace(moves, prices=steady)
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
            half_spreads=np.zeros(len(book.symbols)),
            daily_notional=np.full(len(book.symbols), np.nan),
        ),
        rates=None,
        pnl=book.pnl.sum(axis=0),
    )


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
    )


def _foreign_cash(inputs: MultiAssetInputs) -> dict[str, float]:
    sums: dict[str, float] = {}
    for amounts in inputs.cash.values():
        for currency, amount in amounts.items():
            if currency != inputs.snapshot.base_currency and amount:
                sums[currency] = sums.get(currency, 0.0) + amount
    return sums


def _last(moves: MarketMoves, n: int) -> MarketMoves:
    """Return the last `n` scenarios."""
    n = min(n, moves.n_scenarios)
    return MarketMoves(
        n_scenarios=n,
        prices={name: values[-n:] for name, values in moves.prices.items()},
        fx={name: values[-n:] for name, values in moves.fx.items()},
        curves={name: values[:, -n:] for name, values in moves.curves.items()},
        volatilities={name: values[-n:] for name, values in moves.volatilities.items()},
    )
