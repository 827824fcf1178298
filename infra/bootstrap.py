"""The one place where abstract needs meet concrete means.

`open_desk` yields a `Desk`: every service of the house, built when it is first asked for, so
that a command pays only for what it uses, and closed in reverse order. Nothing happens at
import.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from basics.clock import Clock
from infra.clock import SystemClock
from infra.isolation import default_state_dir, isolate
from infra.settings import Settings, load_settings
from services.ports import ResultStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from basics.instruments import Instrument
    from infra.database.engine import Database
    from infra.database.ledger import DatabaseLedgerStore
    from services.accounting import Accounting
    from services.market_data import MarketData


class Desk:
    """The services of one desk; see each property for what it does."""

    def __init__(self, settings: Settings, clock: Clock, resources: ExitStack) -> None:
        self.settings = settings
        self.clock = clock
        self._resources = resources

    @cached_property
    def database(self) -> "Database":
        """What is booked, and the documents that were computed; its schema is current."""
        from infra.database.engine import open_database
        from infra.database.schema import ensure_schema

        database = open_database(self.settings.database, state_dir=self.settings.state_dir)
        self._resources.callback(database.close)
        ensure_schema(database)
        return database

    @cached_property
    def results(self) -> ResultStore:
        """The computed documents that pages, reports and the API show."""
        from infra.database.results import DatabaseResultStore

        return DatabaseResultStore(self.database, self.clock)

    @cached_property
    def market_data(self) -> "MarketData":
        """Market data: in through the gate, out as it was known."""
        from infra.market_data import build_market_data

        return build_market_data(self.settings, self.clock)

    @cached_property
    def ledger_store(self) -> "DatabaseLedgerStore":
        """What was booked, in order, with its postings."""
        from infra.database.ledger import DatabaseLedgerStore

        return DatabaseLedgerStore(self.database)

    def accounting(self, instruments: "Mapping[str, Instrument]") -> "Accounting":
        """Return the books, for what may be traded."""
        from services.accounting import Accounting

        return Accounting(store=self.ledger_store, instruments=instruments)

    @cached_property
    def code_commit(self) -> str:
        """The git commit of the running code, `unknown` outside a checkout."""
        from infra.lineage import code_commit

        return code_commit()


@contextmanager
def open_desk(settings: Settings | None = None, *, clock: Clock | None = None) -> Iterator[Desk]:
    """Wire the services for `settings`; close what was opened on exit.

    Parameters
    ----------
    settings : Settings, optional
        Read from the environment and the file when left out.
    clock : Clock, optional
        The machine's clock when left out.
    """
    settings = settings or load_settings()
    if settings.state_dir != default_state_dir():
        isolate(settings.state_dir)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as resources:
        yield Desk(settings, clock or SystemClock(), resources)
