"""Breaches told once: raised when a limit is passed, cleared when the book is well inside again.

A book that hovers at its limit would otherwise raise an alert with every tick. A breach is raised
when the soft or the hard threshold is passed, again only if it gets worse, and cleared when the
value has fallen below the threshold by the hysteresis.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from risk.limits import LimitCheck, LimitState
from services.ports import Alert, Severity

RAISED, CLEARED = "risk.limit_breached", "risk.limit_cleared"
_RANK: Final = {LimitState.SOFT: 1, LimitState.HARD: 2}
_OF_RANK: Final = {rank: state for state, rank in _RANK.items()}


@dataclass(slots=True, kw_only=True)
class LimitWatch:
    """The breaches of one portfolio that stand.

    Attributes
    ----------
    hysteresis : float
        How far below a threshold a value must fall to clear it, a fraction of the threshold.
    standing : dict
        Rank of each breach that stands (1 soft, 2 hard), by limit.
    episodes : dict
        How often each limit was breached so far.
    """

    portfolio: str
    hysteresis: float = 0.05
    standing: dict[str, int] = field(default_factory=dict)
    episodes: dict[str, int] = field(default_factory=dict)

    def judge(self, checks: Iterable[LimitCheck], *, as_of: date, at: datetime) -> list[Alert]:
        """Return what there is to tell since the last call."""
        found = {_key(check): check for check in checks}
        told = [self._step(key, check, as_of, at) for key, check in found.items()]
        # What is no longer held is inside every limit.
        gone = [key for key in self.standing if key not in found]
        told += [self._clear(key, None, as_of, at) for key in gone]
        return [alert for alert in told if alert is not None]

    def kept(self) -> dict[str, Any]:
        """Return the state as plain values, for `restore`."""
        return {"standing": dict(self.standing), "episodes": dict(self.episodes)}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over a kept state: a breach told before a restart is not told again."""
        self.standing = {key: int(rank) for key, rank in kept["standing"].items()}
        self.episodes = {key: int(count) for key, count in kept["episodes"].items()}

    def _step(self, key: str, check: LimitCheck, as_of: date, at: datetime) -> Alert | None:
        before, size = self.standing.get(key, 0), abs(check.value)
        # What stands is left only below its threshold by a margin, so that hovering is silent.
        margin = 1.0 - self.hysteresis
        stands = 1 if before and size > margin * check.soft else 0
        if before == _RANK[LimitState.HARD] and size > margin * check.hard:
            stands = before
        rank = max(_RANK.get(check.state, 0), stands)
        if rank == 0:
            return self._clear(key, check, as_of, at) if before else None
        self.standing[key] = rank
        if before == 0:
            self.episodes[key] = self.episodes.get(key, 0) + 1
        return self._raise(key, check, as_of, at) if rank > before else None

    def _raise(self, key: str, check: LimitCheck, as_of: date, at: datetime) -> Alert:
        hard = check.state is LimitState.HARD
        name, threshold = check.state.value, check.hard if hard else check.soft
        return Alert(
            kind=RAISED,
            severity=Severity.CRITICAL if hard else Severity.WARNING,
            scope=self.portfolio,
            dedupe_key=f"{as_of}|{key}|{name}|{self.episodes[key]}",
            message=(
                f"{check.metric} of {check.scope} {check.name} is {check.value:.4g}, above the "
                f"{name} limit of {threshold:.4g} ({check.unit})"
            ),
            figures={
                "value": check.value,
                "threshold": threshold,
                "utilisation": check.utilisation,
                "state": name,
                "owner": check.owner,
            },
            raised_at=at,
        )

    def _clear(self, key: str, check: LimitCheck | None, as_of: date, at: datetime) -> Alert:
        rank = self.standing.pop(key)
        metric, scope, name = key.split("|", 2)
        now = "is not held any more" if check is None else f"is {check.value:.4g}, inside its limit"
        return Alert(
            kind=CLEARED,
            severity=Severity.INFO,
            scope=self.portfolio,
            dedupe_key=f"{as_of}|{key}|cleared|{self.episodes[key]}",
            message=f"{metric} of {scope} {name} {now}",
            figures={"value": None if check is None else check.value, "was": _OF_RANK[rank].value},
            raised_at=at,
        )


def _key(check: LimitCheck) -> str:
    return f"{check.metric}|{check.scope}|{check.name}"
