"""What a portfolio traded: the absolute value of its fills, session by session.

Bought and sold count alike; a future or an option counts with its multiplier. A corrected or
cancelled fill changes the value of the session in which it was amended, so that the sum over any
life is the value of the fills in effect.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from basics.instruments import Instrument
from basics.money import MINOR_UNIT_DIGITS, round_money
from basics.trading import Fill
from pnl.events import FillCancel, FillCorrection, LedgerEvent
from pnl.lots import ZERO
from pnl.valuation import to_base


class TradedValue:
    """Takes in what was booked, and returns its value in whole minor units of the base."""

    def __init__(self, instruments: Mapping[str, Instrument], *, base: str = "USD") -> None:
        self._instruments = instruments
        self._base = base
        self._digits = MINOR_UNIT_DIGITS.get(base, 2)
        self._fills: dict[tuple[str, str], Fill] = {}

    def session(self, booked: Iterable[LedgerEvent], rates: Mapping[str, Decimal]) -> int:
        """Return what the events of one session traded, at its closing rates.

        Raises
        ------
        MissingDataError
            If a currency has no rate.
        """
        traded: dict[str, Decimal] = {}
        for event in booked:
            for fill, sign in self._changes(event):
                amount = sign * self._value(fill)
                traded[fill.currency] = traded.get(fill.currency, ZERO) + amount
        return int(to_base(traded, rates, base=self._base).scaleb(self._digits))

    def _changes(self, event: LedgerEvent) -> Iterable[tuple[Fill, int]]:
        """Yield the fills that an event takes away (-1) and adds (+1)."""
        match event:
            case Fill():
                self._fills[event.venue, event.exec_id] = event
                yield event, 1
            case FillCorrection(fill=fill):
                yield self._fills[fill.venue, fill.exec_id], -1
                self._fills[fill.venue, fill.exec_id] = fill
                yield fill, 1
            case FillCancel():
                yield self._fills.pop((event.venue, event.exec_id)), -1

    def _value(self, fill: Fill) -> Decimal:
        units = fill.quantity * self._instruments[fill.symbol].multiplier
        return round_money(abs(units * fill.price), fill.currency)
