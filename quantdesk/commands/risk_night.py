"""`quantdesk risk night`: the books of the last night, each with the tests that it carries."""

from typing import TYPE_CHECKING, Annotated

import typer

from quantdesk.output import AsJson, show_json, show_table

if TYPE_CHECKING:
    from risk.nightly import NightRow
    from risk.tested import MethodEvidence
    from services.night_view import NightBook, NightLine, NightList
    from services.weekly_risk import WeeklyStamp

_HEADLINE = 0.99
_WEEKLY = "quantdesk flows run weekly"


def risk_night(
    book: Annotated[
        str | None, typer.Argument(help="A book, such as core/model; every book without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the last night: every book in a line, or one with all that was tested of it."""
    from infra.bootstrap import open_desk
    from services.night_view import night_book, night_list

    with open_desk() as desk:
        if book is None:
            every = night_list(desk.results)
            show_json(every) if as_json else _show_list(every)
        else:
            one = night_book(desk.results, book)
            show_json(one) if as_json else _show_book(one)


def _show_list(night: "NightList") -> None:
    from risk.tested import ALL_TESTS
    from services.portfolios import label_of

    columns = ("book", "score", "level", "limits", "VaR 99%", "ES 99%", "zone", "Kupiec p",
               "best estimator", "tests", "weekly run")  # fmt: skip
    show_table(
        f"The night of {night.as_of}, the riskiest first",
        columns,
        [
            (
                label_of(line.book),
                f"{line.score:.0f}",
                line.level,
                line.limit_state,
                f"{line.value_at_risk:,.0f}",
                f"{line.expected_shortfall:,.0f}",
                line.zone,
                f"{line.kupiec_p:.2f}",
                line.best,
                f"{len(line.tests)} of {len(ALL_TESTS)}",
                _stamp(line),
            )
            for line in night.lines
        ],
        right=("score", "VaR 99%", "ES 99%", "Kupiec p"),
    )
    for item in night.failures:
        typer.echo(f"- {item.name} was not measured: {item.reason}")


def _stamp(line: "NightLine") -> str:
    from risk.tested import ALL_TESTS

    if line.weekly is not None:
        return line.weekly.as_of.isoformat()
    return "" if line.tests == ALL_TESTS else "none yet"


def _show_book(night: "NightBook") -> None:
    if night.row is None:
        typer.echo(f"{night.book} was not measured on {night.as_of}: {night.reason}")
        return
    row = night.row
    typer.echo(f"{night.book} on {night.as_of}: risk {row.score:.1f} of 100, {row.level}")
    typer.echo(row.level_reason)
    if row.evidence is not None:
        _show_evidence(row.evidence.methods, row.evidence.basis)
    else:
        _show_night_tests(row)
    typer.echo(_carried(row, night.weekly))


def _show_evidence(methods: "tuple[MethodEvidence, ...]", basis: str) -> None:
    columns = ("method", "VaR 99%", "ES 99%", "hits", "zone", "Kupiec p", "indep. p", "both p",
               "DQ p", "Z1 p", "Z2 p", "Z3 p", "loss")  # fmt: skip
    tests = ("kupiec_p", "independence_p", "coverage_p", "dynamic_quantile_p", "z1_p", "z2_p",
             "z3_p")  # fmt: skip
    show_table(
        f"Tested on {basis}",
        columns,
        [
            (
                m.method + (" *" if m.best else " +" if m.in_confidence_set else ""),
                f"{m.value_at_risk:,.0f}",
                f"{m.expected_shortfall:,.0f}",
                f"{m.backtest.exceedances}/{m.backtest.expected:.0f}",
                m.backtest.zone,
                *(_p(getattr(m.backtest, name)) for name in tests),
                f"{m.backtest.fissler_ziegel:.3f}",
            )
            for m in methods
            if m.confidence == _HEADLINE
        ],
        right=[name for name in columns if name not in {"method", "zone"}],
    )
    typer.echo("* lowest Fissler-Ziegel loss, + not told from it at 10%")


def _show_night_tests(row: "NightRow") -> None:
    columns = ("method", "VaR 99%", "ES 99%", "hits", "zone", "Kupiec p", "indep. p", "both p",
               "loss")  # fmt: skip
    show_table(
        f"Tested on today's book held constant over {row.methods[0].n_days} sessions",
        columns,
        [
            (
                m.method + (" *" if m.best else ""),
                f"{m.value_at_risk:,.0f}",
                f"{m.expected_shortfall:,.0f}",
                str(m.exceedances),
                m.zone,
                _p(m.kupiec_p),
                _p(m.christoffersen_p),
                _p(m.coverage_p),
                "" if m.fissler_ziegel is None else f"{m.fissler_ziegel:.3f}",
            )
            for m in row.methods
            if m.confidence == _HEADLINE
        ],
        right=[name for name in columns if name not in {"method", "zone"}],
    )
    typer.echo("* lowest Fissler-Ziegel loss")


def _carried(row: "NightRow", weekly: "WeeklyStamp | None") -> str:
    """Say which tests stand in the row, and what the long run says beside it."""
    from risk.tested import ALL_TESTS

    said = f"The row carries: {', '.join(row.tests)}."
    missing = [name for name in ALL_TESTS if name not in row.tests]
    if missing:
        said += f" Not in it: {', '.join(missing)}."
        said += f" The reason: {row.evidence_note}." if row.evidence_note else ""
    if weekly is None:
        return (
            said
            if not missing
            else said + f" No weekly long run has measured the book yet: {_WEEKLY}."
        )
    return (
        f"{said} The weekly long run of {weekly.as_of} ({weekly.n_days} sessions, at 99%): "
        f"{weekly.kupiec_rejected} of {weekly.n_methods} estimators rejected by Kupiec, "
        f"{weekly.z2_rejected} by Z2; best {weekly.best}."
    )


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
