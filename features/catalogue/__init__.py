"""The feature sets that ship; a new one is one module here and one line below."""

from collections.abc import Callable, Mapping

from features.catalogue.close_momentum import close_momentum
from features.definitions import FeatureSet

BUILDERS: Mapping[str, Callable[[], FeatureSet]] = {
    "close_momentum": close_momentum,
}
