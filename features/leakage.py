"""Proof that features and labels do not know the future.

What a feature says about session t may rest on nothing after t. This is not read off its
formula but tried: at random cut-offs the history is computed again without its future, and again
with a future that has been made up, and every value before the cut-off must be the same to the
bit. A label may look ahead, but only as far as the interval that it states. Last, a feature is
computed again from a later beginning: past its stated lookback it must not notice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import MissingDataError, RefusedError
from features.definitions import FeatureSet
from features.labels import Labels
from market.panel import Panel

# Relative difference that a later beginning may leave past the stated lookback.
WARM_UP_TOLERANCE = 1e-6
# Sessions that the proof looks at; more prove nothing new and cost time.
MAX_SESSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Leak:
    """One value that moved though nothing that it may rest on did.

    Attributes
    ----------
    subject : str
        The feature or label.
    trial : str
        `future removed`, `future changed`, `later beginning` or `interval`.
    symbol : str
    session, cut_off : datetime64[D]
        Where the value stands, and the last session that was left as it is (for `later
        beginning`: the first session of the shorter history).
    before, after : float
        The value from the whole history and in the trial.
    """

    subject: str
    trial: str
    symbol: str
    session: np.datetime64
    cut_off: np.datetime64
    before: float
    after: float

    def __str__(self) -> str:
        return (
            f"{self.subject} of {self.symbol} on {self.session} is {self.before:.6g}, but "
            f"{self.after:.6g} with {self.trial} ({self.cut_off})"
        )


@dataclass(frozen=True, slots=True)
class LeakageReport:
    """What was tried and what leaked; at most one leak for each subject and trial.

    Attributes
    ----------
    subjects : tuple of str
    trials : int
        How many times everything was computed again.
    leaks : tuple of Leak
    """

    subjects: tuple[str, ...]
    trials: int
    leaks: tuple[Leak, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing leaked."""
        return not self.leaks

    def require_clean(self) -> None:
        """Refuse to go on if anything leaked.

        Raises
        ------
        RefusedError
            With the first leak; training on it would learn the future.
        """
        if self.leaks:
            names = sorted({leak.subject for leak in self.leaks})
            raise RefusedError(
                f"{', '.join(names)} may not be used: {self.leaks[0]}; "
                "rest on earlier sessions only, or state a longer lookback"
            )


def prove_features(
    features: FeatureSet, panel: Panel, *, rng: np.random.Generator, cut_offs: int = 3
) -> LeakageReport:
    """Try every feature of the set at `cut_offs` random cut-offs, and from a later beginning.

    Raises
    ------
    MissingDataError
        If the panel is shorter than the set's lookback and twenty sessions.
    """
    shown = _recent(panel, MAX_SESSIONS + features.lookback)
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
        for trial, altered in _without_future(shown, int(cut), rng).items():
            again = features.compute(altered).values[:, :, : cut + 1]
            moved = ~_same(whole[:, :, : cut + 1], again)
            leaks += _leaks(features.names, trial, shown, int(cut), (whole, again, moved))
    leaks += _warm_up(features, shown, whole, rng)
    return LeakageReport(features.names, 2 * cut_offs + 1, _first_of_each(leaks))


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
    shown = _recent(panel, MAX_SESSIONS)
    whole = make(shown)
    position = np.arange(len(shown.sessions))
    known = ~np.isnan(whole.values)
    wrong = known & ((whole.start <= position) | (whole.end < whole.start))
    wrong |= known & (whole.end >= len(position))
    values = whole.values[None]
    leaks = _leaks((whole.name,), "interval", shown, -1, (values, values, wrong[None]))
    for cut in rng.integers(len(position) // 2, len(position), cut_offs):
        for trial, altered in _without_future(shown, int(cut), rng).items():
            again = make(altered).values[:, : cut + 1]
            settled = known[:, : cut + 1] & (whole.end[:, : cut + 1] <= cut)
            moved = settled & ~_same(whole.values[:, : cut + 1], again)
            leaks += _leaks(
                (whole.name,), trial, shown, int(cut), (values, again[None], moved[None])
            )
    if whole.lookback is not None:
        leaks += _label_warm_up(make, shown, whole, rng)
    trials = 2 * cut_offs + (whole.lookback is not None)
    return LeakageReport((whole.name,), trials, _first_of_each(leaks))


def _label_warm_up(
    make: Callable[[Panel], Labels], panel: Panel, whole: Labels, rng: np.random.Generator
) -> list[Leak]:
    """Make the label from a later beginning; past its lookback it may not notice."""
    n, ready = len(panel.sessions), whole.lookback or 0
    begin = int(rng.integers(1, max(n - ready - 10, 2)))
    again = make(panel.window(begin, n))
    before, after = whole.values[:, begin:], again.values
    moved = ~_same(before, after)
    known = ~np.isnan(before) & ~np.isnan(after)
    moved |= known & (again.start + begin != whole.start[:, begin:])
    moved |= known & (again.end + begin != whole.end[:, begin:])
    moved[:, :ready] = False
    shown = panel.window(begin, n)
    values = (before[None], after[None], moved[None])
    return _leaks((whole.name,), "later beginning", shown, 0, values)


def _without_future(panel: Panel, cut: int, rng: np.random.Generator) -> Mapping[str, Panel]:
    """Return the panel cut after position `cut`, and with made-up values after it."""
    changed = {name: _another_future(values, cut, rng) for name, values in panel.fields.items()}
    around = {name: _another_future(values, cut, rng) for name, values in panel.context.items()}
    return {
        "future removed": panel.window(0, cut + 1),
        "future changed": replace(panel, fields=changed, context=around),
    }


def _another_future(values: FloatArray, cut: int, rng: np.random.Generator) -> FloatArray:
    """Return another path with holes: what looks ahead, or counts what is there, must notice."""
    other = values.copy()
    future = other[:, cut + 1 :]
    future *= np.exp(rng.normal(0.0, 0.5, future.shape))
    future[rng.random(future.shape) < 0.1] = np.nan
    return other


def _warm_up(
    features: FeatureSet, panel: Panel, whole: FloatArray, rng: np.random.Generator
) -> list[Leak]:
    """Compute from a later beginning; past its lookback no feature may notice."""
    n = len(panel.sessions)
    begin = int(rng.integers(1, max(n - features.lookback - 10, 2)))
    again = features.compute(panel.window(begin, n)).values
    ready = np.array([feature.lookback for feature in features.features])
    settled = np.arange(n - begin)[None, :] >= ready[:, None]
    reference = whole[:, :, begin:]
    with np.errstate(invalid="ignore"):
        scale = np.nanmax(np.abs(reference), axis=(1, 2), initial=1e-300, keepdims=True)
        apart = np.abs(again - reference) > WARM_UP_TOLERANCE * np.maximum(
            np.abs(reference), 1e-3 * scale
        )
    apart |= np.isnan(again) != np.isnan(reference)
    moved = np.zeros(whole.shape, bool)
    moved[:, :, begin:] = apart & settled[:, None, :]
    padded = np.full_like(whole, np.nan)
    padded[:, :, begin:] = again
    return _leaks(features.names, "later beginning", panel, begin, (whole, padded, moved))


def _leaks(
    names: Sequence[str],
    trial: str,
    panel: Panel,
    cut: int,
    values: tuple[FloatArray, FloatArray, BoolArray],
) -> list[Leak]:
    """Return the last leak of each subject; `values` are before, after, and where they differ."""
    before, after, moved = values
    leaks = []
    for k, name in enumerate(names):
        places = np.argwhere(moved[k])
        if len(places):
            i, t = places[places[:, 1].argmax()]
            leaks.append(
                Leak(
                    name,
                    trial,
                    panel.symbols[i],
                    panel.sessions[t],
                    panel.sessions[cut],
                    float(before[k, i, t]),
                    float(after[k, i, t]),
                )
            )
    return leaks


def _first_of_each(leaks: Sequence[Leak]) -> tuple[Leak, ...]:
    found: dict[tuple[str, str], Leak] = {}
    for leak in leaks:
        found.setdefault((leak.subject, leak.trial), leak)
    return tuple(found.values())


def _same(a: FloatArray, b: FloatArray) -> BoolArray:
    """Return where two arrays hold the same bits, any NaN being like another."""
    same: BoolArray = np.ascontiguousarray(a).view(np.int64) == np.ascontiguousarray(b).view(
        np.int64
    )
    return same | (np.isnan(a) & np.isnan(b))


def _recent(panel: Panel, sessions: int) -> Panel:
    n = len(panel.sessions)
    return panel.window(max(n - sessions, 0), n)
