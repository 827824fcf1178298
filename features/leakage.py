"""Proof that features and labels do not know the future.

What a feature says about session t may rest on nothing after t. This is not read off its
formula but tried: at random cut-offs the history is computed again without its future, and again
with a future that has been made up, and every value before the cut-off must be the same to the
bit. A label may look ahead, but only as far as the interval that it states. Last, a feature or a
label is computed again from a later beginning: past its stated lookback it must not notice.
"""

from collections.abc import Callable

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import MissingDataError
from features.definitions import FeatureSet
from features.labels import Labels
from features.leak_trials import (
    Leak,
    LeakageReport,
    first_of_each,
    leaks_of,
    newest_sessions,
    same_bits,
    without_future,
)
from features.panel import FeaturePanel
from market.panel import Panel

__all__ = ["Leak", "LeakageReport", "prove_features", "prove_labels", "prove_panel"]

# Relative difference that a later beginning may leave past the stated lookback.
WARM_UP_TOLERANCE = 1e-6
# Sessions that the proof looks at; more prove nothing new and cost time.
MAX_SESSIONS = 1_000


def prove_features(
    features: FeatureSet, panel: Panel, *, rng: np.random.Generator, cut_offs: int = 3
) -> LeakageReport:
    """Try every feature of the set at `cut_offs` random cut-offs, and from a later beginning.

    Raises
    ------
    MissingDataError
        If the panel is shorter than the set's lookback and twenty sessions.
    """
    shown = newest_sessions(panel, MAX_SESSIONS + features.lookback)
    if len(shown.sessions) < features.lookback + 20:
        raise MissingDataError(
            f"{len(shown.sessions)} sessions cannot prove {features.label}, whose lookback is "
            f"{features.lookback}: give at least {features.lookback + 20}"
        )
    whole = features.compute(shown).values
    leaks: list[Leak] = []
    # Past the lookback, where the values are there to be compared.
    low = min(features.lookback, len(shown.sessions) - 10)
    for cut in rng.integers(low, len(shown.sessions), cut_offs):
        for trial, altered in without_future(shown, int(cut), rng).items():
            again = features.compute(altered).values[:, :, : cut + 1]
            moved = ~same_bits(whole[:, :, : cut + 1], again)
            leaks += leaks_of(features.names, trial, shown, int(cut), (whole, again, moved))
    leaks += _warm_up(features, shown, whole, rng)
    return LeakageReport(features.names, 2 * cut_offs + 1, first_of_each(leaks))


def prove_panel(
    make: Callable[[Panel], FeaturePanel],
    panel: Panel,
    *,
    rng: np.random.Generator,
    cut_offs: int = 3,
    lookback: int | None = None,
) -> LeakageReport:
    """Try features that a function makes of a panel, as some kinds of model have them.

    Parameters
    ----------
    lookback : int, optional
        Sessions before t that every value rests on, tried from a later beginning; left out where
        they rest on the whole past, as a model fitted on it does.
    """
    shown = newest_sessions(panel, MAX_SESSIONS + (lookback or 0))
    whole = make(shown)
    leaks: list[Leak] = []
    for cut in rng.integers(len(shown.sessions) // 2, len(shown.sessions), cut_offs):
        for trial, altered in without_future(shown, int(cut), rng).items():
            again = make(altered).values[:, :, : cut + 1]
            moved = ~same_bits(whole.values[:, :, : cut + 1], again)
            leaks += leaks_of(whole.names, trial, shown, int(cut), (whole.values, again, moved))
    if lookback is not None:
        begin = _later_beginning(shown, lookback, rng)
        again = make(shown.window(begin, len(shown.sessions))).values
        ready = np.full(len(whole.names), lookback)
        leaks += _unsettled(whole.names, shown, (whole.values, again), begin, ready)
    trials = 2 * cut_offs + (lookback is not None)
    return LeakageReport(whole.names, trials, first_of_each(leaks))


def prove_labels(
    make: Callable[[Panel], Labels],
    panel: Panel,
    *,
    rng: np.random.Generator,
    cut_offs: int = 3,
) -> LeakageReport:
    """Try that a label rests on nothing past the end of its interval, which begins after t.

    Where the label states its lookback, it is also made from a later beginning, of which it may
    notice nothing past that: neither its value nor its interval.
    """
    shown = newest_sessions(panel, MAX_SESSIONS)
    whole = make(shown)
    if whole.lookback:
        shown = newest_sessions(panel, MAX_SESSIONS + whole.lookback)
        whole = make(shown)
    position = np.arange(len(shown.sessions))
    known = ~np.isnan(whole.values)
    wrong = known & ((whole.start <= position) | (whole.end < whole.start))
    wrong |= known & (whole.end >= len(position))
    values = whole.values[None]
    leaks = leaks_of((whole.name,), "interval", shown, -1, (values, values, wrong[None]))
    for cut in rng.integers(len(position) // 2, len(position), cut_offs):
        for trial, altered in without_future(shown, int(cut), rng).items():
            again = make(altered).values[:, : cut + 1]
            settled = known[:, : cut + 1] & (whole.end[:, : cut + 1] <= cut)
            moved = settled & ~same_bits(whole.values[:, : cut + 1], again)
            leaks += leaks_of(
                (whole.name,), trial, shown, int(cut), (values, again[None], moved[None])
            )
    if whole.lookback is not None:
        leaks += _label_warm_up(make, shown, whole, rng)
    trials = 2 * cut_offs + (whole.lookback is not None)
    return LeakageReport((whole.name,), trials, first_of_each(leaks))


def _label_warm_up(
    make: Callable[[Panel], Labels], panel: Panel, whole: Labels, rng: np.random.Generator
) -> list[Leak]:
    """Make the label from a later beginning; past its lookback it may not notice.

    The lookback counts sessions in which the symbol has a bar: what is missing is passed over.
    """
    n, ready = len(panel.sessions), whole.lookback or 0
    begin = _later_beginning(panel, ready, rng)
    shown = panel.window(begin, n)
    again = make(shown)
    before, after = whole.values[:, begin:], again.values
    moved = _apart(before, after, np.abs(before))
    known = ~np.isnan(before) & ~np.isnan(after)
    moved |= known & (again.start + begin != whole.start[:, begin:])
    moved |= known & (again.end + begin != whole.end[:, begin:])
    there = np.logical_or.reduce([np.isfinite(values) for values in shown.fields.values()])
    moved &= np.cumsum(there, axis=1) > ready
    return leaks_of(
        (whole.name,), "later beginning", shown, 0, (before[None], after[None], moved[None])
    )


def _warm_up(
    features: FeatureSet, panel: Panel, whole: FloatArray, rng: np.random.Generator
) -> list[Leak]:
    """Compute from a later beginning; past its lookback no feature may notice."""
    begin = _later_beginning(panel, features.lookback, rng)
    again = features.compute(panel.window(begin, len(panel.sessions))).values
    ready = np.array([feature.lookback for feature in features.features])
    return _unsettled(features.names, panel, (whole, again), begin, ready)


def _unsettled(
    names: tuple[str, ...],
    panel: Panel,
    values: tuple[FloatArray, FloatArray],
    begin: int,
    ready: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> list[Leak]:
    """Return where values of the whole and of the shorter history differ once they are `ready`."""
    whole, again = values
    settled = np.arange(again.shape[2])[None, :] >= ready[:, None]
    reference = whole[:, :, begin:]
    scale = np.nanmax(np.abs(reference), axis=(1, 2), initial=1e-300, keepdims=True)
    apart = _apart(reference, again, np.maximum(np.abs(reference), 1e-3 * scale))
    moved = np.zeros(whole.shape, bool)
    moved[:, :, begin:] = apart & settled[:, None, :]
    padded = np.full_like(whole, np.nan)
    padded[:, :, begin:] = again
    return leaks_of(names, "later beginning", panel, begin, (whole, padded, moved))


def _apart(before: FloatArray, after: FloatArray, size: FloatArray) -> BoolArray:
    """Return where two arrays differ by more than a later beginning may leave of `size`."""
    with np.errstate(invalid="ignore"):
        apart: BoolArray = np.abs(after - before) > WARM_UP_TOLERANCE * size
    apart |= np.isnan(after) != np.isnan(before)
    return apart


def _later_beginning(panel: Panel, lookback: int, rng: np.random.Generator) -> int:
    return int(rng.integers(1, max(len(panel.sessions) - lookback - 10, 2)))
