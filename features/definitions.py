"""A feature is a named expression; a set is a named, versioned tuple of them.

The content hash of a set travels with every model that was trained on it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from basics.arrays import FloatArray, IntArray
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from features.calendars import CONTEXT_PREFIXES, PREFIXES, calendar_values
from features.evaluation import Plan, evaluate, first_bars, plan
from features.expressions import Expression, fields_of, lookback_of, warm_up_of
from features.panel import FeaturePanel
from market.panel import Panel

# A name with a number in it: what stands before the last one, the number, and what follows.
FAMILY = re.compile(r"(.*?)(\d+)(\D*)")

# Raised when an operator's arithmetic changes, so that stored features are computed again.
ARITHMETIC_VERSION = 2


@dataclass(frozen=True, slots=True)
class Feature:
    """One named column.

    Attributes
    ----------
    name : str
    expression : Expression
    meaning : str
        One sentence for people: what to see in the number.
    """

    name: str
    expression: Expression
    meaning: str = ""

    @property
    def formula(self) -> str:
        """The expression as text."""
        return self.expression.text

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the bars' fields that the feature reads; calendar and context are none."""
        return _bar_fields(fields_of([self.expression]))

    @property
    def beside(self) -> tuple[str, ...]:
        """Names of what the feature reads beside bars: calendar, series, reference data."""
        return tuple(n for n in fields_of([self.expression]) if n not in self.fields)

    @property
    def lookback(self) -> int:
        """Sessions before t that the value at t rests on."""
        return lookback_of([self.expression])

    @property
    def warm_up(self) -> int:
        """Sessions after a symbol's first bar until the feature has its full window."""
        return warm_up_of([self.expression])


@dataclass(frozen=True)
class FeatureSet:
    """An ordered tuple of features under a name and a version.

    Attributes
    ----------
    name : str
    version : int
    features : tuple of Feature
    complete_windows : bool
        If true, a feature is missing until its symbol has the `warm_up` of its history; if
        false, a window may be shorter near a symbol's first bar (qlib's rule).
    """

    name: str
    version: int
    features: tuple[Feature, ...]
    complete_windows: bool = False

    def __post_init__(self) -> None:
        if not self.features:
            raise InvalidInputError(f"feature set {self.name} holds no feature: add one")
        names = [feature.name for feature in self.features]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InvalidInputError(f"feature set {self.name} names {twice[0]} twice: rename one")
        if not self.fields:
            raise InvalidInputError(
                f"feature set {self.name} reads no field of the panel: add a feature that does"
            )

    @property
    def label(self) -> str:
        """Name and version, for example `close_momentum@1`."""
        return f"{self.name}@{self.version}"

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in order."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def content_hash(self) -> str:
        """What decides the values: names, formulas, versions; 64 hex digits."""
        formulas = [(feature.name, feature.formula) for feature in self.features]
        return content_hash(
            self.name, self.version, ARITHMETIC_VERSION, formulas, self.complete_windows
        )

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the bars' fields that the set reads, sorted."""
        return _bar_fields(self._names_read)

    @cached_property
    def calendar_fields(self) -> tuple[str, ...]:
        """Names of what the set reads off a session's date."""
        return tuple(name for name in self._names_read if name.startswith(PREFIXES))

    @cached_property
    def context_fields(self) -> tuple[str, ...]:
        """Names of what the set reads of the panel's context: other series, reference data."""
        return tuple(name for name in self._names_read if name.startswith(CONTEXT_PREFIXES))

    @cached_property
    def _names_read(self) -> tuple[str, ...]:
        return fields_of([feature.expression for feature in self.features])

    @cached_property
    def lookback(self) -> int:
        """Sessions before t that the values at t rest on."""
        return lookback_of([feature.expression for feature in self.features])

    @cached_property
    def plan(self) -> Plan:
        """The order of work, each distinct sub-expression once."""
        return plan([feature.expression for feature in self.features])

    def around(
        self, panel: Panel, *, dtype: npt.DTypeLike = np.float64
    ) -> Mapping[str, FloatArray]:
        """Return what the set reads beside the bars, each of shape (n_symbols or 1, n_sessions).

        Raises
        ------
        MissingDataError
            If the panel's context lacks it, or the calendar has no such field.
        """
        around = {
            name: calendar_values(name, panel.sessions)[None, :] for name in self.calendar_fields
        }
        for name in self.context_fields:
            if name not in panel.context:
                raise MissingDataError(
                    f"{self.label} reads {name}, which the panel's context does not have: read "
                    "the panel through the desk's feature store"
                )
            around[name] = panel.context[name]
        return {name: np.asarray(values, dtype) for name, values in around.items()}

    def __getitem__(self, name: str) -> Feature:
        """Return the feature `name`."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise MissingDataError(f"{self.label} has no feature {name!r}: see `quantdesk features ls`")

    def compute(
        self, panel: Panel, *, threads: int = 1, dtype: npt.DTypeLike = np.float64
    ) -> FeaturePanel:
        """Compute every feature over `panel`.

        Parameters
        ----------
        panel : Panel
            Must hold `fields`; more fields do no harm.
        threads : int
            Threads over chunks of symbols; the result does not depend on it.
        dtype : dtype
            float64, or float32 for half the memory and time at about seven digits.

        Returns
        -------
        FeaturePanel
            NaN where a symbol has no bar in a session or a feature is not defined.

        Raises
        ------
        MissingDataError
            If the panel lacks a field.
        """
        arrays = {name: np.asarray(panel[name], dtype) for name in self.fields}
        values = evaluate(
            self.plan, arrays, around=self.around(panel, dtype=dtype), threads=threads
        )
        if self.complete_windows:
            starts = first_bars(arrays)
            for feature, of_feature in zip(self.features, values, strict=True):
                _blank_warm_up(of_feature, starts + feature.warm_up)
        return FeaturePanel(
            self.names,
            panel.symbols,
            panel.sessions,
            values,
            self.label,
            self.content_hash,
            panel.simulated & frozenset(self.fields),
        )


def _bar_fields(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not name.startswith((*PREFIXES, *CONTEXT_PREFIXES)))


def _blank_warm_up(values: FloatArray, ready: IntArray) -> None:
    """Take back each symbol's values before column `ready`."""
    for row, column in zip(values, ready, strict=True):
        row[:column] = np.nan


def features(
    formulas: Mapping[str, Expression], meanings: Mapping[str, str] = MappingProxyType({})
) -> tuple[Feature, ...]:
    """Return features from a mapping of name to expression.

    Parameters
    ----------
    meanings : mapping of str to str
        A sentence for each name, or for a family of them: `{n}` in the name and in the sentence
        stands for the last number in a feature's name.
    """
    return tuple(
        Feature(name, expression, meaning_of(name, meanings))
        for name, expression in formulas.items()
    )


def meaning_of(name: str, meanings: Mapping[str, str]) -> str:
    """Return the sentence for the feature `name`, its own before its family's; empty if none.

    >>> meaning_of("return_20", {"return_{n}": "The return of {n} sessions."})
    'The return of 20 sessions.'
    """
    if name in meanings:
        return meanings[name]
    if (parts := FAMILY.fullmatch(name)) is None:
        return ""
    before, number, after = parts.groups()
    return meanings.get(f"{before}{{n}}{after}", "").replace("{n}", number)
