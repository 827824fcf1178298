"""The feature sets by name."""

from collections.abc import Sequence

from basics.errors import MissingDataError
from features.catalogue import BUILDERS
from features.definitions import Feature, FeatureSet

__all__ = ["Feature", "FeatureSet", "feature_set", "feature_set_names"]


def feature_set(name: str) -> FeatureSet:
    """Return the feature set `name`.

    Raises
    ------
    MissingDataError
        If no set has that name.
    """
    if name not in BUILDERS:
        raise MissingDataError(
            f"there is no feature set {name!r}; there are {', '.join(feature_set_names())}"
        )
    return BUILDERS[name]()


def feature_set_names() -> Sequence[str]:
    """Return the names of all sets, sorted."""
    return sorted(BUILDERS)
