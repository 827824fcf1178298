"""Tables of the evidence on risk estimators and on the score, for the terminal."""

from typing import TYPE_CHECKING, Any

import typer

from quantdesk.output import show_table

if TYPE_CHECKING:
    from services.score_study import ScoreStudy

_HEADLINE = 0.99


def show_week(summary: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show how often each estimator scored best and was rejected, over all books of a week."""
    columns = ("method", "best", "in the set", "Kupiec rejects", "Z2 rejects", "of")
    names = ("best", "in_confidence_set", "kupiec", "z2", "tests")
    show_table(
        f"The long run of {summary['as_of']}: {summary['n_measured']} of "
        f"{summary['n_books']} books",
        columns,
        [
            (method, *(str(counts[name]) for name in names))
            for method, counts in summary["methods"].items()
        ],
        right=columns[1:],
    )
    for item in summary["failures"]:
        typer.echo(f"- {item['name']} was not measured: {item['reason']}")


def show_weekly_book(week: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show one book's long run."""
    if "reason" in week:
        typer.echo(f"{week['name']} was not measured: {week['reason']}")
        return
    columns = ("method", "confidence", "VaR", "ES", "hits", "Kupiec p", "Z1 p", "Z2 p", "Z3 p")
    show_table(
        f"{week['name']}: the weekly long run over {week['n_days']} sessions",
        columns,
        [
            (
                m["method"] + (" *" if m["best"] else " +" if m["in_confidence_set"] else ""),
                f"{m['confidence']:.1%}",
                f"{m['value_at_risk']:,.0f}",
                f"{m['expected_shortfall']:,.0f}",
                str(m["backtest"]["exceedances"]),
                *(
                    "" if m["backtest"][name] is None else f"{m['backtest'][name]:.3f}"
                    for name in ("kupiec_p", "z1_p", "z2_p", "z3_p")
                ),
            )
            for m in week["methods"]
        ],
        right=columns[1:],
    )
    typer.echo("* lowest Fissler-Ziegel loss, + not told from it at 10%")
    for row in week["thresholds"]:
        typer.echo(
            f"- Pareto above {row['quantile']:.1%} ({row['n_excesses']} losses): shape "
            f"{row['shape']:.2f} ({row['shape_error']:.2f}), distance {row['distance']:.3f}"
        )


def show_score_study(study: "ScoreStudy") -> None:
    """Show what the early part of history chooses, and how it did on the late part."""
    from risk.score import SHARED_INTERCEPT, SHARED_SLOPE

    show_table(
        f"Early: fitted before {study.fit_until}, judged until {study.chosen_until}",
        ("decay of the volatility", "skill, one curve for all", "a curve for each", "books"),
        [
            (f"{row.decay:.2f}", f"{row.skill:+.3f}", f"{row.own_skill:+.3f}", row.n_books)
            for row in study.early
        ],
        right=("skill, one curve for all", "a curve for each", "books"),
    )
    typer.echo(
        f"The early part chooses {study.chosen:.2f}; in use is {study.in_use:.2f}. The curve "
        f"fitted before {study.chosen_until} has intercept {study.intercept:.2f} and slope "
        f"{study.slope:.2f}; in use are {SHARED_INTERCEPT:.2f} and {SHARED_SLOPE:.2f}. Skill is "
        f"1 - Brier / Brier of always forecasting the frequency; a breach is a drawdown of "
        f"{study.drawdown_limit:.0%} within 20 sessions."
    )
    columns = ("late", "had a say", "days", "base rate", "Brier", "of the base rate", "skill")
    show_table(
        f"Late: the curve in use, fitted before {study.chosen_until}, judged after",
        (*columns, "forecast > observed, the top three tenths"),
        [
            (
                row.name,
                "no" if row.untouched else "early part",
                row.n_days,
                f"{row.base_rate:.1%}",
                f"{row.brier:.4f}",
                f"{row.brier_climatology:.4f}",
                f"{row.skill:+.2f}",
                ", ".join(f"{b.forecast:.0%}>{b.observed:.0%}" for b in row.reliability[-3:]),
            )
            for row in study.late
        ],
        right=columns[2:],
    )
