"""The risk of equities and cash in several currencies: what a currency does to each, in the base.

A foreign stock is measured at its close times the exchange rate of the session, so that its
returns hold the currency's. Cash abroad is a position like another: as many units as are held, at
the rate. The benchmark stays the universe of the stocks, without the cash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from basics.arrays import DateArray, FloatArray
from basics.errors import MissingDataError
from market.panel import Panel
from pnl.events import LedgerEvent
from pnl.ledger import Ledger
from risk.book import MAX_MISSING_SHARE, Holding
from services.book_closes import in_order_of_days
from services.exchange_rates import HOW_TO_IMPORT
from services.risk_inputs import History, RiskInputs

CASH = "cash"


def in_base_currency(prices: Panel, quoted: Mapping[str, str], rates: Panel | None) -> Panel:
    """Return the panel with each close in the base currency, NaN where a rate is unknown.

    Parameters
    ----------
    quoted : mapping of symbol to currency
        Of the symbols that are in another currency than the base.
    rates : Panel or None
        A row a currency, on the sessions of `prices`.
    """
    if not quoted:
        return prices
    close = prices["close"].copy()
    for row, symbol in enumerate(prices.symbols):
        if symbol in quoted:
            close[row] *= _rate(rates, quoted[symbol], len(prices.sessions))
    return replace(prices, fields={**prices.fields, "close": close})


def cash_by_currency(
    ledger: Ledger, events: Sequence[tuple[date, LedgerEvent]], sessions: Sequence[date]
) -> dict[str, FloatArray]:
    """Return the cash in each currency at each close, (n_sessions,), folded into `ledger`."""
    dated, at = in_order_of_days(events), 0
    found: dict[str, FloatArray] = {}
    for column, session in enumerate(sessions):
        while at < len(dated) and dated[at][0] <= session:
            ledger.book(dated[at][1], day=dated[at][0])
            at += 1
        for currency, amount in ledger.cash().items():
            row = found.setdefault(currency, np.zeros(len(sessions)))
            row[column] = float(amount)
    return found


def with_cash(
    inputs: RiskInputs, cash: Mapping[str, FloatArray], rates: Panel | None
) -> RiskInputs:
    """Return the inputs with cash in other currencies as positions beside the stocks.

    Parameters
    ----------
    cash : mapping of currency to ndarray
        Units at each close of the books' sessions, the base currency left out.
    rates : Panel or None
        On the sessions of the inputs' prices.
    """
    held = {currency: units for currency, units in cash.items() if units.any()}
    if not held or inputs.exposures is None:
        return inputs
    prices, exposures = inputs.prices, inputs.exposures
    names = tuple(f"{CASH} {currency}" for currency in held)
    paths = np.stack([_rate(rates, currency, len(prices.sessions)) for currency in held])
    at = np.searchsorted(prices.sessions, exposures.sessions)
    worth = np.stack(list(held.values())) * paths[:, at]
    units = {name: float(row[-1]) for name, row in zip(names, held.values(), strict=True)}
    return replace(
        inputs,
        holdings={
            **inputs.holdings,
            **{
                name: Holding(quantity=units[name], market_value=value)
                for name, value in zip(names, worth[:, -1].tolist(), strict=True)
                if value
            },
        },
        prices=_beside(prices, names, {"close": paths}),
        exposures=_beside(exposures, names, {"exposure": np.nan_to_num(worth)}),
        sectors={**inputs.sectors, **dict.fromkeys(names, CASH)},
        benchmark=inputs.benchmark or _universe(prices),
    )


def enough_rates(rates: Panel | None, currencies: Sequence[str], sessions: DateArray) -> None:
    """Refuse to measure what a currency does on sessions of which too many have no rate.

    As with prices, a few may miss.

    Raises
    ------
    MissingDataError
        With the currency, how many sessions have none, and the first of them.
    """
    for currency in currencies:
        missing = ~np.isfinite(_rate(rates, currency, len(sessions))[-len(sessions) :])
        if missing.mean() > MAX_MISSING_SHARE:
            raise MissingDataError(
                f"risk needs the rate of {currency} on the last {len(sessions)} sessions, "
                f"{int(missing.sum())} have none, the first {sessions[int(missing.argmax())]}: "
                f"{HOW_TO_IMPORT}"
            )


def _rate(rates: Panel | None, currency: str, count: int) -> FloatArray:
    if rates is None or currency not in rates.symbols:
        return np.full(count, np.nan)
    found: FloatArray = rates["close"][rates.symbols.index(currency)]
    return found


def _beside(panel: Panel, names: tuple[str, ...], rows: Mapping[str, FloatArray]) -> Panel:
    """Return the panel with further rows, symbols sorted; a field that they lack is NaN."""
    symbols = (*panel.symbols, *names)
    order = sorted(range(len(symbols)), key=lambda n: symbols[n])
    none = np.full((len(names), len(panel.sessions)), np.nan)
    fields = {
        name: np.concatenate([values, rows.get(name, none)])[order]
        for name, values in panel.fields.items()
    }
    return Panel(tuple(symbols[n] for n in order), panel.sessions, fields, panel.simulated)


def _universe(prices: Panel) -> History:
    """Return the mean return of the stocks in the base currency."""
    close = prices["close"]
    with np.errstate(invalid="ignore", divide="ignore"):
        returns = close[:, 1:] / close[:, :-1] - 1.0
    known = np.isfinite(returns)
    mean = np.where(known, returns, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return History(prices.sessions[1:], mean)
