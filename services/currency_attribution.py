"""The split of an excess return by currency, as a document of plain values."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyMarket:
    """What one currency did to the excess return over the benchmark; fractions.

    Attributes
    ----------
    portfolio_weight, benchmark_weight : float
        Mean shares of capital over the span.
    """

    currency: str
    portfolio_weight: float
    benchmark_weight: float
    allocation: float
    selection: float
    interaction: float
    forward_premium: float
    currency_management: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyAttribution:
    """The excess return of a span by currency and effect; effects plus residual sum to it."""

    benchmark_name: str
    method: str
    start: date
    end: date
    markets: tuple[CurrencyMarket, ...]
    portfolio_return: float
    benchmark_return: float
    excess: float
    residual: float
