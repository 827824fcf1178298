"""Alerts as they are sent, and as they are kept until somebody has dealt with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import isfinite
from typing import Final, Protocol

from basics.errors import InvalidInputError
from basics.identifiers import short_id

KIND: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
LONGEST_MESSAGE: Final = 2000
MOST_FIGURES: Final = 50

Figure = float | int | str | None


class Severity(StrEnum):
    """How soon somebody should look, mildest first."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that a person should know.

    Attributes
    ----------
    kind : str
        What happened, such as `risk.limit_breached` or `model.drift`: words joined by dots.
    scope : str
        Where: a portfolio, a model.
    dedupe_key : str
        Tells one happening of the kind in the scope from the next: the same happening, sent
        again, is the same alert.
    message : str
        One sentence for people.
    figures : mapping
        The numbers behind the sentence, by name.
    raised_at : datetime
        When it was seen, by the clock of what is watched (a replayed day has its own).
    """

    kind: str
    severity: Severity
    scope: str
    dedupe_key: str
    message: str
    raised_at: datetime
    figures: Mapping[str, Figure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not KIND.fullmatch(self.kind):
            raise InvalidInputError(
                f"an alert's kind is words joined by dots, such as risk.limit_breached, "
                f"got {self.kind!r}"
            )
        if not self.scope or not self.dedupe_key:
            raise InvalidInputError(f"an alert {self.kind} needs a scope and a dedupe key")
        if not 0 < len(self.message) <= LONGEST_MESSAGE:
            raise InvalidInputError(
                f"an alert's message has 1 to {LONGEST_MESSAGE} characters, "
                f"got {len(self.message)}: put the rest into its figures"
            )
        if self.raised_at.tzinfo is None:
            raise InvalidInputError(f"an alert's moment needs a time zone, got {self.raised_at}")
        if len(self.figures) > MOST_FIGURES:
            raise InvalidInputError(
                f"an alert has at most {MOST_FIGURES} figures, got {len(self.figures)}"
            )
        for name, value in self.figures.items():
            if isinstance(value, float) and not isfinite(value):
                raise InvalidInputError(f"figure {name} is {value}: leave it out or give None")

    @property
    def alert_id(self) -> str:
        """The same for the same kind, scope and dedupe key."""
        return short_id(self.kind, self.scope, self.dedupe_key, prefix="alr")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert as it is kept.

    Attributes
    ----------
    acknowledged_at : datetime or None
        None while it is open.
    """

    alert_id: str
    alert: Alert
    stored_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    note: str | None = None


class AlertStore(Protocol):
    """Keeps alerts; each stands once, however often it arrives."""

    def store(self, alerts: Sequence[Alert], *, at: datetime) -> int:
        """Keep the alerts that are not there yet, in one transaction; return how many were new."""
        ...

    def alerts(
        self, *, open_only: bool = False, kind: str | None = None, limit: int = 100
    ) -> Sequence[StoredAlert]:
        """Return the alerts that were stored last, newest first.

        Parameters
        ----------
        kind : str, optional
            Only this kind, or, where it ends in a dot, every kind that begins so.
        """
        ...

    def alert(self, alert_id: str) -> StoredAlert:
        """Return one alert; `MissingDataError` if there is none."""
        ...

    def acknowledge(self, alert_id: str, *, by: str, note: str, at: datetime) -> None:
        """Close an alert; `MissingDataError` if unknown, `ConflictError` if closed already."""
        ...
