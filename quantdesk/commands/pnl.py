"""Commands of profit and loss: `pnl show`, `pnl live`, and those on the books."""

from datetime import datetime
from typing import Annotated, Any

import typer

from quantdesk.commands.live import pnl_live
from quantdesk.commands.pnl_amend import pnl_cancel, pnl_correct
from quantdesk.commands.pnl_balance import pnl_balance
from quantdesk.commands.pnl_benchmark import pnl_benchmark
from quantdesk.commands.pnl_books import (
    Trials,
    pairs,
    pnl_import,
    pnl_measure,
    pnl_open,
    pnl_reconcile,
    pnl_settle,
    sureness_words,
)
from quantdesk.commands.pnl_cash import pnl_cash
from quantdesk.commands.pnl_days import (
    End,
    Scope,
    Start,
    books_between,
    pnl_explain,
    pnl_health,
    pnl_intraday,
    pnl_value,
)
from quantdesk.commands.pnl_manual import manual
from quantdesk.commands.pnl_replay import pnl_replay
from quantdesk.output import AsJson, show_json, show_table

pnl = typer.Typer(help="What a portfolio earned, and where it came from.", no_args_is_help=True)

pnl.command("benchmark")(pnl_benchmark)
pnl.command("balance")(pnl_balance)
pnl.command("cancel")(pnl_cancel)
pnl.command("correct")(pnl_correct)
pnl.command("cash")(pnl_cash)
pnl.command("explain")(pnl_explain)
pnl.command("import")(pnl_import)
pnl.command("live")(pnl_live)
pnl.command("measure")(pnl_measure)
pnl.command("open")(pnl_open)
pnl.command("reconcile")(pnl_reconcile)
pnl.command("replay")(pnl_replay)
pnl.command("settle")(pnl_settle)
pnl.command("value")(pnl_value)
pnl.command("intraday")(pnl_intraday)
pnl.command("health")(pnl_health)
pnl.add_typer(manual, name="manual")

FIRST_FIGURES = (
    "total_return", "cagr", "volatility", "sharpe_ratio", "sortino_ratio", "calmar_ratio",
    "max_drawdown", "hit_rate", "profit_factor", "beta", "alpha", "information_ratio",
    "deflated_sharpe_ratio", "turnover",
)  # fmt: skip


@pnl.command("show")
def pnl_show(  # noqa: PLR0913, PLR0917 - each is an option of the command
    scope: Scope = None,
    portfolio: Annotated[str | None, typer.Option(help="The same, by name.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            help="Only this split: reason, symbol, strategy, sector, asset_class, currency, day, "
            "week, month, year, hour, side, order, model_version, arm, factor or factor_timing.",
        ),
    ] = None,
    start: Start = None,
    end: End = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            "--factor",
            help="A risk factor of your own: name=dataset/symbol[/field][@return|@change] or "
            "name=FILE of date, return; with --by factor or factor_timing.",
        ),
    ] = None,
    trials: Trials = None,
    every: Annotated[bool, typer.Option("--all", help="Every figure, not the first few.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show performance and attribution, as last stored or of any range of days."""
    name = scope or portfolio
    own = pairs(factor, option="--factor")
    by = by or ("factor" if own else None)
    stored = by is None and start is None and end is None and trials is None
    found = _latest(name) if stored else _ranged(name, by, (start, end), own, trials)
    if as_json:
        show_json(found)
        return
    from services.portfolios import label_of

    earned = found["performance"]
    typer.echo(
        f"{label_of(found['scope'])}, {earned['start']} to {earned['end']}: earned "
        f"{earned['total_pnl']} {earned['currency']} after {earned['total_fees']} of fees; "
        f"equity {earned['final_equity']}"
    )
    _show_figures(earned, every=every)
    for split in found["attributions"]:
        _show_split(split)
    if found.get("currency_attribution"):
        _show_currency_effects(found["currency_attribution"])


def _latest(scope: str | None) -> dict[str, Any]:
    """Return the documents that were last stored."""
    from basics.errors import MissingDataError
    from infra.bootstrap import open_desk
    from services.portfolios import chosen_portfolio

    with open_desk() as desk:
        known = desk.results.scopes("pnl.performance")
        if not known:
            raise MissingDataError("no profit is stored yet: run `quantdesk demo`")
        performance = desk.results.latest("pnl.performance", chosen_portfolio(known, scope))
        stored = desk.results.latest("pnl.attribution", performance.scope)
        by_currency = None
        if performance.scope in desk.results.scopes("pnl.currency_attribution"):
            found = desk.results.latest("pnl.currency_attribution", performance.scope)
            by_currency = found.payload
    return {
        "scope": performance.scope,
        "desk_date": performance.desk_date,
        "lineage": performance.lineage,
        "performance": performance.payload,
        "attributions": stored.payload["attributions"],
        "currency_attribution": by_currency,
    }


def _ranged(
    scope: str | None,
    by: str | None,
    span: tuple[datetime | None, datetime | None],
    own: dict[str, str],
    trials: int | None,
) -> dict[str, Any]:
    """Return the same of a range of the days that are kept."""
    import msgspec

    from infra.bootstrap import open_desk
    from services.pnl_days import days_lineage

    with open_desk() as desk:
        kept = books_between(desk, scope, *span)
        keys = [by] if by else desk.pnl_days.splits_of(kept)
        if own:
            factors = desk.factor_series.with_own(own).on(kept.books.daily.sessions)
            splits = [desk.pnl_days.by_factors(kept, factors, by=key) for key in keys]
        else:
            splits = [desk.pnl_days.attribution(kept, by=key) for key in keys]
        performance = desk.pnl_days.performance(kept, trials=trials)
    return {
        "scope": kept.portfolio,
        "desk_date": performance.end,
        "lineage": days_lineage(kept),
        "performance": msgspec.to_builtins(performance),
        "attributions": msgspec.to_builtins(splits),
    }


def _show_figures(earned: Any, *, every: bool) -> None:  # noqa: ANN401 - a stored JSON document
    rows = [
        (
            figure["name"],
            _number(figure["value"], figure["unit"]) if figure["reason"] is None else "-",
            _interval(figure),
            _number(figure["benchmark"], figure["unit"]),
            figure["reason"] or figure.get("basis") or "",
        )
        for figure in earned["figures"]
        if every or figure["name"] in FIRST_FIGURES
    ]
    beside = f", beside {earned['benchmark_name']}" if earned["benchmark_name"] else ""
    show_table(
        f"Performance{beside}",
        ("figure", "portfolio", "interval", "benchmark", "note"),
        rows,
        right=("portfolio", "interval", "benchmark"),
    )
    if sureness := earned.get("sureness"):
        typer.echo(sureness_words(sureness))


def _interval(figure: Any) -> str:  # noqa: ANN401 - a stored JSON document
    ends = [figure.get(end) for end in ("low", "high")]
    return "" if None in ends else " to ".join(_number(end, figure["unit"]) for end in ends)


def _show_split(split: Any) -> None:  # noqa: ANN401 - a stored JSON document
    rows = [
        (part["name"], f"{float(part['pnl']):,.2f}", _error(part["standard_error"]))
        for part in split["parts"]
    ]
    rows.append(("residual", f"{float(split['residual']):,.2f}", ""))
    rows.append(("total", f"{float(split['total']):,.2f}", ""))
    title = f"By {split['by']}, {split['currency']}" + ("" if split["exact"] else " (estimated)")
    # What is booked has no standard error, and needs no empty column.
    columns = (split["by"], "pnl") if split["exact"] else (split["by"], "pnl", "standard error")
    show_table(title, columns, [row[: len(columns)] for row in rows], right=columns[1:])
    for note in split["notes"]:
        typer.echo(f"- {note}")


def _show_currency_effects(found: Any) -> None:  # noqa: ANN401 - a stored JSON document
    effects = ("allocation", "selection", "interaction", "forward_premium", "currency_management")
    rows = [
        (
            market["currency"],
            f"{market['portfolio_weight']:.1%}",
            f"{market['benchmark_weight']:.1%}",
            *(f"{market[name]:.2%}" for name in effects),
        )
        for market in found["markets"]
    ]
    columns = ("currency", "weight", "benchmark", *(name.replace("_", " ") for name in effects))
    show_table(
        f"Excess of {found['excess']:.2%} over {found['benchmark_name']}",
        columns,
        rows,
        right=columns[1:],
    )
    typer.echo(f"- {found['method']}; residual {found['residual']:.1e}")


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "rate":
        return f"{value:.2%}"
    return f"{value:.0f}" if unit in {"periods", "count"} else f"{value:.2f}"


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"
