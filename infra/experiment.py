"""Reads `params.yaml`, the one file of parameters that flows and DVC stages share."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import yaml

from basics.errors import InvalidInputError, MissingDataError
from services.experiment import Experiment


def load_experiment(path: Path) -> Experiment:
    """Return the parameters that `path` sets; what it leaves out keeps its default.

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidInputError
        If the file is not YAML, names an unknown parameter or holds a malformed value.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise MissingDataError(f"{path} is missing: restore it from the checkout") from None
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{path} is not valid YAML: {error}") from error
    _refuse_unknown(tree, Experiment, path.name)
    try:
        return msgspec.convert(tree, Experiment, strict=True)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"{path.name}: {error}") from None


def _refuse_unknown(tree: Any, kind: type, where: str) -> None:  # noqa: ANN401 - whatever YAML holds
    """Refuse a name that no dataclass of the tree knows: a typo must not pass in silence."""
    if not isinstance(tree, Mapping):
        raise InvalidInputError(f"{where} must hold names and values, got {tree!r}")
    hints = get_type_hints(kind)
    known = {item.name for item in fields(kind)}
    for name, value in tree.items():
        if name not in known:
            raise InvalidInputError(
                f"{where} has an unknown parameter {name!r}: known are {', '.join(sorted(known))}"
            )
        if is_dataclass(hints[name]) and isinstance(hints[name], type):
            _refuse_unknown(value, hints[name], f"{where}: {name}")
