"""The parameters of the day's batch: what a data scientist changes to make an experiment."""

from dataclasses import dataclass, field
from decimal import Decimal

from basics.errors import InvalidInputError
from models.price import PriceSpec
from services.multi_asset_rules import MultiAssetPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class DataParameters:
    """Which source is brought in, and which of its datasets the models learn from."""

    source: str = "sample"
    dataset: str = "equities"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingParameters:
    """How the last sessions out of sample are traded.

    Attributes
    ----------
    sessions : int
        How many of the last sessions are traded; 504 are two years.
    capital : int
        Money given to each strategy at the start, in the base currency.
    hold_sessions : int
        Sessions over which an opinion is held.
    volatility_target : float
        Yearly standard deviation aimed at.
    cap : float
        Largest weight of a symbol, as a fraction of a strategy's equity.
    band : float
        Distance from the target weight within which nothing is traded.
    """

    fund: str = "demo-fund"
    portfolio: str = "demo"
    account: str = "SIM-1"
    sessions: int = 504
    capital: int = 5_000_000
    hold_sessions: int = 5
    volatility_target: float = 0.10
    cap: float = 0.10
    band: float = 0.01

    def __post_init__(self) -> None:
        if self.sessions < 2:
            raise InvalidInputError(f"trading.sessions must be at least 2, got {self.sessions}")
        if self.capital <= 0:
            raise InvalidInputError(f"trading.capital must be positive, got {self.capital}")

    @property
    def capital_money(self) -> Decimal:
        """The capital as it is booked."""
        return Decimal(self.capital)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Everything that shapes the figures, besides data and code.

    Attributes
    ----------
    feature_set : str
        Name of the set the price model learns from.
    price : PriceSpec
        How the price model is trained and judged.
    multi_asset : MultiAssetPlan
        The demo portfolio of every kind of instrument, on a simulated market.
    """

    data: DataParameters = DataParameters()
    feature_set: str = "close_momentum"
    price: PriceSpec = field(default_factory=PriceSpec)
    trading: TradingParameters = TradingParameters()
    multi_asset: MultiAssetPlan = field(default_factory=MultiAssetPlan)
