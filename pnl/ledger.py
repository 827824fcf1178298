"""The ledger: fills and events in, positions and balanced entries out.

One idea: the books are a fold of what was booked, in the order of booking. Booking the same
event twice changes nothing; a corrected or cancelled fill folds its position's history again and
posts the difference on the day of the correction, so that entries are only ever appended.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from basics.errors import ConflictError, InvalidInputError, MissingDataError
from basics.instruments import Instrument, OptionRight
from basics.trading import Book, Fill
from pnl.events import (
    CurrencyExchange,
    Exercise,
    FillCancel,
    FillCorrection,
    LedgerEvent,
    event_day,
    event_identity,
    event_kind,
    fill_event_id,
)
from pnl.lots import ZERO, CostMethod
from pnl.position_state import Deltas, Position, PositionState, position_of
from pnl.postings import INCOME, Account, Entry, Posting, check_balance

Key = tuple[Book, str | None]
CASH_INSTRUMENT = Instrument(symbol="(cash)")


class Ledger:
    """The books of any number of books, in any number of currencies.

    Parameters
    ----------
    instruments : mapping of str to Instrument
        Terms of everything that may be traded.
    method : CostMethod
        Which lots a closing trade takes; one for the whole ledger.
    """

    def __init__(
        self, instruments: Mapping[str, Instrument], *, method: CostMethod = CostMethod.FIFO
    ) -> None:
        self.instruments = instruments
        self.method = method
        self.sequence = 0
        self._states: dict[Key, PositionState] = {}
        self._histories: dict[Key, list[LedgerEvent]] = {}
        self._delivered: dict[str, LedgerEvent] = {}
        self._fills: dict[str, Fill] = {}

    def book(self, event: LedgerEvent, *, day: date | None = None) -> Entry | None:
        """Book `event` and return its entry, or None if it was booked before.

        Parameters
        ----------
        day : date, optional
            The desk date to book a fill on; the date of its execution in UTC by default.
            Other events carry their day.

        Raises
        ------
        InvalidInputError
            If the instrument is unknown or the event does not fit it.
        ConflictError
            If a fill comes again with other terms, or a correction names an unknown fill.
        """
        event_id = event_identity(event)
        if self._booked_before(event, event_id):
            return None
        day = day or event_day(event)
        match event:
            case FillCorrection() | FillCancel():
                entry = self._amend(event, event_id, day)
            case Exercise():
                entry = self._exercise(event, event_id, day)
            case _:
                entry = self._apply([event], event_id, day, event_kind(event))
        self._delivered[event_id] = event
        return entry

    def book_all(self, events: Iterable[LedgerEvent]) -> list[Entry]:
        """Book `events` in order and return the entries of those not booked before."""
        return [entry for event in events if (entry := self.book(event)) is not None]

    def positions(self, *, flat: bool = False) -> list[Position]:
        """Return the positions ordered by book and symbol; with `flat` the closed ones too."""
        keys = sorted((key for key in self._states if key[1] is not None), key=_key_order)
        found = [position_of(key[0], self._states[key]) for key in keys]
        return [position for position in found if flat or position.quantity]

    def position(self, book: Book, symbol: str) -> Position:
        """Return the position of `book` in `symbol`, flat if it never traded."""
        key = (book, symbol)
        return position_of(book, self._states.get(key) or self._new_state(key))

    def accounts(self) -> list[tuple[Book, str | None, Position, Deltas]]:
        """Return book, symbol, position and balances of everything booked, in key order."""
        return [
            (key[0], key[1], position_of(key[0], self._states[key]), self._states[key].balances)
            for key in sorted(self._states, key=_key_order)
        ]

    def balances(self, book: Book | None = None) -> Deltas:
        """Return signed balances by (account, currency), of one book or of all."""
        totals: Deltas = {}
        for (owner, _), state in self._states.items():
            if book is None or owner == book:
                for key, amount in state.balances.items():
                    totals[key] = totals.get(key, ZERO) + amount
        return totals

    def cash(self, book: Book | None = None) -> dict[str, Decimal]:
        """Return cash by currency, of one book or of all."""
        return {
            currency: amount
            for (account, currency), amount in sorted(self.balances(book).items())
            if account is Account.CASH
        }

    def booked_profit(self, book: Book | None = None) -> dict[str, Decimal]:
        """Return realised gains and income less expenses by currency; unrealised is valuation."""
        profit: dict[str, Decimal] = {}
        for (account, currency), amount in sorted(self.balances(book).items()):
            if account in INCOME:
                profit[currency] = profit.get(currency, ZERO) - amount
        return profit

    def fills(self) -> Iterator[Fill]:
        """Yield the fills in effect: corrected ones as corrected, cancelled ones not."""
        yield from self._fills.values()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._delivered

    def _apply(self, events: list[LedgerEvent], event_id: str, day: date, kind: str) -> Entry:
        """Book `events`, each on its own position, as one entry named after the first."""
        keys = [_key_of(event) for event in events]
        states = [self._states.get(key) or self._new_state(key) for key in keys]
        before = states[0].lots.quantity
        changes = [
            (key, state.apply(event))
            for key, state, event in zip(keys, states, events, strict=True)
        ]
        for key, state, event in zip(keys, states, events, strict=True):
            self._states[key] = state
            self._histories.setdefault(key, []).append(event)
            if isinstance(event, Fill):
                self._fills[fill_event_id(event.venue, event.exec_id)] = event
        return self._entry((event_id, kind, day), changes, states[0].lots.quantity - before)

    def _amend(self, event: FillCorrection | FillCancel, event_id: str, day: date) -> Entry:
        """Fold the fill's position again without it, or with its corrected form."""
        fill_id, replacement = _amendment(event)
        original = self._fills.get(fill_id)
        if original is None:
            raise ConflictError(f"{event_id}: {fill_id} is not booked, or was cancelled")
        key = _key_of(original)
        if replacement is not None and _key_of(replacement) != key:
            raise InvalidInputError(
                f"{event_id}: a correction keeps book and symbol; cancel the fill and book it anew"
            )
        amended: list[LedgerEvent] = [] if replacement is None else [replacement]
        place = next(i for i, past in enumerate(self._histories[key]) if past is original)
        history = self._histories[key][:]
        history[place : place + 1] = amended
        old, new = self._states[key], self._new_state(key)
        for past in history:
            new.apply(past)
        self._states[key] = new
        self._histories[key] = history
        if replacement is None:
            del self._fills[fill_id]
        else:
            self._fills[fill_id] = replacement
        kind = "cancel" if replacement is None else "correction"
        changes = [(key, _difference(new.balances, old.balances))]
        return self._entry((event_id, kind, day), changes, new.lots.quantity - old.lots.quantity)

    def _exercise(self, event: Exercise, event_id: str, day: date) -> Entry:
        """Close option contracts at zero and trade the underlying at the strike."""
        option = self._instrument(event.symbol)
        if option.option is None:
            raise InvalidInputError(f"{event_id}: {event.symbol} is not an option")
        held = self.position(event.book, event.symbol).quantity
        if event.quantity > abs(held):
            raise ConflictError(f"{event_id}: exercises {event.quantity} of {held} held")
        terms = option.option
        contracts = event.quantity if held > 0 else -event.quantity
        units = contracts * option.multiplier * (1 if terms.right is OptionRight.CALL else -1)
        underlying = self._instrument(terms.underlying)
        legs = [
            _leg(event, "option", option, -contracts, ZERO),
            _leg(event, "underlying", underlying, units / underlying.multiplier, terms.strike),
        ]
        return self._apply(list(legs), event_id, day, "exercise")

    def _entry(
        self,
        identity: tuple[str, str, date],
        changes: Sequence[tuple[Key, Deltas]],
        quantity: Decimal,
    ) -> Entry:
        event_id, kind, day = identity
        postings = tuple(
            Posting(account, key[1], currency, amount)
            for key, deltas in changes
            for (account, currency), amount in sorted(deltas.items())
            if amount
        )
        check_balance(postings, event_id=event_id)
        self.sequence += 1
        book, symbol = changes[0][0]
        return Entry(
            sequence=self.sequence,
            event_id=event_id,
            kind=kind,
            day=day,
            book=book,
            symbol=symbol,
            quantity=quantity,
            postings=postings,
        )

    def _new_state(self, key: Key) -> PositionState:
        instrument = CASH_INSTRUMENT if key[1] is None else self._instrument(key[1])
        return PositionState(instrument, self.method)

    def _instrument(self, symbol: str) -> Instrument:
        try:
            return self.instruments[symbol]
        except KeyError:
            raise MissingDataError(
                f"unknown instrument {symbol!r}: add it to the instrument master first"
            ) from None

    def _booked_before(self, event: LedgerEvent, event_id: str) -> bool:
        """Tell whether `event` is booked; what comes again must say the same."""
        first = self._delivered.get(event_id)
        if first is not None and first != event:
            raise ConflictError(
                f"{event_id} was booked with other terms: send a correction instead "
                "(`quantdesk pnl correct`)"
            )
        return first is not None


def capital_of(booked: Iterable[tuple[LedgerEvent, Entry]]) -> dict[Key, dict[str, Decimal]]:
    """Return what owners paid in (negative: took out) by position and currency."""
    paid: dict[Key, dict[str, Decimal]] = {}
    for _, entry in booked:
        for posting in entry.postings:
            if posting.account is Account.CAPITAL:
                own = paid.setdefault((entry.book, posting.symbol), {})
                own[posting.currency] = own.get(posting.currency, ZERO) - posting.amount
    return paid


def _amendment(event: FillCorrection | FillCancel) -> tuple[str, Fill | None]:
    """Return which fill is amended, and what replaces it."""
    if isinstance(event, FillCorrection):
        return fill_event_id(event.fill.venue, event.fill.exec_id), event.fill
    return fill_event_id(event.venue, event.exec_id), None


def _leg(
    event: Exercise, name: str, instrument: Instrument, quantity: Decimal, price: Decimal
) -> Fill:
    """Return the trade that one side of an exercise amounts to."""
    return Fill(
        venue="exercise",
        exec_id=f"{event.event_id}-{name}",
        cl_ord_id=event.event_id,
        book=event.book,
        symbol=instrument.symbol,
        quantity=quantity,
        price=price,
        executed_at=datetime.combine(event.day, time(), tzinfo=UTC),
        currency=instrument.currency,
    )


def _difference(new: Deltas, old: Deltas) -> Deltas:
    keys = sorted(new.keys() | old.keys())
    return {key: new.get(key, ZERO) - old.get(key, ZERO) for key in keys}


def _key_of(event: LedgerEvent) -> Key:
    """Return which position an event acts on; cash alone has no symbol."""
    if isinstance(event, FillCorrection | FillCancel):
        raise InvalidInputError(f"{event.event_id} acts on a fill, not on a position")
    if isinstance(event, CurrencyExchange):
        return event.book, None
    return event.book, event.symbol


def _key_order(key: Key) -> tuple[Book, str]:
    return key[0], key[1] or ""
