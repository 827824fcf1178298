"""From the lake to what each kind of model is trained on."""

from dataclasses import replace
from datetime import date

from features.labels import forward_return
from market.panel import Panel
from models.price import PriceSpec
from models.volatility import VolatilitySpec, variance_ratio, volatility_features
from services.feature_store import FeatureStore
from services.market_data import MarketData
from services.training_inputs import TrainingInputs

# Sessions with observed open, high and low of both indices.
RANGES_FROM, RANGES_TO = date(1999, 1, 4), date(2018, 12, 31)
OHLC = ("open", "high", "low", "close")


def closes(market: MarketData, dataset: str) -> Panel:
    """Return the closes of a dataset: the field that is observed everywhere."""
    return market.panel(dataset, fields=("close",))


def price_inputs(
    market: MarketData, features: FeatureStore, *, dataset: str, feature_set: str, spec: PriceSpec
) -> TrainingInputs:
    """Return what the price model is trained on."""
    return TrainingInputs(
        features=features.panel(feature_set, dataset),
        outcome=forward_return(
            closes(market, dataset), horizon=spec.horizon, entry_lag=spec.entry_lag
        ),
        data_version=market.version(dataset),
        spec=spec,
    )


def volatility_inputs(
    market: MarketData, *, dataset: str, ranges: bool, spec: VolatilitySpec
) -> TrainingInputs:
    """Return what the volatility model is trained on.

    Parameters
    ----------
    ranges : bool
        Use open, high and low: only where they are observed, over the sessions that have them.
    """
    # Another universe is another model: their predictions share no rows to be compared on.
    name = spec.name if dataset == "equities" and not ranges else f"{spec.name}_{dataset}"
    spec = replace(spec, name=f"{name}_ranges" if ranges else name)
    if ranges:
        panel = market.panel(dataset, fields=OHLC, start=RANGES_FROM, end=RANGES_TO)
        # Two refits of GARCH must lie before the test.
        spec = replace(spec, first_test_year=max(spec.first_test_year, 2006))
    else:
        panel = closes(market, dataset)
    return TrainingInputs(
        features=volatility_features(panel, ranges=ranges),
        outcome=variance_ratio(panel, horizon=spec.horizon),
        data_version=market.version(dataset),
        spec=spec,
    )
