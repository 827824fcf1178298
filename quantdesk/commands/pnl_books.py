"""Commands on the books themselves: import, open, measure, reconcile and settle."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from infra.bootstrap import Desk
    from services.accounting import BookingReport
    from services.pnl_reconciliation import Reconciliation, ReconciliationReport
    from services.ports import Rejection

Run = Annotated[
    str | None, typer.Option("--run", help="Run; the one of the latest profit if left out.")
]
Mapped = Annotated[
    list[str] | None, typer.Option("--map", help='Our column = yours: quantity="Qty".')
]
Trials = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Configurations that were tried, for the deflated Sharpe ratio; left out: those that "
        "the model registry counts.",
    ),
]


def pnl_import(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet of fills.")],
    run: Annotated[str, typer.Option("--run", help="Name of the books that take them.")],
    mapping: Mapped = None,
    dataset: Annotated[str, typer.Option(help="Dataset whose symbols are known.")] = "equities",
    as_json: AsJson = False,
) -> None:
    """Book your own fills; what is booked already is passed over, bad rows are listed."""
    from infra.bootstrap import open_desk
    from infra.sources.ledger_files import read_fills
    from infra.sources.rejections import RejectionFile

    with open_desk() as desk:
        accounting = desk.books_of(dataset)
        found = read_fills(file, accounting.instruments, mapping=pairs(mapping))
        booked = accounting.book_columns(run, found.fills)
        listed = RejectionFile(desk.settings.state_dir / "rejections").write(
            f"fills-{run}", found.rejected
        )
    document = {
        "run": run,
        "booked": booked.booked,
        "seen_before": booked.seen_before,
        "rejected": len(found.rejected),
        "rejections": listed,
    }
    if as_json:
        show_json(document)
        return
    typer.echo(
        f"{run}: {booked.booked} booked, {booked.seen_before} already there, "
        f"{len(found.rejected)} rejected" + (f", listed in {listed}" if listed else "")
    )


def pnl_open(
    file: Annotated[
        Path, typer.Argument(help="Opening: account, subject, name, amount, price of positions.")
    ],
    run: Annotated[str, typer.Option("--run", help="Name of the books to open.")],
    day: Annotated[datetime, typer.Option(help="First day of the books.", formats=["%Y-%m-%d"])],
    mapping: Mapped = None,
    dataset: Annotated[str, typer.Option(help="Dataset whose symbols are known.")] = "equities",
    as_json: AsJson = False,
) -> None:
    """Open books with your positions, at cost, and cash; bad rows are listed."""
    from infra.bootstrap import open_desk
    from infra.sources.opening_files import read_opening
    from infra.sources.rejections import RejectionFile

    with open_desk() as desk:
        accounting = desk.books_of(dataset)
        events, rejected = read_opening(
            file, accounting.instruments, day=day.date(), mapping=pairs(mapping)
        )
        booked = accounting.book_events(run, events)
        listed = RejectionFile(desk.settings.state_dir / "rejections").write(
            f"opening-{run}", rejected
        )
    show_entries(run, booked, rejected, listed, as_json=as_json)


def show_entries(
    run: str,
    booked: "BookingReport",
    rejected: "Sequence[Rejection]",
    listed: str | None,
    *,
    as_json: bool,
) -> None:
    """Tell how many entries of a file were booked, and where the rows that were not are listed."""
    if as_json:
        show_json({"run": run, "booked": booked.booked, "seen_before": booked.seen_before,
                   "rejected": len(rejected), "rejections": listed})  # fmt: skip
        return
    typer.echo(
        f"{run}: {booked.booked} entries booked, {booked.seen_before} already there, "
        f"{len(rejected)} rows rejected" + (f", listed in {listed}" if listed else "")
    )


def pnl_measure(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: date, return, maybe benchmark.")],
    periods_per_year: Annotated[float, typer.Option(help="Periods in a year.")] = 252.0,
    trials: Trials = None,
    mapping: Mapped = None,
    as_json: AsJson = False,
) -> None:
    """Measure your own series of returns; bad rows are listed."""
    import msgspec
    import numpy as np

    from infra.settings import load_settings
    from infra.sources.rejections import RejectionFile
    from infra.sources.return_files import read_returns
    from services.pnl_figures import figures_of, given_trials, selection_figure, sureness_of

    settings = load_settings()

    found = read_returns(file, mapping=pairs(mapping))
    listed = RejectionFile(settings.state_dir / "rejections").write(file.stem, found.rejected)
    figures = (
        *figures_of(
            found.returns,
            found.benchmark,
            periods_per_year=periods_per_year,
            generator=np.random.default_rng(settings.seed),
        ),
        selection_figure(found.returns, given_trials(trials) if trials else None),
    )
    sureness = sureness_of(len(found.returns))
    first, last = found.dates[0].item(), found.dates[-1].item()
    if as_json:
        show_json(
            {
                "start": first,
                "end": last,
                "periods": len(found.returns),
                "figures": figures,
                "sureness": sureness,
                "rejected": len(found.rejected),
                "rejections": listed,
            }
        )
        return
    show_table(
        f"{file.name}, {first} to {last}, {len(found.returns)} periods",
        ("figure", "value", "low", "high", "benchmark", "note"),
        [
            (f.name, *map(_short, (f.value, f.low, f.high, f.benchmark)), f.reason or f.basis)
            for f in figures
        ],
        right=("value", "low", "high", "benchmark"),
    )
    typer.echo(sureness_words(msgspec.to_builtins(sureness)))
    if listed:
        typer.echo(f"{len(found.rejected)} rows were rejected, listed in {listed}")


def sureness_words(sureness: dict[str, Any]) -> str:
    """Return how intervals were drawn, or why there are none."""
    if sureness["reason"]:
        return f"no intervals: {sureness['reason']}"
    return (
        f"intervals: {sureness['confidence']:.0%}, {sureness['resamples']:,} resamples of blocks "
        f"of {sureness['block']:.0f} periods, benchmark and returns together"
    )


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"


def pnl_reconcile(
    file: Annotated[Path, typer.Argument(help="Statement: account, subject, name, amount.")],
    run: Run = None,
    day: Annotated[datetime | None, typer.Option(help="Desk date of the statement.")] = None,
    mapping: Mapped = None,
    dataset: Annotated[str, typer.Option(help="Dataset whose symbols are known.")] = "equities",
    as_json: AsJson = False,
) -> None:
    """Hold the books against a custodian's statement; breaks keep their age."""
    from infra.bootstrap import open_desk
    from infra.sources.ledger_files import read_statement

    lines, rejected = read_statement(file, mapping=pairs(mapping))
    with open_desk() as desk:
        name = run or latest_performance(desk, None).lineage["run_id"]
        desk_date = day.date() if day else latest_performance(desk, None).desk_date
        report = _reconciliation(desk, dataset).run(name, lines, day=desk_date)
    _show_report(report, as_json=as_json)
    for one in rejected:
        typer.echo(f"line {one.line} was not read: {one.reason}", err=True)


def pnl_settle(  # noqa: PLR0913, PLR0917 - each is an option of the command
    account: Annotated[str, typer.Argument(help="Custody account.")],
    subject: Annotated[str, typer.Argument(help="position or cash.")],
    name: Annotated[str, typer.Argument(help="Symbol or currency.")],
    reason: Annotated[str, typer.Option(help="Why the difference is right.")],
    author: Annotated[str, typer.Option(help="Who settles it.")],
    approver: Annotated[str, typer.Option(help="Who agreed; another person.")],
    run: Run = None,
    dataset: Annotated[str, typer.Option(help="Dataset whose symbols are known.")] = "equities",
    as_json: AsJson = False,
) -> None:
    """Settle a break with a reason and a second person; it stays in view while it lasts."""
    from infra.bootstrap import open_desk
    from pnl.reconciliation import Resolution, StatementKey, Subject

    if subject not in set(Subject):
        raise typer.BadParameter(f"subject is position or cash, not {subject}")
    key = StatementKey(account=account, subject=Subject(subject), name=name)
    with open_desk() as desk:
        books = run or latest_performance(desk, None).lineage["run_id"]
        resolution = Resolution(
            reason=reason, author=author, approver=approver, day=desk.clock.now().date()
        )
        report = _reconciliation(desk, dataset).settle(books, key, resolution)
    _show_report(report, as_json=as_json)


def _show_report(report: "ReconciliationReport", *, as_json: bool) -> None:
    if as_json:
        show_json(report)
        return
    rows = [
        (
            one.key.account, one.key.subject, one.key.name, _plain(one.ours), _plain(one.theirs),
            _plain(one.difference), one.first_seen, one.age_days,
            "open" if one.resolution is None
            else f"settled: {one.resolution.reason} "
            f"({one.resolution.author}, {one.resolution.approver})",
        )
        for one in report.breaks
    ]  # fmt: skip
    show_table(
        f"{report.day}: {report.lines} lines held against the books, {len(report.open)} open "
        + ("break" if len(report.open) == 1 else "breaks"),
        (
            "account",
            "subject",
            "name",
            "ours",
            "theirs",
            "difference",
            "first seen",
            "age in days",
            "state",
        ),
        rows,
        right=("ours", "theirs", "difference", "age in days"),
    )


def _plain(amount: "Decimal") -> str:
    """Return an amount without the zeros that a column of ten decimals leaves."""
    return f"{amount.normalize():,f}"


def latest_performance(desk: "Desk", portfolio: str | None) -> Any:  # noqa: ANN401 - a StoredResult, imported lazily
    """Return the performance that was stored last, of the only portfolio if none is named."""
    from basics.errors import MissingDataError
    from services.portfolios import chosen_portfolio

    known = desk.results.scopes("pnl.performance")
    if not known:
        raise MissingDataError("no profit is stored yet: run `quantdesk demo`")
    return desk.results.latest("pnl.performance", chosen_portfolio(known, portfolio))


def _reconciliation(desk: "Desk", dataset: str) -> "Reconciliation":
    from services.pnl_reconciliation import Reconciliation

    return Reconciliation(accounting=desk.books_of(dataset), results=desk.results)


def pairs(options: list[str] | None, *, option: str = "--map") -> dict[str, str]:
    """Return what was given as ours=yours, once or more often."""
    from basics.errors import InvalidInputError

    found = [one.partition("=") for one in options or []]
    wrong = [ours + sign for ours, sign, theirs in found if not (ours and sign and theirs)]
    if wrong:
        raise InvalidInputError(f"{option} needs ours=yours, got {wrong[0]!r}")
    return {ours: theirs for ours, _, theirs in found}
