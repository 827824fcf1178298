"""Tables of `risk show` for books that hold options, bonds and currencies."""

from typing import Any

from quantdesk.output import show_table


def show_instruments(profile: Any) -> None:  # noqa: ANN401 - a stored JSON document
    """Show greeks, bond and currency sensitivities where the profile has them."""
    found = profile.get("instruments")
    if found is None:
        return
    currency = profile["currency"]
    _show(
        f"Options and their greeks, {currency}: vega a point, theta a day, rho a basis point",
        ("option", "value", "delta", "gamma", "vega", "theta", "rho"),
        [
            (row["symbol"], *_numbers(row, "value", "delta", "gamma", "vega", "theta", "rho"))
            for row in found["options"]
        ],
    )
    nodes = tuple(f"{years:g}y" for years in found["curve_years"])
    _show(
        f"Bonds, {currency}: loss when rates rise by a basis point, by node",
        ("bond", "value", "duration", "convexity", "DV01", *nodes),
        [
            (
                row["symbol"],
                *_numbers(row, "value"),
                f"{row['duration']:.2f}",
                f"{row['convexity']:.1f}",
                *_numbers(row, "dv01"),
                *(f"{value:,.0f}" for value in row["key_rate_dv01"]),
            )
            for row in found["bonds"]
        ],
    )
    _show(
        "What stands in each currency",
        ("currency", "rate", f"net value, {currency}"),
        [
            (row["currency"], f"{row['rate']:.5f}", f"{row['net_value']:,.0f}")
            for row in found["currencies"]
        ],
    )
    _show(
        "Full revaluation beside delta, gamma and vega",
        ("of", "confidence", "VaR", "VaR by greeks", "ES", "ES by greeks"),
        [
            (
                row["of"],
                f"{row['confidence']:.1%}",
                *_numbers(row, "revalued_var", "greeks_var", "revalued_es", "greeks_es"),
            )
            for row in found["approximations"]
        ],
    )


def _show(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if rows:
        show_table(title, columns, rows, right=columns[1:])


def _numbers(row: Any, *names: str) -> tuple[str, ...]:  # noqa: ANN401 - a stored JSON document
    return tuple(f"{row[name]:,.0f}" for name in names)
