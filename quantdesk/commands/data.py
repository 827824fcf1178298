"""Commands on market data: `data import`, `data ls`, `data check`, and those of its neighbours."""

from pathlib import Path
from typing import Annotated, Any

import typer

from quantdesk.commands.data_derive import join, simulate
from quantdesk.commands.data_upkeep import compact, docs, quarantine, reference
from quantdesk.commands.data_views import book, liquidity, show
from quantdesk.output import AsJson, show_json, show_table

data = typer.Typer(help="Market data: import, look, check, keep.", no_args_is_help=True)
for command in (show, book, liquidity, join, simulate, quarantine, compact, docs, reference):
    data.command()(command)


@data.command("import")
def import_(  # noqa: PLR0913, PLR0917 - each is an option of the command
    path: Annotated[
        str,
        typer.Argument(
            help="File or folder of CSV or Parquet bars, a Lean data folder, `sample` or `yahoo`."
        ),
    ] = "sample",
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help='Our column = yours: close="Adj Close", time=Day, symbol=Sym.'),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Name of the dataset; the file's else.")
    ] = None,
    symbol: Annotated[str | None, typer.Option(help="Symbol where no column has it.")] = None,
    field: Annotated[str, typer.Option(help="What a wide table's numbers are.")] = "close",
    time_format: Annotated[
        str | None, typer.Option(help="strptime format of the dates, or epoch_s, _ms, _us, _ns.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA zone of times that state none.")
    ] = None,
    calendar: Annotated[str | None, typer.Option(help="Exchange (ISO 10383), e.g. XNYS.")] = None,
    kind: Annotated[
        str, typer.Option(help="What a row is: bars, quotes, trades, depth or rates (of exchange).")
    ] = "bars",
    start: Annotated[str | None, typer.Option(help="First day, of `yahoo` (yyyy-mm-dd).")] = None,
    end: Annotated[str | None, typer.Option(help="Last day, of `yahoo`; today without.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import bars; bad rows are listed in a rejection report, good rows land."""
    from infra.bootstrap import open_desk
    from infra.sources.columns import Reading
    from infra.sources.files import open_files
    from infra.sources.rejections import RejectionFile
    from infra.sources.tick_columns import Kind
    from services.data_import import import_bars
    from services.exchange_rates import FX_RATES

    with open_desk() as desk:
        source = _source(desk, path, symbol, (start, end))
        if source is not None:
            _keep_tickers(desk, source)
            _import_source(desk.market_data, source, as_json=as_json)
            return
        reading = Reading(
            mapping=_pairs(mapping or []),
            symbol=symbol,
            field=field,
            time_format=time_format,
            timezone=timezone,
            calendar=calendar,
            kind=_kind(kind),
        )
        name = dataset or (FX_RATES if reading.kind is Kind.RATES else None)
        files = open_files(Path(path).expanduser(), dataset=name, reading=reading)
        report = import_bars(
            files,
            market=desk.market_data,
            report=RejectionFile(desk.settings.state_dir / "rejections"),
        )
    if as_json:
        show_json(report)
        return
    typer.echo(
        f"{report.dataset}: {report.status}, {report.new} new, {report.corrected} corrected, "
        f"{report.unchanged} already there, {report.rejected} rejected"
    )
    for reason, count in report.reasons:
        typer.echo(f"  {count} x {reason}")
    if report.rejections:
        typer.echo(f"  each is listed in {report.rejections}")


@data.command("ls")
def ls(as_json: AsJson = False) -> None:
    """List the datasets of the lake."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        states = desk.market_data.catalog()
    if as_json:
        show_json(states)
        return
    rows = [
        (
            state.dataset.name,
            f"{state.rows:,}",
            f"{state.first_session} to {state.last_session}",
            ", ".join(
                f"{name}*" if name in state.dataset.simulated else name
                for name in state.dataset.fields
            ),
            state.version[:12],
        )
        for state in states
    ]
    columns = ("dataset", "rows", "sessions", "fields", "version")
    show_table("Market lake (* simulated, not observed)", columns, rows, right=("rows",))


@data.command("check")
def check(
    datasets: Annotated[list[str] | None, typer.Argument(help="Datasets; all without.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge the stored rows by the rules; exit code 4 if a stop rule is broken."""
    from infra.bootstrap import open_desk

    with open_desk() as desk:
        market = desk.market_data
        names = datasets or [state.dataset.name for state in market.catalog()]
        findings = [finding for name in names for finding in market.check(name).findings]
    stopped = any(finding.severity.value == "stop" for finding in findings)
    if as_json:
        show_json({"datasets": names, "stopped": stopped, "findings": findings})
    else:
        columns = ("dataset", "rule", "severity", "rows", "first", "why")
        rows = [
            (
                finding.dataset,
                finding.rule,
                finding.severity.value,
                finding.count,
                f"{finding.examples[0].symbol} {finding.examples[0].session}",
                finding.why,
            )
            for finding in findings
        ]
        show_table(f"Findings in {', '.join(names) or 'an empty lake'}", columns, rows)
    if stopped:
        raise typer.Exit(4)


def _source(
    desk: Any,  # noqa: ANN401 - imported when needed
    path: str,
    symbols: str | None,
    span: tuple[str | None, str | None],
) -> Any:  # noqa: ANN401
    """Return the source that `path` names or is; None for a user's own files."""
    from datetime import date

    from basics.errors import InvalidInputError
    from infra.sources.lean.folder import open_lean
    from infra.sources.yahoo import YahooSource

    if Path(path).exists():
        return open_lean(Path(path))
    if path != "yahoo":
        return desk.market_data.sources.get(path)
    if not symbols or span[0] is None:
        raise InvalidInputError("yahoo needs --symbol AAPL,MSFT and --start 2020-01-01")
    try:
        start = date.fromisoformat(span[0])
        today = desk.clock.now().date()
        end = date.fromisoformat(span[1]) if span[1] else today
    except ValueError as error:
        raise InvalidInputError(f"--start and --end take yyyy-mm-dd: {error}") from None
    return YahooSource([name.strip() for name in symbols.split(",")], start, end, asked=today)


def _import_source(market: Any, source: Any, *, as_json: bool) -> None:  # noqa: ANN401
    report = market.ingest_from(source)
    if as_json:
        show_json(report)
    else:
        columns = ("dataset", "status", "new", "corrected", "unchanged", "set aside", "version")
        rows = [
            (i.dataset, i.status, i.new, i.corrected, i.unchanged, i.quarantined, i.version[:12])
            for i in report.datasets
        ]
        show_table(f"Import of {source.name}", columns, rows, right=columns[2:6])
    if report.stopped:
        typer.echo(f"stopped: {report.reason}", err=True)
        raise typer.Exit(4)


def _keep_tickers(desk: Any, source: Any) -> None:  # noqa: ANN401
    """Keep the ticker history that a Lean folder brings, so that panels follow the instrument."""
    from infra.reference import ReferenceTables
    from infra.sources.lean.folder import LeanFolder

    if isinstance(source, LeanFolder) and source.equity is not None:
        ReferenceTables.of(desk.settings).add_tickers(source.equity.tickers())


def _kind(name: str) -> Any:  # noqa: ANN401
    from basics.errors import InvalidInputError
    from infra.sources.tick_columns import Kind

    if name not in list(Kind):
        raise InvalidInputError(f"--kind takes {', '.join(Kind)}, got {name!r}")
    return Kind(name)


def _pairs(mapping: list[str]) -> dict[str, str]:
    """Read `ours=theirs` options."""
    from basics.errors import InvalidInputError

    pairs = {}
    for item in mapping:
        ours, equals, theirs = item.partition("=")
        if not equals or not ours or not theirs:
            raise InvalidInputError(f'--map takes ours="theirs", got {item!r}')
        pairs["time" if ours in ("date", "session") else ours] = theirs
    return pairs
