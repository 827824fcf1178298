"""What one booked event did to one position, under the names of `pnl.explain`.

A position runs through the session as carried quantities, each measured from a price: what was
held at the open from the last close, a trade from its decision. At the close each earns quantity
times (closing price - its own).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from basics.errors import MissingDataError
from basics.instruments import Instrument
from basics.trading import Fill
from pnl.events import Exercise, FillCancel, FillCorrection, LedgerEvent, Settlement, Split
from pnl.lots import ZERO
from pnl.position_state import MARGINED
from pnl.postings import Account, Entry, Posting
from pnl.shortfall import reference_prices

# Where a posting that is not of a trade belongs; a credit (negative) is a gain.
PART_OF_ACCOUNT = {
    Account.DIVIDENDS: "carry",
    Account.COUPONS: "carry",
    Account.INTEREST: "carry",
    Account.TAXES: "carry",
    Account.BORROW: "borrow",
    Account.FEES: "fees",
    Account.ADJUSTMENTS: "adjustments",
    # What one currency lost the other gained: both are converted at the closing rate.
    Account.EXCHANGE: "fx",
}


@dataclass(slots=True)
class Carried:
    """A quantity (times multiplier) and the price it is measured from."""

    units: Decimal
    since: Decimal
    part: str


@dataclass(slots=True)
class RunningPosition:
    """One position as the session runs over it.

    Attributes
    ----------
    instrument : Instrument or None
        None for cash alone.
    settled_at : Decimal or None
        Price at which it expired, which stands in for a closing mark.
    strike : Decimal or None
        At which the option of the event being taken turns into this instrument.
    amended_margin : bool
        A future's fill was amended: its cost moved without a posting, so that `corrections`
        takes what no other part explains.
    """

    instrument: Instrument | None
    carried: list[Carried] = field(default_factory=list)
    parts: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    settled_at: Decimal | None = None
    strike: Decimal | None = None
    amended_margin: bool = False

    def add(self, part: str, currency: str, amount: Decimal) -> None:
        """Add `amount` of `currency` to a part."""
        self.parts[(part, currency)] = self.parts.get((part, currency), ZERO) + amount

    def take(self, event: LedgerEvent, entry: Entry, postings: Sequence[Posting]) -> None:
        """Put what one entry did to this position under its names."""
        match event:
            case FillCorrection() | FillCancel():
                self._take_amendment(entry, postings)
                return
            case Fill():
                self._take_fill(event)
            case Split():
                self._take_split(event, postings)
            case Settlement(final=True):
                self.settled_at = event.price
                self.carried.append(Carried(-self._units(), event.price, "price"))
            case Exercise():
                self._take_exercise(event, postings)
        for posting in postings:
            part = PART_OF_ACCOUNT.get(posting.account)
            if part is not None:
                self.add(part, posting.currency, -posting.amount)

    def close(self, mark: Decimal | None) -> None:
        """Let everything carried earn until the closing mark.

        Raises
        ------
        MissingDataError
            If something is carried and there is neither a mark nor a settlement.
        """
        if self.instrument is None or not self.carried:
            return
        price = self.settled_at if mark is None else mark
        if price is None:
            raise MissingDataError(
                f"no mark for {self.instrument.symbol}, which was held: load its price"
            )
        for carried in self.carried:
            self.add(
                carried.part, self.instrument.currency, carried.units * (price - carried.since)
            )

    def _take_fill(self, fill: Fill) -> None:
        decision, arrival, mid = reference_prices(fill)
        units = fill.quantity * self._terms.multiplier
        self.carried.append(Carried(units, decision, "new_trades"))
        self.add("delay", fill.currency, units * (decision - arrival))
        self.add("impact", fill.currency, units * (arrival - mid))
        self.add("spread", fill.currency, units * (mid - fill.price))

    def _take_split(self, event: Split, postings: Sequence[Posting]) -> None:
        for carried in self.carried:
            carried.units = carried.units * event.new / event.old
            carried.since = carried.since * event.old / event.new
        cash = _cash(postings)
        if cash and event.fraction_price:
            # A fraction was sold; were it still held, it would be worth the close.
            sold = Carried(-cash / event.fraction_price, event.fraction_price, "corporate_actions")
            self.carried.append(sold)

    def _take_exercise(self, event: Exercise, postings: Sequence[Posting]) -> None:
        if self._terms.symbol == event.symbol:
            self.settled_at = ZERO
            sign = 1 if self._units() > 0 else -1
            closed = event.quantity * self._terms.multiplier * sign
            self.carried.append(Carried(-closed, ZERO, "price"))
            return
        # The underlying entered at the strike: bought when cash went out.
        if self.strike is None:
            raise MissingDataError(f"event {event.event_id} came without its strike")
        self.carried.append(Carried(-_cash(postings) / self.strike, self.strike, "new_trades"))

    def _take_amendment(self, entry: Entry, postings: Sequence[Posting]) -> None:
        units = entry.quantity * self._terms.multiplier
        self.carried.append(Carried(units, ZERO, "corrections"))
        self.add("corrections", self._terms.currency, _cash(postings))
        self.amended_margin = self.amended_margin or self._terms.kind in MARGINED

    @property
    def _terms(self) -> Instrument:
        if self.instrument is None:
            raise MissingDataError("cash alone has no instrument: the event names none")
        return self.instrument

    def _units(self) -> Decimal:
        return sum((carried.units for carried in self.carried), ZERO)


def _cash(postings: Iterable[Posting]) -> Decimal:
    return sum((p.amount for p in postings if p.account is Account.CASH), ZERO)
