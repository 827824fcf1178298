"""Commands that look into the lake: rows as they were known, books, liquidity."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

MOST_ROWS = 10_000


def show(  # noqa: PLR0913, PLR0917 - each is an option of the command
    dataset: Annotated[str, typer.Argument(help="Dataset of the lake: `data ls` lists them.")],
    symbol: Annotated[list[str] | None, typer.Option(help="Symbol; may be repeated.")] = None,
    start: Annotated[str | None, typer.Option(help="First session.")] = None,
    end: Annotated[str | None, typer.Option(help="Last session.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Show what was known then (ISO time; UTC without a zone).")
    ] = None,
    history: Annotated[bool, typer.Option(help="Show corrected rows too, as they came.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST_ROWS, help="Newest rows shown.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show stored rows, as now known or as of a moment; what is simulated is marked *."""
    import polars as pl

    from basics.errors import MissingDataError
    from infra.bootstrap import open_desk
    from market.bitemporal import known_by
    from market.datasets import EVENT_TIME, KNOWLEDGE_TIME, SYMBOL

    known_at = _moment(as_of)
    with open_desk() as desk:
        lake = desk.market_data.lake
        described = lake.state(dataset).dataset
        part: dict[str, Any] = {
            "start": day_of(start),
            "end": day_of(end),
            "symbols": symbol or None,
        }
        rows = (
            lake.versions(dataset, **part).filter(known_by(known_at))
            if history
            else lake.scan(dataset, as_of=known_at, **part)
        )
        found = rows.sort(EVENT_TIME, SYMBOL, KNOWLEDGE_TIME).tail(limit).collect()
    if found.is_empty():
        raise MissingDataError(f"{dataset} has no such rows: widen --start, --end or --symbol")
    if as_json:
        show_json({"dataset": described.name, "simulated": sorted(described.simulated),
                   "rows": found.to_dicts()})  # fmt: skip
        return
    columns = [f"{name}*" if name in described.simulated else name for name in found.columns]
    stamp = pl.col(EVENT_TIME, KNOWLEDGE_TIME).dt.strftime("%Y-%m-%d %H:%M:%S%.3f")
    title = f"{dataset}, newest {found.height} rows" + (
        f", as known at {known_at}" if known_at else ""
    )
    show_table(title, columns, found.with_columns(stamp).rows(), right=columns[4:])


def book(
    dataset: Annotated[str, typer.Argument(help="Dataset of depth messages.")],
    symbol: Annotated[str, typer.Argument(help="Symbol of the book.")],
    at: Annotated[
        str | None, typer.Option(help="Moment (ISO; UTC without a zone); the last one without.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="Session; the last one without.")] = None,
    levels: Annotated[int, typer.Option(min=1, max=100, help="Levels of each side.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Rebuild an order book from its depth messages, and list those that were lost."""
    from infra.bootstrap import open_desk
    from services.order_books import rebuild_book

    with open_desk() as desk:
        found = rebuild_book(
            desk.market_data.lake, dataset, symbol,
            session=day_of(session), at=_moment(at), levels=levels,
        )  # fmt: skip
    if as_json:
        show_json(found)
        return
    known = "known" if found.known else "UNKNOWN: a message was lost, no snapshot since"
    label = " (simulated)" if found.simulated else ""
    title = f"{symbol}{label} after message {found.last_id} at {found.at}: {known}"
    depth = max(len(found.bids), len(found.asks))
    pad: list[tuple[float, float] | tuple[str, str]] = [("", "")] * depth
    rows = [
        (bid[1], bid[0], ask[0], ask[1])
        for bid, ask in zip([*found.bids, *pad][:depth], [*found.asks, *pad][:depth], strict=True)
    ]
    columns = ("bid size", "bid", "ask", "ask size")
    show_table(title, columns, rows, right=columns)
    for gap in found.gaps:
        typer.echo(f"lost: messages {gap.first} to {gap.last}")


def liquidity(
    dataset: Annotated[str, typer.Argument(help="Dataset of daily bars.")] = "equities",
    symbol: Annotated[list[str] | None, typer.Option(help="Symbol; all without.")] = None,
    window: Annotated[int, typer.Option(min=2, max=2_520, help="Sessions looked back on.")] = 60,
    order_value: Annotated[
        float, typer.Option(min=0, help="Size of the order whose cost is estimated, in money.")
    ] = 1_000_000.0,
    as_json: AsJson = False,
) -> None:
    """Show how much can be traded and what it costs: volume, spreads, Amihud, impact."""
    from infra.bootstrap import open_desk
    from services.liquidity_review import review_liquidity

    with open_desk() as desk:
        found = review_liquidity(
            desk.market_data, dataset, symbols=symbol, window=window, order_value=order_value
        )
    if as_json:
        show_json(found)
        return
    columns = ("symbol", "adv shares", "adv value", "Roll bp", "Corwin-Schultz bp",
               "Amihud per 1e9", "impact bp", "days at 10%")  # fmt: skip
    rows = [
        (
            row.symbol, f"{row.adv_shares:,.0f}", f"{row.adv_value:,.0f}", f"{1e4 * row.roll:.1f}",
            f"{1e4 * row.corwin_schultz:.1f}", f"{1e9 * row.amihud:.3f}",
            f"{1e4 * row.impact:.1f}", f"{row.days_to_liquidate:.2f}",
        )
        for row in found.rows
    ]  # fmt: skip
    simulated = f"; SIMULATED: {', '.join(found.simulated)}" if found.simulated else ""
    title = f"{dataset} on {found.session}, {window} sessions, order {order_value:,.0f}{simulated}"
    show_table(title, columns, rows, right=columns[1:])


def day_of(text: str | None) -> date | None:
    """Return the day that an option says; `InvalidInputError` if it is none."""
    from basics.errors import InvalidInputError

    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"{text!r} is no date: write yyyy-mm-dd") from None


def _moment(text: str | None) -> datetime | None:
    from basics.errors import InvalidInputError

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no ISO time: write 2020-03-16T20:00:00+00:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
