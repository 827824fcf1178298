"""The feature sets by name."""

from collections.abc import Sequence

from basics.errors import MissingDataError
from features.catalogue import BUILDERS
from features.definitions import Feature, FeatureSet

__all__ = ["Feature", "FeatureSet", "feature_set", "feature_set_names", "find_feature"]


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


def find_feature(name: str) -> tuple[FeatureSet, Feature]:
    """Return the set and the feature that `SET.FEATURE` or `FEATURE` names.

    Without a set the first that has the feature, in alphabetical order, answers.

    Raises
    ------
    MissingDataError
        If there is no such set or feature.
    """
    if "." in name:
        set_name, feature_name = name.split(".", 1)
        found = feature_set(set_name)
        return found, found[feature_name]
    for each in map(feature_set, feature_set_names()):
        if name in each.names:
            return each, each[name]
    raise MissingDataError(
        f"no set has a feature {name!r}: `quantdesk features ls SET` lists the names"
    )
