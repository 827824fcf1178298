"""Why equity changed: every cent of a session's profit under one of thirteen names.

For a position carried from a close of m0 to a close of m1, `price` is its quantity times m1 - m0.
A trade earns `new_trades` from the price at which it was decided to the close, and loses `delay`,
`impact` and `spread` between decision and execution (the split of `pnl.shortfall`) and `fees`.
`carry` is dividends, coupons and interest after taxes, `borrow` the cost of shorts,
`corporate_actions` fractions paid out, `corrections` what amended fills change at today's close,
`adjustments` what people booked by hand. All are converted at the closing rate, and `fx` is what
the value held at the open gained by the rate. `rounding` is what is left of whole cents: parts
sum to the booked profit exactly, and a test bounds the rounding.

Beside the answer in the base currency stands one in each currency of the books, before any
conversion: there `fx` is what was exchanged into it (negative: out of it), and the parts sum to
the change of what the books hold of that currency less what owners paid in of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from basics.errors import MissingDataError
from basics.money import round_money
from pnl.events import Exercise, LedgerEvent
from pnl.explain_events import Carried, RunningPosition
from pnl.ledger import Key, Ledger, capital_of
from pnl.lots import ZERO
from pnl.postings import Entry, Posting
from pnl.valuation import to_base, worth_by_currency

PARTS = (
    "price", "carry", "fx", "new_trades", "delay", "impact", "spread", "fees", "borrow",
    "corporate_actions", "corrections", "adjustments", "rounding",
)  # fmt: skip

Worth = dict[str, Decimal]
Booked = Sequence[tuple[LedgerEvent, Entry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPosition:
    """The profit of one position in one session, in the base currency, by part."""

    key: Key
    parts: Mapping[str, Decimal]

    @property
    def total(self) -> Decimal:
        """The booked profit."""
        return sum(self.parts.values(), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedSession:
    """A session's profit by position and part; a position without profit is left out.

    Attributes
    ----------
    local : mapping of currency to mapping of part to Decimal
        Each currency's own parts, in that currency; a part that is zero is left out.
    """

    session: date
    currency: str
    positions: tuple[ExplainedPosition, ...]
    local: Mapping[str, Mapping[str, Decimal]]

    @property
    def parts(self) -> dict[str, Decimal]:
        """Sums over positions, every part named."""
        return {
            name: sum((p.parts.get(name, ZERO) for p in self.positions), ZERO) for name in PARTS
        }

    @property
    def total(self) -> Decimal:
        """The booked profit of the session."""
        return sum((position.total for position in self.positions), ZERO)


class Explainer:
    """Explains session after session; keeps the state of the last close.

    Parameters
    ----------
    base : str
        Currency of the answer.
    """

    def __init__(self, *, base: str = "USD") -> None:
        self._base = base
        self._worth: dict[Key, Worth] = {}
        self._units: dict[Key, Decimal] = {}
        self._marks: dict[str, Decimal] = {}
        self._rates: dict[str, Decimal] = {}

    def close(
        self,
        session: date,
        ledger: Ledger,
        booked: Booked,
        marks: Mapping[str, Decimal],
        rates: Mapping[str, Decimal] | None = None,
    ) -> ExplainedSession:
        """Explain the profit since the last close.

        Parameters
        ----------
        ledger : Ledger
            As it stands at this close.
        booked : sequence of (event, entry)
            Everything booked since the last close, in order.
        marks, rates : mapping
            Closing prices, and units of the base for one of each currency.

        Raises
        ------
        MissingDataError
            If a held instrument has no mark or its currency no rate.
        """
        now = dict(rates or {})
        running = self._run(ledger, booked)
        paid_in = capital_of(booked)
        worths: dict[Key, Worth] = {}
        units: dict[Key, Decimal] = {}
        found = []
        local: dict[str, dict[str, Decimal]] = {}
        for book, symbol, position, balances in ledger.accounts():
            key = (book, symbol)
            instrument = None if symbol is None else ledger.instruments[symbol]
            worths[key] = worth_by_currency(position, balances, marks, instrument)
            units[key] = position.quantity * position.multiplier
            account = running.get(key) or RunningPosition(None)
            account.close(marks.get(symbol) if symbol else None)
            total = (
                to_base(worths[key], now, base=self._base)
                - to_base(self._worth.get(key, {}), self._rates, base=self._base)
                - to_base(paid_in.get(key, {}), now, base=self._base)
            )
            parts = self._parts(key, account, total, now)
            if parts:
                found.append(ExplainedPosition(key=key, parts=parts))
            change = _change(worths[key], self._worth.get(key, {}), paid_in.get(key, {}))
            _add_local(local, account, change)
        self._worth, self._units = worths, units
        self._marks, self._rates = dict(marks), now
        return ExplainedSession(
            session=session, currency=self._base, positions=tuple(found), local=local
        )

    def _run(self, ledger: Ledger, booked: Booked) -> dict[Key, RunningPosition]:
        """Run the session's events over the positions held at its open."""
        running: dict[Key, RunningPosition] = {}
        for key, units in self._units.items():
            symbol = key[1]
            if symbol is not None and units:
                held = Carried(units, self._marks[symbol], "price")
                running[key] = RunningPosition(ledger.instruments[symbol], [held])
        for event, entry in booked:
            for symbol, postings in _by_symbol(entry):
                key = (entry.book, symbol)
                if key not in running:
                    running[key] = RunningPosition(
                        None if symbol is None else ledger.instruments[symbol]
                    )
                if isinstance(event, Exercise) and (
                    terms := ledger.instruments[event.symbol].option
                ):
                    running[key].strike = terms.strike
                running[key].take(event, entry, postings)
        return running

    def _parts(
        self, key: Key, account: RunningPosition, total: Decimal, rates: Mapping[str, Decimal]
    ) -> dict[str, Decimal]:
        """Return the parts in whole cents of the base; `rounding` takes the rest of `total`."""
        exact = dict.fromkeys(PARTS, ZERO)
        for (name, currency), amount in account.parts.items():
            exact[name] += amount * self._rate(rates, currency)
        for currency, amount in self._worth.get(key, {}).items():
            if amount and currency != self._base:
                gained = self._rate(rates, currency) - self._rate(self._rates, currency)
                exact["fx"] += amount * gained
        parts = {name: round_money(amount, self._base) for name, amount in exact.items()}
        rest = "corrections" if account.amended_margin else "rounding"
        parts[rest] += total - sum(parts.values(), ZERO)
        return {name: amount for name, amount in parts.items() if amount}

    def _rate(self, rates: Mapping[str, Decimal], currency: str) -> Decimal:
        if currency == self._base:
            return Decimal(1)
        if currency not in rates:
            raise MissingDataError(
                f"no rate from {currency} to {self._base}: load the exchange rate"
            )
        return rates[currency]


def _by_symbol(entry: Entry) -> list[tuple[str | None, list[Posting]]]:
    """Return the entry's postings by instrument; one without postings stands for its own."""
    found: dict[str | None, list[Posting]] = {entry.symbol: []}
    for posting in entry.postings:
        found.setdefault(posting.symbol, []).append(posting)
    return list(found.items())


def _change(now: Worth, before: Worth, paid_in: Worth) -> Worth:
    """Return by currency what an account gained, what owners paid in left out."""
    return {
        currency: now.get(currency, ZERO) - before.get(currency, ZERO) - paid_in.get(currency, ZERO)
        for currency in sorted(now.keys() | before.keys() | paid_in.keys())
    }


def _add_local(
    local: dict[str, dict[str, Decimal]], account: RunningPosition, change: Worth
) -> None:
    """Add one account's parts in each currency; what whole cents leave is its rounding."""
    for currency, gained in change.items():
        parts = {
            name: round_money(amount, currency)
            for (name, own), amount in account.parts.items()
            if own == currency
        }
        rest = "corrections" if account.amended_margin else "rounding"
        parts[rest] = parts.get(rest, ZERO) + gained - sum(parts.values(), ZERO)
        total = local.setdefault(currency, {})
        for name, amount in parts.items():
            if amount:
                total[name] = total.get(name, ZERO) + amount
