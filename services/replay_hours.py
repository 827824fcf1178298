"""What a session earned so far, and hour by hour: by strategy, by symbol, and by reason.

By strategy and symbol a profit is the engine's, in floats; by reason it is explained from the
books at the marks of the moment (`pnl.explain`), in whole cents: each look is a close of its own,
so that the reasons of any stretch sum to the change of equity exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from basics.money import to_decimal
from pnl.engine import PnlEngine
from pnl.events import LedgerEvent
from pnl.explain import Explainer
from pnl.ledger import Ledger
from pnl.postings import Entry
from services.book_closes import MARK_DIGITS

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPoint:
    """The session's profit so far, in the base currency."""

    at: datetime
    pnl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayHour:
    """What one hour of the session earned, and who earned it; the parts sum to the hour's profit.

    Attributes
    ----------
    end : datetime
        When the hour ends; the first and the last may be shorter than an hour.
    reasons : mapping of str to Decimal
        Why equity changed in whole cents of the books, as `pnl explain` says of a session.
    """

    end: datetime
    pnl: float
    strategies: Mapping[str, float]
    symbols: Mapping[str, float]
    reasons: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """Profit so far by strategy and by symbol, and by reason since the look before."""

    strategies: Mapping[str, float]
    symbols: Mapping[str, float]
    reasons: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Profit so far."""
        return sum(self.symbols.values())


def view_of(engine: PnlEngine, reasons: Mapping[str, Decimal] | None = None) -> View:
    """Return what the engine says now."""
    by_book, by_symbol = engine.totals()
    strategies: dict[str, float] = {}
    for book, pnl in zip(engine.books, by_book.tolist(), strict=False):
        strategies[book.strategy] = strategies.get(book.strategy, 0.0) + pnl
    symbols = dict(zip(engine.number, by_symbol.tolist(), strict=True))
    return View(strategies, symbols, reasons or {})


@dataclass(slots=True)
class Reasons:
    """Explains what the books gained from one look to the next, at the engine's marks."""

    session: date
    ledger: Ledger
    engine: PnlEngine
    base: str
    booked: list[tuple[LedgerEvent, Entry]] = field(default_factory=list)
    _explainer: Explainer = field(init=False)

    def __post_init__(self) -> None:
        self._explainer = Explainer(base=self.base)
        self.since_last()  # The close before: what was gained until then is nobody's question.

    def since_last(self) -> Mapping[str, Decimal]:
        """Return the parts since the last look, those of zero left out; they sum exactly."""
        marks = {
            symbol: to_decimal(price, digits=MARK_DIGITS)
            for symbol, price in self.engine.marks().items()
        }
        found = self._explainer.close(self.session, self.ledger, self.booked, marks)
        self.booked.clear()
        return {name: amount for name, amount in found.parts.items() if amount}


def hours_of(opened: View, seen: Sequence[tuple[datetime, View]]) -> tuple[ReplayHour, ...]:
    """Return what each hour added; symbols that earned nothing in it are left out."""
    hours, before = [], opened
    reasons: dict[str, Decimal] = {}
    for at, view in seen:
        for name, amount in view.reasons.items():
            reasons[name] = reasons.get(name, ZERO) + amount
        if at == seen[0][0] or (at.minute and at != seen[-1][0]):
            continue
        hours.append(
            ReplayHour(
                end=at,
                pnl=view.total - before.total,
                strategies=_gained(view.strategies, before.strategies),
                symbols=_gained(view.symbols, before.symbols),
                reasons=reasons,
            )
        )
        before, reasons = view, {}
    return tuple(hours)


def _gained(now: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    gained = {name: pnl - before.get(name, 0.0) for name, pnl in now.items()}
    return {name: pnl for name, pnl in sorted(gained.items()) if pnl}
