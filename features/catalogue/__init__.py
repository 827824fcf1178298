"""The feature sets that ship; a new one is one module here and one line below."""

from collections.abc import Callable, Mapping

from features.catalogue.alpha158 import alpha157, alpha158
from features.catalogue.close_momentum import close_momentum
from features.catalogue.cross_section import cross_section
from features.catalogue.liquidity import liquidity
from features.catalogue.technical import technical
from features.catalogue.volatility import volatility
from features.definitions import FeatureSet

BUILDERS: Mapping[str, Callable[[], FeatureSet]] = {
    "alpha157": alpha157,
    "alpha158": alpha158,
    "close_momentum": close_momentum,
    "cross_section": cross_section,
    "liquidity": liquidity,
    "technical": technical,
    "volatility": volatility,
}
