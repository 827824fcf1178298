"""Daily books by currency: what the portfolio holds in each, and what each earned.

The worth of a currency is the positions quoted in it plus the cash in it, converted at the
session's rate. An exchange moves value from one currency to another at the base value of what was
sold, so that exchanges sum to zero over currencies and what their price gained or lost belongs to
the currency that was bought. Amounts are int64 in minor units of the base currency and sum over
currencies to `pnl.daily`, to the cent: both round each position's amount in each currency alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from basics.arrays import DateArray, FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from basics.money import MINOR_UNIT_DIGITS, round_money
from pnl.events import CurrencyExchange, LedgerEvent
from pnl.ledger import Ledger, capital_of
from pnl.lots import ZERO
from pnl.postings import Entry
from pnl.valuation import to_base, worth_by_currency


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyBooks:
    """Amounts by currency and session, int64 in minor units of `currency`.

    Attributes
    ----------
    currencies : tuple of str
        Rows, sorted.
    pnl, flows, equity : ndarray of shape (n_currencies, n_sessions)
        Profit of the session; paid in by owners or exchanged into the currency in the session;
        worth at its close.
    """

    currency: str
    digits: int
    sessions: DateArray
    currencies: tuple[str, ...]
    pnl: IntArray
    flows: IntArray
    equity: IntArray

    def capital(self) -> IntArray:
        """Return the worth before each session plus what came in with it, as `flows`."""
        before = np.concatenate([np.zeros_like(self.equity[:, :1]), self.equity[:, :-1]], axis=1)
        return before + self.flows

    def last(self, sessions: int) -> "CurrencyBooks":
        """Return the last `sessions` of them."""
        return replace(
            self,
            sessions=self.sessions[-sessions:],
            pnl=self.pnl[:, -sessions:],
            flows=self.flows[:, -sessions:],
            equity=self.equity[:, -sessions:],
        )

    def weights(self) -> FloatArray:
        """Return each currency's share of the capital of each session, (n_currencies, n_sessions).

        Raises
        ------
        InvalidInputError
            If a session has no capital.
        """
        capital = self.capital().astype(np.float64)
        total = capital.sum(axis=0)
        if not (total > 0).all():
            day = self.sessions[~(total > 0)][0]
            raise InvalidInputError(f"session {day} has no capital: begin with the first payment")
        weights: FloatArray = capital / total
        return weights


Amounts = dict[str, Decimal]


class CurrencyBooksBuilder:
    """Takes a snapshot of the ledger at each session's close, currency by currency."""

    def __init__(self, *, base: str = "USD") -> None:
        self._base = base
        self._digits = MINOR_UNIT_DIGITS.get(base, 2)
        self._sessions: list[date] = []
        self._equity: list[Amounts] = []
        self._flows: list[Amounts] = []

    def close(
        self,
        session: date,
        ledger: Ledger,
        booked: Sequence[tuple[LedgerEvent, Entry]],
        marks: Mapping[str, Decimal],
        rates: Mapping[str, Decimal],
    ) -> None:
        """Value everything in `ledger` at the close of `session`.

        Parameters
        ----------
        booked : sequence of (event, entry)
            Everything booked since the last close.

        Raises
        ------
        MissingDataError
            If a held instrument has no mark or a currency no rate.
        """
        equity: Amounts = {}
        for _, symbol, position, balances in ledger.accounts():
            instrument = None if symbol is None else ledger.instruments[symbol]
            worth = worth_by_currency(position, balances, marks, instrument)
            self._add(equity, worth, rates)
        flows: Amounts = {}
        for paid in capital_of(booked).values():
            self._add(flows, paid, rates)
        for event, _ in booked:
            if isinstance(event, CurrencyExchange):
                self._exchange(flows, event, rates)
        self._sessions.append(session)
        self._equity.append(equity)
        self._flows.append(flows)

    def build(self) -> CurrencyBooks:
        """Return the books of the sessions closed so far.

        Raises
        ------
        MissingDataError
            If none was closed.
        """
        if not self._sessions:
            raise MissingDataError("no session was closed: widen the range")
        currencies = sorted({name for day in (*self._equity, *self._flows) for name in day})
        equity, flows = (
            self._matrix(currencies, self._equity),
            self._matrix(currencies, self._flows),
        )
        return CurrencyBooks(
            currency=self._base,
            digits=self._digits,
            sessions=np.array(self._sessions, dtype="datetime64[D]"),
            currencies=tuple(currencies),
            pnl=np.diff(equity, axis=1, prepend=np.zeros_like(equity[:, :1])) - flows,
            flows=flows,
            equity=equity,
        )

    def _exchange(
        self, flows: Amounts, event: CurrencyExchange, rates: Mapping[str, Decimal]
    ) -> None:
        sold = round_money(event.sold, event.sold_currency)
        value = to_base({event.sold_currency: sold}, rates, base=self._base)
        flows[event.sold_currency] = flows.get(event.sold_currency, ZERO) - value
        flows[event.bought_currency] = flows.get(event.bought_currency, ZERO) + value

    def _add(self, sums: Amounts, amounts: Amounts, rates: Mapping[str, Decimal]) -> None:
        for currency, amount in amounts.items():
            value = to_base({currency: amount}, rates, base=self._base)
            sums[currency] = sums.get(currency, ZERO) + value

    def _matrix(self, currencies: Sequence[str], days: Sequence[Amounts]) -> IntArray:
        rows = [
            [int(day.get(name, ZERO).scaleb(self._digits)) for day in days] for name in currencies
        ]
        return np.array(rows, dtype=np.int64).reshape(len(currencies), len(days))
