"""What a batch leaves in the Prefect UI: a table with every row, and a chart of the worst."""

from base64 import b64encode
from collections.abc import Sequence

from prefect.artifacts import create_image_artifact, create_table_artifact

from infra.report.svg_bars import svg_bars
from risk.profile import RiskProfile
from risk.tested import ALL_TESTS
from services.nightly_risk import NightReport, NightStress
from services.portfolios import label_of
from services.weekly_risk import WeeklyReport, summary_of

MOST_BARS = 20


def show_night(night: NightReport) -> None:
    """Leave every book's score and state, and a chart of the riskiest."""
    create_table_artifact(
        key="nightly-risk",
        table=[
            {
                "book": label_of(row.name),
                "score": round(row.score, 1),
                "level": row.level,
                "limits": row.limit_state,
                "past": ", ".join(row.breached),
                "Brier": _rounded(row.brier),
                "Brier of the base rate": _rounded(row.brier_climatology),
                "base rate": None if row.base_rate is None else f"{row.base_rate:.1%}",
                "tests": f"{len(row.tests)} of {len(ALL_TESTS)}",
                "weekly run": _stamp(night, row.name),
                "why": row.level_reason,  # Last: it is the longest.
            }
            for row in night.rows
        ]
        + [{"book": label_of(item.name), "failure": item.reason} for item in night.failures],
        description=f"Risk of every book on {night.as_of}; {night.measured} measured by this run",
    )
    _chart(
        "nightly-risk-chart",
        f"Risk score, the riskiest books on {night.as_of}",
        [(label_of(row.name), row.score, f"{row.score:.0f} {row.level}") for row in night.rows],
    )


def show_tails(profile: RiskProfile) -> None:
    """Leave the portfolio's tail by every method with its evidence, and a chart of it."""
    tested = {(b.estimator, b.confidence): b for b in profile.backtests}
    rows = [t for t in profile.tails if t.confidence == 0.99 and t.horizon_days == 1]
    create_table_artifact(
        key="value-at-risk",
        table=[
            {
                "method": t.method + (" (best)" if t.best else ""),
                "VaR 99%": round(t.value_at_risk),
                "ES 99%": round(t.expected_shortfall),
                **(
                    {"zone": test.zone, "Kupiec p": round(test.kupiec_p, 3),
                     "Z2 p": None if test.z2_p is None else round(test.z2_p, 3)}
                    if (test := tested.get((t.method, t.confidence)))
                    else {}
                ),
            }
            for t in rows
        ],
        description=f"{profile.scope} on {profile.as_of}: {profile.backtest_basis}",
    )  # fmt: skip
    _chart(
        "value-at-risk-chart",
        f"{profile.scope} on {profile.as_of}: 99% VaR by method, {profile.currency}",
        [(t.method, t.value_at_risk, f"{t.value_at_risk:,.0f}") for t in rows],
    )


def show_stress(books: Sequence[NightStress], as_of: object) -> None:
    """Leave the loss of every book under every scenario, and a chart of the worst."""
    results = [(label_of(book.name), result) for book in books for result in book.stresses]
    create_table_artifact(
        key="nightly-stress",
        table=[
            {
                "book": name,
                "scenario": result.title,
                "loss": f"{result.loss:,.0f}",
                "of equity": f"{result.loss_fraction:.2%}",
                "hit hardest": next(iter(result.contributions), ""),
            }
            for name, result in results
        ],
        description=f"Stress of every book on {as_of}; a loss is positive",
    )
    worst = sorted(results, key=lambda pair: -pair[1].loss_fraction)
    _chart(
        "nightly-stress-chart",
        f"P&L under stress on {as_of}, share of equity, the worst first",
        [
            (f"{name}: {result.title}", -result.loss_fraction, f"{-result.loss_fraction:.1%}")
            for name, result in worst
        ],
    )


def show_week(week: WeeklyReport) -> None:
    """Leave how every estimator did over all books, and a chart of who scored best."""
    methods = summary_of(week)["methods"]
    assert isinstance(methods, dict)
    create_table_artifact(
        key="weekly-risk",
        table=[{"method": name, **counts} for name, counts in methods.items()]
        + [{"book": label_of(item.name), "failure": item.reason} for item in week.failures],
        description=f"{len(week.rows)} books on {week.as_of}, {week.measured} measured by this "
        "run; kupiec and z2 count rejections at 5% among the tests",
    )
    _chart(
        "weekly-risk-chart",
        f"How often each estimator scored best, {week.as_of}",
        [(name, float(counts["best"]), str(counts["best"])) for name, counts in methods.items()],
    )


def _stamp(night: NightReport, book: str) -> str:
    stamp = night.weekly.get(book)
    if stamp is None:
        return "none yet"
    return (
        f"{stamp.as_of}: best {stamp.best}; of {stamp.n_methods} estimators Kupiec rejects "
        f"{stamp.kupiec_rejected}, Z2 {stamp.z2_rejected}"
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _chart(key: str, title: str, rows: Sequence[tuple[str, float, str]]) -> None:
    picture = b64encode(svg_bars(title, rows[:MOST_BARS]).encode()).decode()
    create_image_artifact(
        image_url=f"data:image/svg+xml;base64,{picture}", key=key, description=title
    )
