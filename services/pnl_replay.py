"""A past session, tick by tick through the live engine, held against the books computed at once.

The ticks are SIMULATED inside the session's daily bars (`market.simulated`), which they reproduce;
fills are the run's own, at their own times. What the engine shows along the way illustrates; what
it shows at the close must equal the batch, and the report says by how much it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from basics.arrays import FloatArray, IntArray
from basics.errors import MissingDataError
from basics.trading import Fill
from market.panel import Panel
from market.simulated.session import DailyBar, simulate_session
from measures.performance_live import LivePerformance
from pnl.daily import DailyBooks
from pnl.engine import PnlEngine
from pnl.events import LedgerEvent
from pnl.ledger import Ledger
from pnl.standing_fills import standing_fills
from services.accounting import Accounting
from services.replay_hours import Reasons, ReplayHour, ReplayPoint, View, hours_of, view_of

# 9:30 and 16:00 in New York in winter: where no calendar tells the session's hours.
OPEN_UTC, CLOSE_UTC = time(14, 30), time(21)
STEP = timedelta(minutes=5)  # Between two looks at the profit.
INTRADAY_KIND = "pnl.intraday"
BAR_FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresSoFar:
    """Performance with the running session as its last return; None where it is undefined."""

    sessions: int
    session_return: float
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    drawdown: float
    max_drawdown: float


def figures_so_far(returns: FloatArray, session_return: float) -> FiguresSoFar:
    """Return live performance after `returns` and the session's return so far."""
    live = LivePerformance()
    for value in (*returns.tolist(), session_return):
        live.update(value)
    return FiguresSoFar(
        sessions=live.count,
        session_return=session_return,
        sharpe_ratio=live.sharpe_ratio,
        sortino_ratio=live.sortino_ratio,
        calmar_ratio=live.calmar_ratio,
        drawdown=live.drawdown,
        max_drawdown=live.max_drawdown,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """How the session went, and whether streaming equals batch.

    Attributes
    ----------
    simulated : bool
        Always true: the path between the closes is drawn, not observed.
    hours : tuple of ReplayHour
        Their profits sum to `streamed`.
    streamed, batch : float
        Profit of the session by increments, and summed afresh from positions and closes.
    booked : Decimal
        The same by the daily books, in whole cents, with what is booked beside the positions:
        cash by hand, interest.
    error_of_gross : float
        Largest difference of streamed and batch over every part of every attribution, as a
        fraction of gross exposure.
    attributions : mapping of key to profit of the session by name
        As the stream left them.
    so_far : FiguresSoFar or None
        Performance with this session as the last, where the days before are kept.
    """

    session: date
    portfolio: str
    simulated: bool
    ticks: int
    fills: int
    points: tuple[ReplayPoint, ...]
    hours: tuple[ReplayHour, ...]
    streamed: float
    batch: float
    booked: Decimal
    error_of_gross: float
    attributions: Mapping[str, Mapping[str, float]]
    so_far: FiguresSoFar | None = None


def replay_session(  # noqa: PLR0913 - one question, each part by name
    accounting: Accounting,
    run_id: str,
    bars: Panel,
    *,
    session: date,
    portfolio: str,
    rng: np.random.Generator,
    trades: int = 500,
    daily: DailyBooks | None = None,
    hours: tuple[datetime, datetime] | None = None,
) -> ReplayReport:
    """Replay one session of a run.

    Parameters
    ----------
    bars : Panel
        Fields `open`, `high`, `low`, `close` and `volume`, with the session and the one before.
    trades : int
        Simulated trades of each symbol.
    daily : DailyBooks, optional
        Books of the run whose last session is the one replayed; valued here if left out.
    hours : (datetime, datetime), optional
        When the exchange opens and closes; those of New York in winter if left out.

    Raises
    ------
    MissingDataError
        If the panel lacks the session or one before it, or a held symbol has no bar.
    """
    column = int(np.searchsorted(bars.sessions, np.datetime64(session)))
    if not 0 < column < len(bars.sessions) or bars.sessions[column].item() != session:
        raise MissingDataError(f"{session} is no session with one before it in the panel")
    bars = accounting.manual(portfolio).marked(bars)  # The books' closes, those by hand included.
    events = accounting.events(run_id, portfolio=portfolio)
    before = [event for day, event in events if day < session]
    todays = [event for day, event in events if day == session]
    ledger = Ledger(accounting.instruments, method=accounting.method)
    ledger.book_all(before)
    hours = hours or (
        datetime.combine(session, OPEN_UTC, tzinfo=UTC),
        datetime.combine(session, CLOSE_UTC, tzinfo=UTC),
    )
    ticks = _ticks(bars, column, _traded(ledger, todays), rng, (trades, hours))
    engine = PnlEngine(accounting.instruments, base=accounting.base_currency)
    engine.hold(ledger.positions(flat=True))
    engine.retrade(standing_fills(before, accounting.instruments))
    for symbol, close in zip(bars.symbols, bars["close"][:, column - 1], strict=True):
        if np.isfinite(close):
            engine.mark(symbol, float(close), event_time_ns=0, sequence=-1)
    opened, opening_parts = view_of(engine), engine.attributions()
    opening = opened.total
    reasons = Reasons(session, ledger, engine, accounting.base_currency)
    seen = _stream(reasons, ticks, (todays, list(before)), hours)
    streamed, parts = engine.totals()[1].sum() - opening, engine.attributions()
    gross = max(engine.gross_exposure(), 1.0)
    whole = _in_one_go(engine, ledger, before + todays)
    batch = whole.totals()[1].sum() - opening
    if daily is None:
        two = bars.window(column - 1, column + 1)
        daily = accounting.daily_books(run_id, two, portfolio=portfolio)
    return ReplayReport(
        session=session,
        portfolio=portfolio,
        simulated=True,
        ticks=len(ticks),
        fills=sum(isinstance(event, Fill) for event in todays),
        points=tuple(ReplayPoint(at=at, pnl=view.total - opening) for at, view in seen),
        hours=hours_of(opened, seen),
        streamed=float(streamed),
        batch=float(batch),
        booked=daily.money(daily.pnl[:, -1].sum()),
        error_of_gross=_largest_difference(parts, whole.attributions()) / gross,
        attributions={
            by: {name: pnl - opening_parts[by].get(name, 0.0) for name, pnl in names.items()}
            for by, names in parts.items()
        },
    )


def _in_one_go(engine: PnlEngine, ledger: Ledger, events: list[LedgerEvent]) -> PnlEngine:
    """Return another engine that is given the day's end at once: positions, fills and marks."""
    whole = PnlEngine(ledger.instruments)
    whole.hold(ledger.positions(flat=True))
    whole.retrade(standing_fills(events, ledger.instruments))
    whole.restore({s: (price, 0, 0) for s, price in engine.marks().items()}, sequence=0)
    return whole


def _largest_difference(
    one: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]
) -> float:
    """Return the largest difference of any part; a name that only one knows differs whole."""
    return max(
        abs(one[by].get(name, 0.0) - other[by].get(name, 0.0))
        for by in one
        for name in {"", *one[by], *other[by]}
    )


def _traded(ledger: Ledger, todays: list[LedgerEvent]) -> set[str]:
    held = {position.symbol for position in ledger.positions()}
    return held | {event.symbol for event in todays if isinstance(event, Fill)}


def _ticks(
    bars: Panel,
    column: int,
    symbols: set[str],
    rng: np.random.Generator,
    drawn_as: tuple[int, tuple[datetime, datetime]],
) -> pl.DataFrame:
    """Draw the trades of every symbol inside its bar, in order of time.

    `drawn_as` says how many, between which hours.
    """
    session, (trades, (opened, closed)) = bars.sessions[column].item(), drawn_as
    tables = []
    for row, symbol in enumerate(bars.symbols):
        if symbol not in symbols:
            continue
        values = {name: float(bars[name][row, column]) for name in BAR_FIELDS}
        if not all(np.isfinite(value) for value in values.values()):
            raise MissingDataError(f"{symbol} has no bar on {session}: load its prices")
        bar = DailyBar(
            symbol=symbol,
            session=session,
            open=values["open"],
            high=max(values[name] for name in BAR_FIELDS[:4]),
            low=min(values[name] for name in BAR_FIELDS[:4]),
            close=values["close"],
            volume=max(int(values["volume"]), trades),
            open_time=opened,
            close_time=closed,
        )
        # The book is not looked at: one level of it is the least.
        drawn = simulate_session(bar, rng, trades=trades, levels=1).trades
        tables.append(drawn.select("symbol", "event_time", "sequence", "price"))
    if not tables:
        raise MissingDataError(f"nothing was held or traded on {session}")
    return pl.concat(tables).sort("event_time", "symbol", "sequence")


def _stream(
    reasons: Reasons,
    ticks: pl.DataFrame,
    events: tuple[list[LedgerEvent], list[LedgerEvent]],
    hours: tuple[datetime, datetime],
) -> list[tuple[datetime, View]]:
    """Feed ticks and fills in order of time; look at the profit at even moments.

    `events` are those of the session, and those before it.
    """
    (todays, done), (start, end), engine = events, hours, reasons.engine
    last = round((end - start) / STEP)
    numbers: IntArray = ticks["symbol"].replace_strict(engine.number).to_numpy().astype(np.int64)
    times: IntArray = ticks["event_time"].dt.timestamp("ns").to_numpy()
    rows = np.column_stack([numbers, times, ticks["sequence"].to_numpy()]).astype(np.int64)
    prices: FloatArray = ticks["price"].to_numpy()
    waiting = sorted(todays, key=_moment)
    points, taken = [], 0
    for i in range(last + 1):
        at = start + i * STEP if i < last else end
        stop = int(np.searchsorted(times, int(at.timestamp() * 1e9), side="right"))
        stop = len(times) if i == last else stop
        engine.mark_many(rows[taken:stop], prices[taken:stop])
        taken = stop
        while waiting and (i == last or _moment(waiting[0]) <= at):
            _book(reasons, waiting.pop(0), done)
        points.append((at, view_of(engine, reasons.since_last())))
    return points


def _book(reasons: Reasons, event: LedgerEvent, done: list[LedgerEvent]) -> None:
    """Book one event of the day; `done` are all up to it."""
    done.append(event)
    engine, ledger = reasons.engine, reasons.ledger
    entry = ledger.book(event)
    if entry is not None:
        reasons.booked.append((event, entry))
        symbols = {posting.symbol for posting in entry.postings} | {entry.symbol}
        engine.hold(ledger.position(entry.book, s) for s in sorted(s for s in symbols if s))
        if isinstance(event, Fill):
            engine.trade([event])
        else:
            engine.retrade(standing_fills(done, ledger.instruments))


def _moment(event: LedgerEvent) -> datetime:
    """Return when a fill happened; other events of a day take effect at its start."""
    return event.executed_at if isinstance(event, Fill) else datetime.min.replace(tzinfo=UTC)
