"""Reads and checks what a risk manager edits: limits, stress scenarios, monitoring of models.

A malformed file is an error by name, with the file, the entry and what it should be; an unknown
key is refused, so that a mistyped limit is never silently without force.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationError,
    model_validator,
)

from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from infra.control_policy import load_control_policy
from infra.data_quality.policy import load_rules
from models.monitoring import MonitoringPolicy
from models.monitoring_limits import LimitRule
from risk.limits import EVERY, Limit, Override, Scope
from risk.shocks import Shock
from risk.stress import Basis, StressScenario

MULTI_ASSET_FOLDER = "multi_asset"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _OverrideRow(_Row):
    hard: FiniteFloat = Field(gt=0)
    reason: str = Field(min_length=1)
    granted_by: str = Field(min_length=1)
    expires: date


class _LimitRow(_Row):
    metric: str = Field(min_length=1)
    scope: Scope
    name: str = EVERY
    warn: FiniteFloat = Field(gt=0)
    soft: FiniteFloat = Field(gt=0)
    hard: FiniteFloat = Field(gt=0)
    unit: str = "fraction of equity"
    owner: str = Field(min_length=1)
    override: _OverrideRow | None = None


class _LimitFile(_Row):
    limit: tuple[_LimitRow, ...] = Field(min_length=1)


class _LimitRuleTable(_Row):
    early_share: FiniteFloat = Field(gt=0, lt=1)
    confidence: FiniteFloat = Field(gt=0.5, lt=1)
    block_sessions: int = Field(ge=1)
    resamples: int = Field(ge=100)
    least_sessions: int = Field(ge=1)


class _MonitoringFile(_Row):
    drift_sessions: int = Field(ge=20)
    score_sessions: int = Field(ge=60)
    every_sessions: int = Field(ge=1)
    history_sessions: int = Field(ge=1)
    features_in_alarm: FiniteFloat = Field(ge=0, le=1)
    prediction_stability: FiniteFloat = Field(gt=0)
    coverage_low: FiniteFloat = Field(ge=0, le=1)
    coverage_high: FiniteFloat = Field(ge=0, le=1)
    rank_ic_upper: FiniteFloat = Field(ge=-1, le=1)
    slope_upper: FiniteFloat
    exceedances_lower: FiniteFloat = Field(default=1.0, ge=0)
    limits: _LimitRuleTable | None = None


class _ShockTable(_Row):
    market_return: FiniteFloat = 0.0
    rate_change: FiniteFloat = 0.0
    factor_returns: dict[str, FiniteFloat] = Field(default_factory=dict)
    symbol_returns: dict[str, FiniteFloat] = Field(default_factory=dict)
    currency_returns: dict[str, FiniteFloat] = Field(default_factory=dict)
    volatility_multiple: FiniteFloat = 1.0
    correlation_target: FiniteFloat = 0.0
    correlation_weight: FiniteFloat = 0.0
    spread_multiple: FiniteFloat = 1.0
    volume_multiple: FiniteFloat = 1.0


class _WindowTable(_Row):
    start: date
    end: date


class _ReverseTable(_Row):
    loss_fraction: FiniteFloat = Field(gt=0, lt=1)


class _WorstTable(_Row):
    sessions: int = Field(ge=1, le=250)


class _StressFile(_Row):
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    basis: Basis
    order: int = 100
    limited: bool | None = None
    shock: _ShockTable | None = None
    window: _WindowTable | None = None
    reverse: _ReverseTable | None = None
    worst: _WorstTable | None = None
    factors: dict[str, FiniteFloat] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        kinds = ("shock", "window", "reverse", "worst", "factors")
        given = [name for name in kinds if getattr(self, name) is not None]
        if len(given) != 1:
            listed = ", ".join(f"[{kind}]" for kind in kinds)
            raise ValueError(f"one of {listed} is needed, got {given}")
        if self.window is not None and self.window.start > self.window.end:
            raise ValueError(f"window starts {self.window.start}, after its end {self.window.end}")
        return self


def load_limits(policy_dir: Path) -> tuple[Limit, ...]:
    """Return the limits of `policy/limits.toml`.

    Raises
    ------
    MissingDataError
        If the file is absent.
    InvalidInputError
        If it is malformed, or binds one metric of one name twice.
    """
    path = policy_dir / "limits.toml"
    rows = _validated(path, _LimitFile).limit
    seen: set[tuple[str, str, str]] = set()
    limits = []
    for row in rows:
        key = (row.metric, row.scope.value, row.name)
        if key in seen:
            raise InvalidInputError(f"{path}: {' '.join(key)} is limited twice: keep one row")
        seen.add(key)
        limits.append(_named(path, _limit_of, row))
    return tuple(limits)


def load_multi_asset_stress(policy_dir: Path) -> tuple[StressScenario, ...]:
    """Return the scenarios of `policy/stress/multi_asset/*.toml`, as `load_stress` does.

    They move curves, currencies and volatilities too, and are run on the books that hold them;
    without the folder there are none.
    """
    folder = policy_dir / "stress" / MULTI_ASSET_FOLDER
    return _load_stress(folder) if folder.is_dir() else ()


def load_stress(policy_dir: Path) -> tuple[StressScenario, ...]:
    """Return the scenarios of `policy/stress/*.toml`, by their `order`, then by name.

    Raises
    ------
    MissingDataError
        If there is none.
    InvalidInputError
        If a file is malformed.
    """
    return _load_stress(policy_dir / "stress")


def _load_stress(folder: Path) -> tuple[StressScenario, ...]:
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise MissingDataError(f"{folder} holds no scenario (*.toml)")
    files = [(path, _validated(path, _StressFile)) for path in paths]
    files.sort(key=lambda pair: (pair[1].order, pair[0].stem))
    return tuple(_named(path, _scenario_of, (path.stem, file)) for path, file in files)


def load_monitoring(policy_dir: Path) -> MonitoringPolicy:
    """Return what is watched of models in service, from `policy/monitoring.toml`.

    A policy folder without that file is watched by the defaults.

    Raises
    ------
    InvalidInputError
        If it is malformed.
    """
    path = policy_dir / "monitoring.toml"
    if not path.exists():
        return MonitoringPolicy()
    row = _validated(path, _MonitoringFile)
    policy: MonitoringPolicy = _named(path, _monitoring_of, row)
    return policy


def _monitoring_of(row: _MonitoringFile) -> MonitoringPolicy:
    rule = LimitRule(**row.limits.model_dump()) if row.limits else LimitRule()
    return MonitoringPolicy(**(row.model_dump(exclude={"limits"}) | {"limits": rule}))


def check_policy(policy_dir: Path) -> list[str]:
    """Return every complaint about the files, an empty list when all is well."""
    complaints = []
    stress = (load_stress, load_multi_asset_stress)
    for load in (load_limits, *stress, load_control_policy, load_rules, load_monitoring):
        try:
            load(policy_dir)
        except (InvalidInputError, MissingDataError) as error:
            complaints.append(str(error))
    return complaints


def policy_version(policy_dir: Path) -> str:
    """Return a hash of the policy files' bytes: the version that a result names."""
    paths = [policy_dir / "limits.toml", *sorted((policy_dir / "stress").rglob("*.toml"))]
    return content_hash(*(part for p in paths if p.is_file() for part in (p.name, p.read_bytes())))


def _limit_of(row: _LimitRow) -> Limit:
    override = Override(**row.override.model_dump()) if row.override else None
    return Limit(**(row.model_dump(exclude={"override"}) | {"override": override}))


def _scenario_of(pair: tuple[str, _StressFile]) -> StressScenario:
    name, file = pair
    return StressScenario(
        name=name,
        title=file.title,
        description=file.description,
        basis=file.basis,
        shock=Shock() if file.shock is None else Shock(**file.shock.model_dump()),
        window=None if file.window is None else (file.window.start, file.window.end),
        reverse_loss=None if file.reverse is None else file.reverse.loss_fraction,
        worst_sessions=None if file.worst is None else file.worst.sessions,
        limited=file.limited,
        factors=file.factors,
    )


def _named(path: Path, build: Any, row: Any) -> Any:  # noqa: ANN401 - any row, any value object
    """Build the value object; say which file was wrong if it refuses."""
    try:
        return build(row)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}") from None


def _validated(path: Path, model: Any) -> Any:  # noqa: ANN401 - one of the file models above
    try:
        return model.model_validate(_read(path))
    except ValidationError as error:
        lines = "; ".join(
            f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise InvalidInputError(f"{path}: {lines}") from None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingDataError(
            f"{path} does not exist: restore it or set QUANTDESK_POLICY_DIR"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not valid TOML: {error}") from None
