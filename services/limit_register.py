"""The limit register: which limits are in force, who raised one and until when, what was breached.

The policy file is the seed: when its content changes a new version is recorded and the earlier
ones stay. Overrides are granted for a time with a reason, and attach to the limits they raise.
A breach is logged once a day, limit and threshold, and stays open until somebody acknowledges it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from basics.clock import Clock
from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash, short_id
from risk.limits import Limit, LimitCheck, Override, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedOverride:
    """An override of one limit, as it was granted."""

    override_id: str
    metric: str
    scope: Scope
    name: str
    override: Override
    granted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A soft or hard threshold that was passed on a day.

    Attributes
    ----------
    acknowledged_at : datetime or None
        None while it is open.
    """

    breach_id: str
    portfolio: str
    as_of: date
    metric: str
    scope: str
    name: str
    value: float
    hard: float
    state: str
    seen_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None


class LimitStore(Protocol):
    """Keeps versions of the limits, overrides and breaches."""

    def record(self, limits: Sequence[Limit], content_hash: str, at: datetime) -> int:
        """Keep the limits as the newest version, unless that content is known; return it."""
        ...

    def limits(self, version: int) -> Sequence[Limit]:
        """Return the limits of a version without overrides; `MissingDataError` if unknown."""
        ...

    def grant(self, granted: GrantedOverride) -> None:
        """Keep an override."""
        ...

    def overrides(self) -> Sequence[GrantedOverride]:
        """Return every override, oldest first."""
        ...

    def log(self, breaches: Sequence[Breach]) -> int:
        """Keep the breaches that are not there yet; return how many were new."""
        ...

    def breaches(self, *, open_only: bool) -> Sequence[Breach]:
        """Return breaches, oldest first."""
        ...

    def acknowledge(self, breach_id: str, *, by: str, note: str, at: datetime) -> None:
        """Close a breach; `MissingDataError` if unknown, `ConflictError` if closed already."""
        ...


@dataclass(frozen=True, slots=True)
class LimitRegister:
    """Answers which limits are in force.

    Attributes
    ----------
    seed : sequence of Limit
        The policy file's rows.
    """

    store: LimitStore
    clock: Clock
    seed: Sequence[Limit]

    def version(self) -> int:
        """Return the version of the limits in force, recording the seed if it is new."""
        rows = [replace(limit, override=None) for limit in self.seed]
        return self.store.record(rows, content_hash(rows), self.clock.now())

    def in_force(self) -> tuple[Limit, ...]:
        """Return the limits with the override last granted to each; expiry is judged by date."""
        stored = self.store.limits(self.version())
        granted = {(g.metric, g.scope, g.name): g.override for g in self.store.overrides()}
        of_file = {(limit.metric, limit.scope, limit.name): limit.override for limit in self.seed}
        merged = []
        for limit in stored:
            key = (limit.metric, limit.scope, limit.name)
            override = granted.get(key) or of_file.get(key)
            # The limit may have been raised beyond an old override since.
            useful = override is not None and override.hard > limit.hard
            merged.append(replace(limit, override=override if useful else None))
        return tuple(merged)

    def grant(
        self, metric: str, scope: Scope, name: str, *, override: Override, as_of: date
    ) -> GrantedOverride:
        """Raise a limit for a while.

        Raises
        ------
        MissingDataError
            If there is no such limit.
        InvalidInputError
            If the override does not raise it, or has expired already.
        """
        limit = next(
            (
                row
                for row in self.store.limits(self.version())
                if (row.metric, row.scope, row.name) == (metric, scope, name)
            ),
            None,
        )
        if limit is None:
            rows = [f"{row.scope} {row.name}" for row in self.in_force() if row.metric == metric]
            raise MissingDataError(
                f"no limit on {metric} of {scope} {name}: "
                + (f"name one of {', '.join(rows)}" if rows else "see policy/limits.toml")
            )
        if override.expires < as_of:
            raise InvalidInputError(f"an override until {override.expires} has expired by {as_of}")
        replace(limit, override=override)  # Refuses one that raises nothing.
        now = self.clock.now()
        granted = GrantedOverride(
            override_id=short_id(metric, scope.value, name, now, prefix="ovr"),
            metric=metric,
            scope=scope,
            name=name,
            override=override,
            granted_at=now,
        )
        self.store.grant(granted)
        return granted

    def log(self, portfolio: str, checks: Sequence[LimitCheck], *, as_of: date) -> int:
        """Log the checks that are in breach; a day, limit and threshold is logged once."""
        now = self.clock.now()
        return self.store.log(
            [
                Breach(
                    breach_id=short_id(
                        portfolio,
                        as_of,
                        check.metric,
                        check.scope,
                        check.name,
                        check.state.value,
                        prefix="brc",
                    ),
                    portfolio=portfolio,
                    as_of=as_of,
                    metric=check.metric,
                    scope=check.scope,
                    name=check.name,
                    value=check.value,
                    hard=check.hard,
                    state=check.state.value,
                    seen_at=now,
                )
                for check in checks
                if check.breached
            ]
        )

    def acknowledge(self, breach_id: str, *, by: str, note: str) -> None:
        """Close a breach with a word on what was done.

        Raises
        ------
        InvalidInputError
            If it is not said who or what.
        """
        if not by or not note:
            raise InvalidInputError("an acknowledgement needs who and a note on what was done")
        self.store.acknowledge(breach_id, by=by, note=note, at=self.clock.now())
