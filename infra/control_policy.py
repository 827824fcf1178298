"""Reads what binds every order: `policy/controls.toml` and `policy/restricted.toml`.

An unknown key is refused: a mistyped limit must not be silently without force.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from basics.errors import InvalidInputError, MissingDataError
from basics.identifiers import content_hash
from basics.instruments import InstrumentKind
from basics.trading import Book
from oms.controls import ControlLimits

_WINDOWS = ("message_window", "repeat_window", "duplicate_window")


class _Limits(BaseModel):
    """One table of `controls.toml`; what is left out keeps the value it had."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    price_collar: Decimal | None = None
    max_order_quantity: Decimal | None = None
    max_order_notional: Decimal | None = None
    max_volume_share: Decimal | None = None
    message_window_seconds: float | None = None
    max_messages: int | None = None
    repeat_window_seconds: float | None = None
    max_repeats: int | None = None
    duplicate_window_seconds: float | None = None
    margin_rate: Decimal | None = None
    may_short: bool | None = None
    needs_locate: bool | None = None
    kinds: frozenset[InstrumentKind] | None = None


class _ControlsFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    default: _Limits
    strategy: dict[str, _Limits] = Field(default_factory=dict)


class _RestrictedFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    symbols: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ControlPolicy:
    """The limits of every book, and the restricted list."""

    default: ControlLimits
    strategies: Mapping[str, ControlLimits]
    restricted: Mapping[str, str]

    def limits(self, book: Book) -> ControlLimits:
        """Return the limits of the orders of `book`."""
        return self.strategies.get(book.strategy, self.default)


def load_control_policy(policy_dir: Path) -> ControlPolicy:
    """Read both files.

    Raises
    ------
    MissingDataError
        If a file is absent: without limits nothing may trade.
    InvalidInputError
        If a file is malformed or a limit out of range.
    """
    path = policy_dir / "controls.toml"
    controls = _validated(path, _ControlsFile)
    restricted = _validated(policy_dir / "restricted.toml", _RestrictedFile)
    return ControlPolicy(
        default=_limits(path, controls.default),
        strategies={
            name: _limits(path, controls.default, changes)
            for name, changes in controls.strategy.items()
        },
        restricted=restricted.symbols,
    )


def control_policy_version(policy_dir: Path) -> str:
    """Return a hash of the files' bytes: the version that a simulated run names."""
    names = ("controls.toml", "restricted.toml")
    return content_hash(*(part for n in names for part in (n, (policy_dir / n).read_bytes())))


def _limits(path: Path, *layers: _Limits) -> ControlLimits:
    """Lay the tables over each other and over the defaults of `ControlLimits`."""
    values: dict[str, Any] = {}
    for layer in layers:
        values |= layer.model_dump(exclude_none=True)
    for window in _WINDOWS:
        seconds = values.pop(f"{window}_seconds", None)
        if seconds is not None:
            values[window] = timedelta(seconds=seconds)
    try:
        return ControlLimits(**values)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}") from None


def _validated(path: Path, model: Any) -> Any:  # noqa: ANN401 - one of the file models above
    try:
        # Decimal keeps the digits as they were written.
        content = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return model.model_validate(content)
    except FileNotFoundError:
        raise MissingDataError(
            f"{path} does not exist: restore it or set QUANTDESK_POLICY_DIR"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not valid TOML: {error}") from None
    except ValidationError as error:
        lines = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise InvalidInputError(f"{path}: {lines}") from None
