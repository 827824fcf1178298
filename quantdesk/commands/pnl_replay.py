"""`quantdesk pnl replay`: a past session tick by tick, here or into the running desk."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

DRIVEN_TRADES = 200  # Simulated trades of each symbol that are sent to a running desk.


def pnl_replay(  # noqa: PLR0913, PLR0917 - each is an option of the command
    session: Annotated[datetime, typer.Argument(help="Session, YYYY-MM-DD.", formats=["%Y-%m-%d"])],
    portfolio: Annotated[str | None, typer.Option(help="Portfolio.")] = None,
    dataset: Annotated[str, typer.Option(help="Dataset of daily bars.")] = "equities",
    drive: Annotated[
        bool, typer.Option("--drive", help="Send its ticks to the running desk instead.")
    ] = False,
    seconds: Annotated[float, typer.Option(min=1, help="How long the driven session takes.")] = 60,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the desk's API, if not the usual.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a session through the live engine on simulated ticks; hold it against the batch.

    With --drive the running desk takes the ticks as marks of now: watch it by `quantdesk pnl live
    --watch`. With `--portfolio multi-asset` it is a session of the simulated market.
    """
    from services.portfolios import MULTI_ASSET

    if drive:
        day, of = session.date(), MULTI_ASSET if portfolio == MULTI_ASSET else dataset
        _drive(day, of, seconds=seconds, port=port, as_json=as_json)
        return
    report = _replay(session.date(), dataset, portfolio)
    if as_json:
        show_json(report)
        return
    show_table(
        f"{report.portfolio} on {report.session}, SIMULATED ticks inside daily bars",
        ("time", "profit so far"),
        [(point.at.strftime("%H:%M UTC"), f"{point.pnl:,.2f}") for point in report.points[::6]],
        right=("profit so far",),
    )
    for by, names in report.attributions.items():
        if by not in {"order", "hour"}:
            _show_split(by, names)
    typer.echo(
        f"{report.ticks:,} ticks, {report.fills} fills: streamed {report.streamed:,.2f}, batch "
        f"{report.batch:,.2f}, booked {report.booked:,}; no part of any attribution differs from "
        f"the batch by more than {report.error_of_gross:.1e} of gross exposure"
    )


def _replay(day: date, dataset: str, portfolio: str | None) -> Any:  # noqa: ANN401 - a ReplayReport, imported lazily
    import numpy as np

    from infra.bootstrap import open_desk
    from quantdesk.commands.pnl_books import latest_performance
    from services.pnl_replay import BAR_FIELDS, replay_session
    from services.simulated_sessions import session_hours

    with open_desk() as desk:
        stored = latest_performance(desk, portfolio)
        bars = desk.market_data.panel(
            dataset, fields=BAR_FIELDS, start=day - timedelta(days=10), end=day
        )
        return replay_session(
            desk.books_of(dataset), stored.lineage["run_id"], bars,
            session=day, portfolio=stored.scope,
            rng=np.random.default_rng([desk.settings.seed, day.toordinal()]),
            hours=session_hours(desk.market_data, dataset, day),
        )  # fmt: skip


def _drive(day: date, dataset: str, *, seconds: float, port: int | None, as_json: bool) -> None:
    from infra.bootstrap import open_desk
    from infra.desk_client import DeskClient
    from infra.session_drive import drive_session
    from services.portfolios import MULTI_ASSET

    with open_desk() as desk:
        client = DeskClient(desk.settings, port=port)
        draw = _multi_asset_ticks if dataset == MULTI_ASSET else _ticks
        ticks, failures = draw(desk, dataset, day)
    if not as_json:
        typer.echo(f"{len(ticks):,} SIMULATED ticks of {day} into the desk over {seconds:g} s")
    sent = drive_session(client, ticks, seconds=seconds)
    document = {"session": day, "simulated": True, "symbols": ticks["symbol"].n_unique(),
                "sent": sent, "left_out": failures}  # fmt: skip
    if as_json:
        show_json(document)
    else:
        typer.echo(f"{sent:,} sent; the marks stand at the closes of {day}")


def _ticks(desk: Any, dataset: str, day: date) -> tuple[Any, Any]:  # noqa: ANN401 - imported lazily
    """Return simulated trades inside the daily bars of a dataset, and what has none and why."""
    import polars as pl

    from services.simulated_sessions import simulate_sessions

    drawn = simulate_sessions(
        desk.market_data, dataset, day, seed=desk.settings.seed, trades=DRIVEN_TRADES
    )
    ticks = pl.concat(
        one.trades.select("symbol", "event_time", "sequence", "price")
        for one in drawn.sessions.values()
    ).sort("event_time", "symbol", "sequence")
    return ticks, drawn.failures


def _multi_asset_ticks(desk: Any, dataset: str, day: date) -> tuple[Any, Any]:  # noqa: ANN401, ARG001 - imported lazily
    """Return ticks of the simulated market: instruments and exchange rates."""
    import numpy as np

    from basics.errors import MissingDataError
    from infra.experiment import load_experiment
    from market.simulated.multi_asset_ticks import bridge_ticks

    books = desk.multi_asset_books(load_experiment(desk.settings.params_file))
    if books is None:
        raise MissingDataError("the simulated market has no session yet: load later bars")
    rng = np.random.default_rng([desk.settings.seed, day.toordinal()])
    return bridge_ticks(books.market, day, rng, trades=DRIVEN_TRADES), {}


def _show_split(by: str, names: dict[str, float]) -> None:
    moved = sorted(((n, p) for n, p in names.items() if p), key=lambda pair: -pair[1])
    rows = [(name, f"{pnl:,.2f}") for name, pnl in moved]
    show_table(f"By {by.replace('_', ' ')}", (by, "pnl"), rows, right=("pnl",))
