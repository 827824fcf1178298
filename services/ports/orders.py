"""Orders: where they go, where they and their controls are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

# Only named in signatures: a command that reads one document imports no numbers.
if TYPE_CHECKING:
    from basics.trading import Fill
    from oms.controls import ApprovedOrder, Override, TradingSwitch
    from oms.matching import Quote
    from oms.orders import Order, Report


class Venue(Protocol):
    """Where approved orders go. It answers in its own time: collect the reports."""

    @property
    def name(self) -> str:
        """The venue's name, part of every execution's identity."""
        ...

    async def submit(self, order: ApprovedOrder) -> None:
        """Send `order`; sent twice it executes once."""
        ...

    async def cancel(self, cl_ord_id: str) -> None:
        """Ask to cancel what is left of an order."""
        ...

    async def replace(self, replacement: ApprovedOrder) -> None:
        """Ask to give an order the quantity and limit of `replacement`."""
        ...

    async def restore(self, orders: Sequence[Order], *, at: datetime) -> None:
        """Tell the venue which orders are open as of `at`: an earlier process may have sent them.

        A venue outside this process knows them and ignores the call.
        """
        ...

    async def reports(self) -> Sequence[Report]:
        """Return what the venue said since the last call, in order."""
        ...


class ReplayVenue(Venue, Protocol):
    """A venue whose market is set from outside: for simulation and replay."""

    def set_market(self, quotes: Mapping[str, Quote], *, at: datetime) -> None:
        """Move the market; resting orders may execute or expire."""
        ...


@dataclass(frozen=True, slots=True)
class OrderChange:
    """An order as it stands now, and the reports that brought it there since it was stored."""

    order: Order
    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """That a session of a run is booked, and what it held."""

    session: date
    orders: int
    refused: int
    fills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefusal:
    """An order that was refused: by the desk itself (its controls) or by a venue, and why."""

    cl_ord_id: str
    venue: str
    reason: str


class OrderJournal(Protocol):
    """Keeps orders, what was said about them, and their fills. A run is a simulation or the desk.

    Whatever is recorded twice (an order by cl_ord_id, a report by venue and report id, a fill by
    venue and exec id) stands once.
    """

    def record(self, run_id: str, changes: Sequence[OrderChange]) -> None:
        """Store the changes and their fills in one transaction."""
        ...

    def book_session(
        self, run_id: str, record: SessionRecord, changes: Sequence[OrderChange]
    ) -> None:
        """Store a whole session in one transaction; `ConflictError` if it is booked already."""
        ...

    def sessions(self, run_id: str) -> Sequence[SessionRecord]:
        """Return the sessions booked, oldest first."""
        ...

    def order(self, cl_ord_id: str) -> Order:
        """Return the order as it stands; `MissingDataError` if there is none."""
        ...

    def orders(self, run_id: str, *, open_only: bool = False, limit: int = 1000) -> Sequence[Order]:
        """Return the latest orders of a run, newest first."""
        ...

    def fills(self, run_id: str) -> Sequence[Fill]:
        """Return the fills that stand (corrected and cancelled ones applied), in booking order."""
        ...

    def refusals(self, run_id: str) -> Sequence[OrderRefusal]:
        """Return the orders of a run that were refused, in the order in which that was told."""
        ...

    def version(self, run_id: str) -> int:
        """Return a number that grows with every report on an order of the run, 0 before any."""
        ...

    def last_heard(self, run_id: str, *, venue: str) -> datetime | None:
        """Return the time of the latest report of `venue`, None before the first."""
        ...


class ControlStore(Protocol):
    """Keeps trading states, kill switches and overrides; each change is told to the audit."""

    def switches(self) -> Sequence[TradingSwitch]:
        """Return the switch of every scope that ever had one, by scope."""
        ...

    def switch(self, switch: TradingSwitch) -> None:
        """Set the switch of its scope."""
        ...

    def overrides(self) -> Sequence[Override]:
        """Return every override ever granted, oldest first; expired ones too."""
        ...

    def grant(self, override: Override) -> None:
        """Keep an override; `ConflictError` if its id is taken."""
        ...
