"""The feature sets that ship; a new one is one module here and one line below."""

from collections.abc import Callable, Mapping

from features.catalogue.alpha158 import alpha157, alpha158
from features.catalogue.close_momentum import close_momentum
from features.catalogue.cross_section import cross_section
from features.catalogue.exchange_days import exchange_days
from features.catalogue.factor_betas import factor_betas
from features.catalogue.liquidity import liquidity
from features.catalogue.sector_neutral import sector_neutral
from features.catalogue.technical import technical
from features.catalogue.volatility import volatility
from features.definitions import FeatureSet

BUILDERS: Mapping[str, Callable[[], FeatureSet]] = {
    "alpha157": alpha157,
    "alpha158": alpha158,
    "close_momentum": close_momentum,
    "cross_section": cross_section,
    "exchange_days": exchange_days,
    "factor_betas": factor_betas,
    "liquidity": liquidity,
    "sector_neutral": sector_neutral,
    "technical": technical,
    "volatility": volatility,
}
