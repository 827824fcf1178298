"""What a proof of leaks tries, and how it tells what leaked: the parts of `features.leakage`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from basics.arrays import BoolArray, FloatArray
from basics.errors import RefusedError
from market.panel import Panel


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


def without_future(panel: Panel, cut: int, rng: np.random.Generator) -> Mapping[str, Panel]:
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


def leaks_of(
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


def first_of_each(leaks: Sequence[Leak]) -> tuple[Leak, ...]:
    """Return the first leak of each subject and trial."""
    found: dict[tuple[str, str], Leak] = {}
    for leak in leaks:
        found.setdefault((leak.subject, leak.trial), leak)
    return tuple(found.values())


def same_bits(a: FloatArray, b: FloatArray) -> BoolArray:
    """Return where two arrays hold the same bits, any NaN being like another."""
    same: BoolArray = np.ascontiguousarray(a).view(np.int64) == np.ascontiguousarray(b).view(
        np.int64
    )
    return same | (np.isnan(a) & np.isnan(b))


def newest_sessions(panel: Panel, sessions: int) -> Panel:
    """Return the last `sessions` of the panel."""
    n = len(panel.sessions)
    return panel.window(max(n - sessions, 0), n)
