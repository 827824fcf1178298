"""The contracts of the simulated multi-asset market: what may be traded, and on which terms.

Futures and options expire on the third Friday of a quarter's last month. A quarter's options are
listed when the quarter before expires, struck around the close of that day, so that a longer
history leaves every earlier contract as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from basics.arrays import DateArray
from basics.instruments import (
    BondTerms,
    ExerciseStyle,
    Instrument,
    InstrumentKind,
    OptionRight,
    OptionTerms,
)

UNDERLYING = "SIM-EQ-US"
STRIKE_STEP = 5
CALL_MONEYNESS, PUT_MONEYNESS = 1.05, 0.95


@dataclass(frozen=True, slots=True)
class Quarter:
    """One cycle of contracts: listed at the close of `listed`, settled at that of `settled`.

    Attributes
    ----------
    listed, settled : int
        Positions among the sessions; `settled` is None while expiry lies ahead.
    """

    code: str
    expiry: date
    listed: int
    settled: int | None


def linear_instruments() -> tuple[Instrument, ...]:
    """Return what is priced by a close of its own."""
    tick = Decimal("0.0001")
    return (
        Instrument(symbol=UNDERLYING, sector="equity"),
        Instrument(symbol="SIM-EQ-SHORT", sector="equity"),
        Instrument(symbol="SIM-EQ-EU", currency="EUR", sector="equity"),
        Instrument(symbol="SIM-EQ-JP", currency="JPY", tick_size=Decimal(1), sector="equity"),
        Instrument(symbol="SIM-ETF-US", kind=InstrumentKind.ETF, sector="etf"),
        Instrument(
            symbol="SIM-EURUSD",
            kind=InstrumentKind.FX,
            tick_size=tick,
            lot_size=Decimal(1_000),
            sector="fx",
        ),
        Instrument(
            symbol="SIM-COIN",
            kind=InstrumentKind.CRYPTO,
            lot_size=Decimal("0.001"),
            sector="crypto",
        ),
    )


def bond_instruments(first_traded: date) -> tuple[Instrument, ...]:
    """Return a dollar, a euro and a yen bond, and a dollar note that matures within a year."""

    def bond(symbol: str, currency: str, rate: str, days: int) -> Instrument:
        terms = BondTerms(coupon_rate=Decimal(rate), maturity=first_traded + timedelta(days))
        return Instrument(
            symbol=symbol,
            kind=InstrumentKind.BOND,
            currency=currency,
            tick_size=Decimal("0.001"),
            bond=terms,
            sector="bond",
        )

    return (
        bond("SIM-BOND-US", "USD", "0.04", 365 * 8 + 40),
        bond("SIM-BOND-EU", "EUR", "0.03", 365 * 5 + 100),
        bond("SIM-BOND-JP", "JPY", "0.01", 365 * 10 + 70),
        bond("SIM-NOTE-US", "USD", "0.035", 285),
    )


def quarters(sessions: DateArray, first_traded: date) -> tuple[Quarter, ...]:
    """Return the cycles from the first session traded to the one that is listed last."""
    listed = int(np.searchsorted(sessions, np.datetime64(first_traded, "D")))
    found: list[Quarter] = []
    year, month = first_traded.year, 3 * ((first_traded.month - 1) // 3) + 3
    while listed < len(sessions):
        expiry = _third_friday(year, month)
        year, month = (year, month + 3) if month < 12 else (year + 1, 3)
        settled = int(np.searchsorted(sessions, np.datetime64(expiry, "D")))
        if settled <= listed:
            continue
        ahead = settled >= len(sessions)
        code = f"{expiry:%y%m}"
        found.append(Quarter(code, expiry, listed, None if ahead else settled))
        listed = settled
    return tuple(found)


def future(quarter: Quarter) -> Instrument:
    """Return the quarter's future on the simulated dollar index."""
    return Instrument(
        symbol=f"SIM-FUT-{quarter.code}",
        kind=InstrumentKind.FUTURE,
        multiplier=Decimal(50),
        tick_size=Decimal("0.25"),
        expiry=quarter.expiry,
        sector="future",
    )


def options(quarter: Quarter, spot: float) -> tuple[Instrument, Instrument]:
    """Return the quarter's European call and American put, struck around `spot`."""

    def option(name: str, moneyness: float, right: OptionRight, style: ExerciseStyle) -> Instrument:
        strike = STRIKE_STEP * round(spot * moneyness / STRIKE_STEP)
        return Instrument(
            symbol=f"SIM-{name}-{quarter.code}",
            kind=InstrumentKind.OPTION,
            multiplier=Decimal(100),
            expiry=quarter.expiry,
            option=OptionTerms(
                underlying=UNDERLYING,
                strike=Decimal(strike),
                expiry=quarter.expiry,
                right=right,
                style=style,
            ),
            sector="option",
        )

    return (
        option("CALL", CALL_MONEYNESS, OptionRight.CALL, ExerciseStyle.EUROPEAN),
        option("PUT", PUT_MONEYNESS, OptionRight.PUT, ExerciseStyle.AMERICAN),
    )


def first_of_months(sessions: DateArray, months: Sequence[int]) -> list[int]:
    """Return where the first session of each of the calendar `months` stands, after the first."""
    month = sessions.astype("datetime64[M]").astype(np.int64)
    starts = np.flatnonzero(np.diff(month, prepend=month[:1]))
    return [int(at) for at in starts if month[at] % 12 + 1 in months]


def _third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(4 - first.weekday()) % 7 + 14)
