"""The steps of profit and loss as plain functions on a day: value, explain, test, replay."""

from dataclasses import replace
from datetime import date

import msgspec
import numpy as np

from flows.day import Day
from flows.steps import up_to_date
from market.panel import Panel
from pnl.daily import DailyBooks
from services.order_tickets import DESK
from services.pnl_days import ATTRIBUTION_KIND, ONE_SESSION
from services.pnl_health import HEALTH_KIND
from services.pnl_keeping import PnlOutcome
from services.pnl_replay import (
    BAR_FIELDS,
    INTRADAY_KIND,
    ReplayReport,
    figures_so_far,
    replay_session,
)
from services.portfolio_review import universe_returns
from services.ports import JsonDocument, KeptBooks, KeptSpan
from services.simulated_sessions import session_hours

BY_HAND = "manual_entries"  # In a lineage: what people changed in the books.


def traded_panel(day: Day) -> Panel:
    """Return the universe over the sessions that were traded."""
    first = int(np.searchsorted(day.panel.sessions, np.datetime64(day.first_traded)))
    return day.panel.window(first, len(day.panel.sessions))


def daily_books(day: Day) -> DailyBooks:
    """Return the value of the run's books at the close of every session traded.

    Days that were kept from the same inputs are read back; else they are valued here, so that no
    step rests on another's having run. The day remembers them while their inputs stand.
    """
    rest_on = pnl_lineage(day)
    if day.valued is None or day.valued[0] != rest_on:
        day.valued = (rest_on, _daily_books(day))
    return day.valued[1]


def _daily_books(day: Day) -> DailyBooks:
    portfolio = day.experiment.trading.portfolio
    if pnl_up_to_date(day):
        return day.desk.pnl_days.books(portfolio).books.daily
    return day.paper_trading.accounting.daily_books(
        day.run_id, traded_panel(day), portfolio=portfolio
    )


def attribute_pnl(day: Day) -> PnlOutcome:
    """Value and explain every session, measure what was earned, and keep all of it."""
    accounting, portfolio = day.paper_trading.accounting, day.experiment.trading.portfolio
    panel = traded_panel(day)
    books = accounting.valued_books(
        day.run_id,
        panel,
        portfolio=portfolio,
        benchmark=universe_returns(day.panel, panel.sessions),
    )
    kept = KeptBooks(portfolio, day.run_id, day.experiment.data.dataset, books)
    lineage = pnl_lineage(day)
    day.desk.pnl_health.run(kept, lineage=lineage)
    return day.desk.pnl_keeping.keep(kept, lineage=lineage)


def pnl_lineage(day: Day, *, until: date | None = None) -> JsonDocument:
    """Return the day's lineage, with what people changed in the portfolio's books by hand.

    Parameters
    ----------
    until : date, optional
        Only what was changed of the days until then: what a past session rests on.
    """
    changed = by_hand(day, day.experiment.trading.portfolio, until=until)
    return {**msgspec.to_builtins(day.lineage), **changed}


def by_hand(day: Day, portfolio: str, *, until: date | None = None) -> JsonDocument:
    """Return the lineage of what people changed in a portfolio's books; empty for nothing."""
    entries = day.desk.manual_entries.in_force(portfolio).entries
    names = [entry.entry_id for entry in entries if until is None or entry.day <= until]
    return {BY_HAND: names} if names else {}


def attribute_desk_pnl(day: Day) -> list[PnlOutcome]:
    """Book what the desk's own orders filled, value those books, and keep them; none: nothing."""
    if day.desk.order_journal.fills(DESK):
        day.desk.desk_books.book_orders(today=day.desk_date)
        outcomes = day.desk.pnl_keeping.value(DESK, dataset=day.desk.settings.orders.dataset)
        for one in outcomes:
            kept = day.desk.pnl_days.books(one.portfolio)
            day.desk.pnl_health.run(kept, lineage={"run_id": kept.run_id})
        return outcomes
    return []


def replay_pnl(day: Day, *, again: bool = False) -> list[ReplayReport]:
    """Replay the desk date tick by tick for each portfolio that is kept, and keep how it went.

    The ticks are simulated inside the real bars; the fills are the portfolio's own. A replay that
    stands, of the same bars and entries, is passed over.
    """
    dataset, fresh = day.experiment.data.dataset, []
    for portfolio, span in sorted(day.desk.pnl_days.spans().items()):
        if span.last_session != day.desk_date or span.dataset != dataset:
            continue
        lineage: JsonDocument = {
            "run_id": span.run_id,
            "entries": day.desk.ledger_store.last_sequence(span.run_id),
            "data_version": day.desk.market_data.version(dataset),
            "seed": day.desk.settings.seed,
            "code_commit": day.desk.code_commit,
            **by_hand(day, portfolio),
        }
        if again or not up_to_date(day, INTRADAY_KIND, portfolio, lineage):
            fresh.append((portfolio, span, lineage))
    if not fresh:
        return []
    bars = day.desk.market_data.panel(dataset, fields=BAR_FIELDS, start=day.desk_date - ONE_SESSION)
    return [_replayed(day, bars, portfolio, span, lineage) for portfolio, span, lineage in fresh]


def _replayed(
    day: Day, bars: Panel, portfolio: str, span: KeptSpan, lineage: JsonDocument
) -> ReplayReport:
    daily = day.desk.pnl_days.books(portfolio).books.daily
    report = replay_session(
        day.desk.books_of(span.dataset), span.run_id, bars,
        session=day.desk_date, portfolio=portfolio, daily=daily,
        rng=np.random.default_rng([day.desk.settings.seed, day.desk_date.toordinal()]),
        hours=session_hours(day.desk.market_data, span.dataset, day.desk_date),
    )  # fmt: skip
    today = report.streamed / float(daily.opening_capital()[-1])
    report = replace(report, so_far=figures_so_far(daily.returns()[:-1], today))
    payload = msgspec.to_builtins(report)
    day.desk.results.put(INTRADAY_KIND, portfolio, day.desk_date, payload, lineage)
    return report


def pnl_up_to_date(day: Day) -> bool:
    """Return whether documents and rows of the day's profit stand."""
    span = day.desk.pnl_days.spans().get(day.experiment.trading.portfolio)
    return (
        up_to_date(day, ATTRIBUTION_KIND, lineage=pnl_lineage(day))
        and up_to_date(day, HEALTH_KIND)
        and span is not None
        and (span.run_id, span.last_session) == (day.run_id, day.desk_date)
    )
