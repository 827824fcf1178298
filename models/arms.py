"""Two versions of a model in service side by side: who is asked for which row.

Under a split each unit (an entity, or an entity in a session) belongs to one arm for good, by a
hash of its name: no state, the same on every machine. In the shadow the champion answers every
row and the other version answers unseen, so that both have every row.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from basics.errors import InvalidInputError

BUCKETS = 10_000


class Arm(StrEnum):
    """In which role a version answered."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    SHADOW = "shadow"


class Mode(StrEnum):
    """How the second version takes part."""

    SPLIT = "split"
    SHADOW = "shadow"


class Unit(StrEnum):
    """What a split hands out: an entity for good, or an entity anew in each session."""

    ENTITY = "entity"
    ENTITY_SESSION = "entity-session"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmPlan:
    """A trial of two versions in service.

    Attributes
    ----------
    plan_id : str
        Also the salt of the hash: another trial draws other arms.
    control, treatment : int
        The reigning version when the trial began, and the one on trial.
    share : float
        Share of the units that the treatment answers under a split, in (0, 1).
    """

    plan_id: str
    model: str
    mode: Mode
    control: int
    treatment: int
    share: float = 0.5
    unit: Unit = Unit.ENTITY

    def __post_init__(self) -> None:
        if not 0.0 < self.share < 1.0:
            raise InvalidInputError(
                f"share must lie between 0 and 1, got {self.share}: say 0.5 for halves"
            )
        if self.control == self.treatment:
            raise InvalidInputError(
                f"version {self.control} of {self.model} cannot be tried against itself: "
                "name another"
            )

    @property
    def second_arm(self) -> Arm:
        """The role of the treatment."""
        return Arm.SHADOW if self.mode is Mode.SHADOW else Arm.CHALLENGER

    def arm_of(self, entity: str, session: date) -> Arm:
        """Return which arm answers a row; in the shadow always the champion."""
        if self.mode is Mode.SHADOW:
            return Arm.CHAMPION
        unit = entity if self.unit is Unit.ENTITY else f"{entity}|{session.isoformat()}"
        text = f"{self.plan_id}|{unit}".encode()
        bucket = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % BUCKETS
        return Arm.CHALLENGER if bucket < round(self.share * BUCKETS) else Arm.CHAMPION
