"""`quantdesk risk measures`: the single numbers of a book, each with what it is."""

from typing import Any

import typer

from quantdesk.output import show_table

Row = tuple[str, str, str]
_YEARLY = "yearly, the book's own life, risk-free rate of zero"
_NOT_MEASURED = "not measured"


def show_measures(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show drawdown, beta, concentration, correlation, liquidity and the shape of the tail."""
    rows = [*_of_its_life(profile), *_of_the_market(profile), *_of_liquidity(profile)]
    show_table(
        f"{profile['scope']} on {profile['as_of']}: the book in single numbers",
        ("measure", "value", "what it is"),
        rows,
        right=("value",),
    )
    shape = profile.get("tail_shape")
    if shape is None:
        typer.echo("The tail was not measured: the history is too short.")
    else:
        _show_tail(shape, profile["currency"])


def _of_its_life(profile: Any) -> list[Row]:  # noqa: ANN401
    m = profile["measures"]
    return [
        ("drawdown now", _percent(m["drawdown"]), "of the equity curve, from its highest"),
        ("largest drawdown", _percent(m["max_drawdown"]), ""),
        ("drawdown at risk 95%", _percent(m["drawdown_at_risk"]), "19 of 20 sessions kept within"),
        ("conditional drawdown at risk 95%", _percent(m["conditional_drawdown_at_risk"]),
         "mean of the sessions beyond"),
        ("volatility", _percent(m["volatility"]), "yearly, today's book over the lookback"),
        ("Sharpe ratio", _number(m["sharpe"]), _YEARLY),
        ("Sortino ratio", _number(m["sortino"]), _YEARLY),
        ("Calmar ratio", _number(m["calmar"]), "yearly growth over the largest drawdown"),
    ]  # fmt: skip


def _of_the_market(profile: Any) -> list[Row]:  # noqa: ANN401
    m, size = profile["measures"], profile["exposure"]
    return [
        ("beta", _number(m["beta"]), "least squares, of the book's value"),
        ("beta, shrunk", _number(m["shrunk_beta"]), "two thirds of each, and a third (Blume)"),
        ("beta, downside", _number(m["downside_beta"]), "on the market's days below its mean"),
        ("HHI", _number(size["hhi"], 3), "sum of squared shares of gross, 1 is one position"),
        ("effective number of names", _number(size["effective_names"], 1), "1 / HHI"),
        ("effective number of bets", _number(m["effective_bets"], 1),
         "independent sources of the variance"),
        ("average correlation", _number(m["average_correlation"]), "between the holdings"),
        ("absorption ratio", _percent(m["absorption_ratio"]),
         "variance that a fifth of the principal components holds"),
        ("correlation break, p", _p(m["correlation_break_p"]),
         "last 126 sessions against those before"),
    ]  # fmt: skip


def _of_liquidity(profile: Any) -> list[Row]:  # noqa: ANN401
    m, currency = profile["measures"], profile["currency"]
    return [
        ("longest days to liquidate", _number(m["longest_days_to_liquidate"]),
         "at 10% of the traded volume"),
        ("cost of liquidation", _money(m["liquidation_cost"]), f"{currency}: spread and impact"),
        ("of it spread", _money(m["spread_cost"]), currency),
        ("liquidity-adjusted VaR 99%", _money(m["liquidity_adjusted_var"]),
         f"{currency}: historical VaR and the cost of liquidation"),
        ("chance of a drawdown breach", _percent(m["breach_probability"]), "within 20 sessions"),
    ]  # fmt: skip


def _show_tail(shape: Any, currency: str) -> None:  # noqa: ANN401
    error = _number(shape["pareto_shape_error"])
    show_table(
        "The tail of today's book",
        ("measure", "value", "what it is"),
        [
            ("Hill index", _number(shape["hill"]), "worst 5% of the losses; lower is heavier"),
            ("Pareto shape", f"{_number(shape['pareto_shape'])} ({error})",
             "peaks over the 90% threshold, with its error; above zero is heavy"),
            ("tail ratio", _number(shape["tail_ratio"]),
             "95% quantile over the 5% one; above 1 gains reach further"),
            ("tail dependence on the market", _number(shape["market_tail_dependence"]),
             "both among their worst 5%; 0.05 when independent"),
            ("tail dependence of the holdings", _number(shape["average_tail_dependence"]),
             "mean over the pairs"),
        ],
        right=("value",),
    )  # fmt: skip
    columns = ("threshold", f"loss, {currency}", "beyond", "shape", "error", "modified scale",
               "mean excess", "distance")  # fmt: skip
    show_table(
        "Is the threshold high enough? (above a good one shape and modified scale hold still)",
        columns,
        [
            (
                f"{row['quantile']:.1%}",
                _money(row["threshold"]),
                str(row["n_excesses"]),
                _number(row["shape"]),
                _number(row["shape_error"]),
                _money(row["modified_scale"]),
                _money(row["mean_excess"]),
                _number(row["distance"], 3),
            )
            for row in shape["thresholds"]
        ],
        right=columns,
    )


def _percent(value: float | None) -> str:
    return _NOT_MEASURED if value is None else f"{value:.2%}"


def _number(value: float | None, digits: int = 2) -> str:
    return _NOT_MEASURED if value is None else f"{value:.{digits}f}"


def _money(value: float | None) -> str:
    return _NOT_MEASURED if value is None else f"{value:,.0f}"


def _p(value: float | None) -> str:
    if value is None:
        return _NOT_MEASURED
    return "<0.001" if value < 0.001 else f"{value:.3f}"
