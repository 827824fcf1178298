"""Sessions SIMULATED inside stored daily bars, for execution, replay and live pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from market.calendars import exchange_calendar
from market.datasets import EVENT_TIME, SESSION, SYMBOL
from market.simulated.session import DailyBar, SimulatedSession, simulate_session
from market.ticks import depth_dataset, quotes_dataset, trades_dataset
from services.ingest_report import DatasetIngest
from services.market_data import MarketData

FIELDS = ("open", "high", "low", "close", "volume")
Kept = tuple[DatasetIngest, ...]


@dataclass(frozen=True, slots=True)
class SessionsReport:
    """What was drawn, and why some symbols have none.

    Attributes
    ----------
    simulated_bar : frozenset of str
        Fields of the daily bar that are themselves simulated.
    """

    sessions: Mapping[str, SimulatedSession]
    failures: Mapping[str, str]
    simulated_bar: frozenset[str]


def simulate_sessions(  # noqa: PLR0913 - which bars, known when, drawn how
    market: MarketData,
    dataset: str,
    session: date,
    *,
    seed: int,
    symbols: Sequence[str] | None = None,
    as_of: datetime | None = None,
    trades: int = 2_000,
) -> SessionsReport:
    """Draw trades, quotes and depth inside the bars of one session.

    A symbol's session follows from `seed`, symbol and day alone: asking for more symbols changes
    none of them.

    Raises
    ------
    MissingDataError
        If the dataset has no bar of that session.
    InvalidInputError
        If the dataset has no exchange calendar to open and close by.
    """
    known = market.lake.state(dataset).dataset
    if known.calendar is None:
        raise InvalidInputError(f"{dataset} names no exchange calendar: import it with --calendar")
    if lacking := [name for name in FIELDS if name not in known.fields]:
        raise InvalidInputError(f"{dataset} has no {', '.join(lacking)} to draw a session from")
    bars = market.bars(dataset, start=session, end=session, symbols=symbols, as_of=as_of)
    rows = bars.select(SYMBOL, *FIELDS).sort(SYMBOL).collect()
    if rows.is_empty():
        raise MissingDataError(f"{dataset} has no bar of {session}")
    hours = _hours(known.calendar, session)
    drawn: dict[str, SimulatedSession] = {}
    failures: dict[str, str] = {}
    for row in rows.iter_rows(named=True):
        symbol = str(row[SYMBOL])
        rng = np.random.default_rng([seed, int(content_hash(symbol, session)[:15], 16)])
        try:
            drawn[symbol] = simulate_session(_bar(row, session, hours), rng, trades=trades)
        except InvalidInputError as error:
            failures[symbol] = str(error)
    return SessionsReport(drawn, failures, known.simulated & set(FIELDS))


def session_hours(
    market: MarketData, dataset: str, session: date
) -> tuple[datetime, datetime] | None:
    """Return when the exchange of a dataset opens and closes on a session.

    None where the dataset names no calendar.

    Raises
    ------
    MissingDataError
        If the exchange does not trade on that day.
    """
    calendar = market.lake.state(dataset).dataset.calendar
    return None if calendar is None else _hours(calendar, session)


def _hours(calendar: str, session: date) -> tuple[datetime, datetime]:
    rows = exchange_calendar(calendar).table.filter(pl.col(SESSION) == session)
    if rows.is_empty():
        raise MissingDataError(f"{session} is no session of {calendar}: give one that is")
    opened, closed = rows.row(0)[1:3]
    return opened, closed


def keep_sessions(market: MarketData, dataset: str, drawn: SessionsReport, *, seed: int) -> Kept:
    """Take the drawn quotes, trades and depth through the gate into datasets marked simulated.

    They are named after the daily bars and the seed, so that two drawings never stand in one
    dataset; the same drawing again changes nothing.

    Raises
    ------
    MissingDataError
        If no symbol's session could be drawn.
    """
    if not drawn.sessions:
        why = "; ".join(sorted(set(drawn.failures.values())))
        raise MissingDataError(f"no session of {dataset} could be drawn: {why}")
    calendar = market.lake.state(dataset).dataset.calendar
    sessions = list(drawn.sessions.values())
    kinds = {
        "quotes": (quotes_dataset, [one.quotes for one in sessions]),
        "trades": (trades_dataset, [one.trades for one in sessions]),
        "depth": (depth_dataset, [one.depth for one in sessions]),
    }
    landed = []
    for kind, (describe, tables) in kinds.items():
        made = describe(
            f"{dataset}_simulated_{seed}_{kind}",
            calendar=calendar,
            simulated=True,
            source=f"drawn inside the bars of {dataset} from seed {seed}",
        )
        rows = pl.concat(tables).sort(EVENT_TIME, SYMBOL, "sequence")
        landed.append(market.intake.land(made, rows, origin=made.source).outcome)
    return tuple(landed)


def _bar(row: Mapping[str, object], session: date, hours: tuple[datetime, datetime]) -> DailyBar:
    """Return a row as a bar; a missing value is refused by the bar itself."""
    values = {
        name: float(str(row[name])) if row[name] is not None else float("nan") for name in FIELDS
    }
    volume = values.pop("volume")
    return DailyBar(
        symbol=str(row[SYMBOL]),
        session=session,
        volume=round(volume) if np.isfinite(volume) else 0,
        open_time=hours[0],
        close_time=hours[1],
        **values,
    )
