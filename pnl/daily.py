"""Daily books: what each position earned on each session, exactly.

The value of a position to its book is its market value plus all cash it ever moved; its profit of
a session is the change of that value. Cash alone (interest, fees of the account, manual
adjustments) is the position without a symbol, whose profit leaves out what owners paid in. The
sum over positions is therefore the change of equity less payments in, to the cent, by
construction and in integers: amounts are int64 in minor units of the base currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np

from basics.arrays import DateArray, FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from basics.money import MINOR_UNIT_DIGITS
from pnl.ledger import Key, Ledger
from pnl.lots import ZERO
from pnl.postings import Account
from pnl.valuation import mark_of, market_value, to_base


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBooks:
    """Amounts by position and session, int64 in minor units (cents) of `currency`.

    Attributes
    ----------
    digits : int
        Decimals of the minor unit: an amount is the integer over 10 ** digits.
    keys : tuple of (Book, str or None)
        Rows, sorted; the symbol is None for cash alone.
    pnl : ndarray of shape (n_keys, n_sessions)
        Profit of the session after costs.
    fees : ndarray of shape (n_keys, n_sessions)
        Fees paid in the session, positive; already inside `pnl`.
    market_value : ndarray of shape (n_keys, n_sessions)
        At the session's close; negative for a short.
    flows : ndarray of shape (n_sessions,)
        Paid in by the owners, negative when paid out.
    equity : ndarray of shape (n_sessions,)
        At the session's close.
    opening : int
        Equity at the close before the first session; zero where the books begin with it.
    """

    currency: str
    digits: int
    sessions: DateArray
    keys: tuple[Key, ...]
    pnl: IntArray
    fees: IntArray
    market_value: IntArray
    flows: IntArray
    equity: IntArray
    opening: int = 0

    def money(self, amount: int | np.integer) -> Decimal:
        """Return an integer amount as money."""
        return Decimal(int(amount)).scaleb(-self.digits)

    def returns(self) -> FloatArray:
        """Return profit of each session over equity before it plus what was paid in, (n_sessions,).

        Payments count from the start of their session (true time weighting with daily
        valuation). A session before any capital is in has return 0.

        Raises
        ------
        InvalidInputError
            If profit was made on no or negative capital.
        """
        before = self._before()
        profit = self.pnl.sum(axis=0)
        if ((before <= 0) & (profit != 0)).any():
            at = int(np.flatnonzero((before <= 0) & (profit != 0))[0])
            raise InvalidInputError(
                f"session {self.sessions[at]}: profit on capital of "
                f"{self.money(before[at])} has no return; book the capital paid in first "
                "(`quantdesk pnl open`)"
            )
        rates: FloatArray = np.where(before > 0, profit / np.where(before > 0, before, 1), 0.0)
        return rates

    def opening_capital(self) -> FloatArray:
        """Return equity before each session plus what is paid in, in money, (n_sessions,)."""
        capital: FloatArray = self._before() / 10.0**self.digits
        return capital

    def between(self, start: date | None, end: date | None) -> "DailyBooks":
        """Return the books of the sessions from `start` to `end`, both included.

        Raises
        ------
        InvalidInputError
            If `start` lies after `end`.
        MissingDataError
            If no session lies between them.
        """
        chosen = sessions_between(self.sessions, start, end)
        return DailyBooks(
            currency=self.currency,
            digits=self.digits,
            sessions=self.sessions[chosen],
            keys=self.keys,
            pnl=self.pnl[:, chosen],
            fees=self.fees[:, chosen],
            market_value=self.market_value[:, chosen],
            flows=self.flows[chosen],
            equity=self.equity[chosen],
            opening=int(self.equity[chosen.start - 1]) if chosen.start else self.opening,
        )

    def _before(self) -> IntArray:
        """Return equity before each session plus what is paid in."""
        before: IntArray = np.concatenate([[self.opening], self.equity[:-1]]) + self.flows
        return before


def sessions_between(sessions: DateArray, start: date | None, end: date | None) -> slice:
    """Return where the sessions from `start` to `end` lie, both included; None is open.

    Raises
    ------
    InvalidInputError
        If `start` lies after `end`.
    MissingDataError
        If no session lies between them; the message tells the span that there is.
    """
    if start is not None and end is not None and start > end:
        raise InvalidInputError(f"the range {start} to {end} ends before it starts: swap the dates")
    first = 0 if start is None else int(np.searchsorted(sessions, np.datetime64(start)))
    stop = len(sessions)
    if end is not None:
        stop = int(np.searchsorted(sessions, np.datetime64(end), side="right"))
    if first >= stop:
        span = f"{sessions[0]} to {sessions[-1]}" if len(sessions) else "empty"
        raise MissingDataError(
            f"no session lies between {start or 'the first'} and {end or 'the last'}: "
            f"the span of the books is {span}"
        )
    return slice(first, stop)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One position at one close; fees and capital are those of the session alone."""

    value: int
    market_value: int
    fees: int
    capital: int


Balances = Mapping[tuple[Account, str], Decimal]


class DailyBooksBuilder:
    """Takes a snapshot of the ledger at each session's close and lays them side by side.

    Parameters
    ----------
    base : str
        Currency of the books; positions in others are converted at each session's rates.
    """

    def __init__(self, *, base: str = "USD") -> None:
        self._base = base
        self._digits = MINOR_UNIT_DIGITS.get(base, 2)
        self._sessions: list[date] = []
        self._snapshots: list[dict[Key, _Snapshot]] = []
        self._before: dict[Key, Balances] = {}

    def close(
        self,
        session: date,
        ledger: Ledger,
        marks: Mapping[str, Decimal],
        rates: Mapping[str, Decimal] | None = None,
    ) -> None:
        """Value everything in `ledger` at the close of `session`.

        Raises
        ------
        InvalidInputError
            If the sessions do not ascend.
        MissingDataError
            If a held instrument has no mark or its currency no rate.
        """
        if self._sessions and session <= self._sessions[-1]:
            raise InvalidInputError(f"session {session} does not follow {self._sessions[-1]}")
        convert = _Converter(self._base, self._digits, rates or {}, session)
        snapshot = {}
        for book, symbol, position, balances in ledger.accounts():
            key = (book, symbol)
            held = {}
            if position.quantity and symbol is not None:
                mark = mark_of(marks, symbol, session)
                worth = market_value(position, mark, ledger.instruments[symbol])
                held = {position.currency: worth}
            before = self._before.get(key, {})
            snapshot[key] = _Snapshot(
                value=convert(_sum(held, _balances_of(balances, Account.CASH))),
                market_value=convert(held),
                fees=convert(_moved(balances, before, Account.FEES)),
                capital=-convert(_moved(balances, before, Account.CAPITAL)),
            )
            self._before[key] = dict(balances)
        self._sessions.append(session)
        self._snapshots.append(snapshot)

    def build(self) -> DailyBooks:
        """Return the books of the sessions closed so far.

        Raises
        ------
        MissingDataError
            If none was closed.
        """
        if not self._sessions:
            raise MissingDataError("no session was closed: widen the range")
        keys = sorted(self._snapshots[-1], key=lambda key: (key[0], key[1] or ""))
        value = self._matrix(keys, "value")
        capital = self._matrix(keys, "capital")
        return DailyBooks(
            currency=self._base,
            digits=self._digits,
            sessions=np.array(self._sessions, dtype="datetime64[D]"),
            keys=tuple(keys),
            pnl=_changes(value) - capital,
            fees=self._matrix(keys, "fees"),
            market_value=self._matrix(keys, "market_value"),
            flows=capital.sum(axis=0),
            equity=value.sum(axis=0),
        )

    def _matrix(self, keys: Sequence[Key], name: str) -> IntArray:
        rows = [
            [getattr(day[key], name) if key in day else 0 for day in self._snapshots]
            for key in keys
        ]
        return np.array(rows, dtype=np.int64).reshape(len(keys), len(self._sessions))


@dataclass(frozen=True, slots=True)
class _Converter:
    base: str
    digits: int
    rates: Mapping[str, Decimal]
    session: date

    def __call__(self, amounts: Mapping[str, Decimal]) -> int:
        total = to_base(amounts, self.rates, base=self.base, session=self.session)
        return int(total.scaleb(self.digits))


def _balances_of(balances: Balances, account: Account) -> dict[str, Decimal]:
    return {currency: amount for (name, currency), amount in balances.items() if name is account}


def _moved(now: Balances, before: Balances, account: Account) -> dict[str, Decimal]:
    """Return by currency what an account moved since the session before."""
    old = _balances_of(before, account)
    return {
        currency: amount - old.get(currency, ZERO)
        for currency, amount in _balances_of(now, account).items()
    }


def _sum(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> dict[str, Decimal]:
    currencies = left.keys() | right.keys()
    return {c: left.get(c, ZERO) + right.get(c, ZERO) for c in sorted(currencies)}


def _changes(levels: IntArray) -> IntArray:
    """Return the change of each level over the session before; the first is over zero."""
    return np.diff(levels, axis=1, prepend=np.zeros((len(levels), 1), dtype=np.int64))
