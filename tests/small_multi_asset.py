"""A small multi-asset market and a book in it, written down for tests of pricing and risk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from basics.instruments import (
    BondTerms,
    ExerciseStyle,
    Instrument,
    InstrumentKind,
    OptionRight,
    OptionTerms,
)
from market.multi_asset import MarketMoves, MarketSnapshot
from measures.bonds import ZeroCurve

CURVE_YEARS = np.array([0.25, 1.0, 2.0, 5.0, 10.0, 30.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallMarket:
    """A seeded multi-asset market and a book in it; nothing here was observed.

    Attributes
    ----------
    quantities : mapping of symbol to signed quantity
    history : MarketMoves
        One scenario a simulated day, oldest first.
    """

    instruments: tuple[Instrument, ...]
    quantities: Mapping[str, float]
    snapshot: MarketSnapshot
    history: MarketMoves


def small_multi_asset_market(
    rng: np.random.Generator, *, as_of: date, n_days: int = 1_000
) -> SmallMarket:
    """Simulate a market of every kind of instrument, in two currencies, and a book in it.

    Returns are Student t with five degrees around one common factor; curves move in level and
    slope; volatilities rise when the market falls.
    """
    common = rng.standard_t(5, size=n_days) * 0.008
    own = rng.standard_t(5, size=(5, n_days))
    level, slope = rng.normal(size=(2, 2, n_days))
    tilt = np.linspace(-1.0, 1.0, len(CURVE_YEARS))[:, None]
    curve_moves = [4e-4 * a + 2e-4 * tilt * b for a, b in zip(level, slope, strict=True)]
    spike = np.clip(-4.0 * common + 0.02 * own[4], -0.4, 1.5)
    base = 0.03 + 0.01 * (1.0 - np.exp(-CURVE_YEARS / 5.0))
    instruments = _instruments(as_of)
    return SmallMarket(
        instruments=instruments,
        quantities={
            "SIM-EQ": 2_000.0,
            "SIM-ETF": 1_500.0,
            "SIM-EUR-EQ": 1_000.0,
            "SIM-FUT": -5.0,
            "SIM-EURUSD": 100_000.0,
            "SIM-COIN": 3.0,
            "SIM-BOND": 2_000.0,
            "SIM-EUR-BOND": 1_500.0,
            "SIM-CALL": -20.0,
            "SIM-PUT": 30.0,
        },
        snapshot=MarketSnapshot(
            as_of=as_of,
            base_currency="USD",
            prices={
                "SIM-EQ": 120.0,
                "SIM-ETF": 80.0,
                "SIM-EUR-EQ": 60.0,
                "SIM-FUT": 4_000.0,
                "SIM-EURUSD": 1.1,
                "SIM-COIN": 20_000.0,
            },
            fx={"EUR": 1.1},
            curves={
                "USD": ZeroCurve(CURVE_YEARS, base),
                "EUR": ZeroCurve(CURVE_YEARS, base - 0.01),
            },
            volatilities={"SIM-CALL": 0.24, "SIM-PUT": 0.28},
            dividends={"SIM-EQ": 0.015},
        ),
        history=MarketMoves(
            n_scenarios=n_days,
            prices={
                "SIM-EQ": 1.2 * common + 0.010 * own[0],
                "SIM-ETF": common,
                "SIM-EUR-EQ": 0.9 * common + 0.009 * own[1],
                "SIM-FUT": common,
                "SIM-EURUSD": 0.15 * common + 0.004 * own[2],
                "SIM-COIN": 1.5 * common + 0.03 * own[3],
            },
            fx={"EUR": 0.15 * common + 0.004 * own[2]},
            curves={"USD": curve_moves[0], "EUR": curve_moves[1]},
            volatilities={"SIM-EQ": spike},
        ),
    )


def _instruments(as_of: date) -> tuple[Instrument, ...]:
    def bond(symbol: str, currency: str, years: int) -> Instrument:
        terms = BondTerms(
            coupon_rate=Decimal("0.04"), maturity=as_of + timedelta(days=365 * years + 40)
        )
        return Instrument(symbol=symbol, kind=InstrumentKind.BOND, currency=currency, bond=terms)

    def option(symbol: str, strike: int, right: OptionRight, style: ExerciseStyle) -> Instrument:
        return Instrument(
            symbol=symbol,
            kind=InstrumentKind.OPTION,
            multiplier=Decimal(100),
            option=OptionTerms(
                underlying="SIM-EQ",
                strike=Decimal(strike),
                expiry=as_of + timedelta(days=120),
                right=right,
                style=style,
            ),
        )

    return (
        Instrument(symbol="SIM-EQ"),
        Instrument(symbol="SIM-ETF", kind=InstrumentKind.ETF),
        Instrument(symbol="SIM-EUR-EQ", currency="EUR"),
        Instrument(symbol="SIM-FUT", kind=InstrumentKind.FUTURE, multiplier=Decimal(50)),
        Instrument(symbol="SIM-EURUSD", kind=InstrumentKind.FX),
        Instrument(symbol="SIM-COIN", kind=InstrumentKind.CRYPTO),
        bond("SIM-BOND", "USD", 7),
        bond("SIM-EUR-BOND", "EUR", 4),
        option("SIM-CALL", 125, OptionRight.CALL, ExerciseStyle.EUROPEAN),
        option("SIM-PUT", 115, OptionRight.PUT, ExerciseStyle.AMERICAN),
    )
