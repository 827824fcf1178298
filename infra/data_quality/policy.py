"""Read the table of rules of data quality from `policy/data_quality.toml`."""

import tomllib
from pathlib import Path
from typing import Any

from basics.errors import InvalidInputError, MissingDataError
from market.quality import Rule, Severity
from market.quality.checks import CHECKS

FILE = "data_quality.toml"
KNOWN = ("id", "check", "severity", "datasets", "fields", "any_field", "why")


def load_rules(policy_dir: Path) -> tuple[Rule, ...]:
    """Return the rules of the policy folder.

    Raises
    ------
    MissingDataError
        If the file is not there.
    InvalidInputError
        If the file is malformed; the message names the rule and what is wrong with it.
    """
    path = policy_dir / FILE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingDataError(f"no rules of data quality at {path}: restore the file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not valid TOML: {error}") from error
    entries = table.pop("rule", None)
    if table or not isinstance(entries, list) or not entries:
        raise InvalidInputError(f"{path} must hold [[rule]] tables and nothing else")
    rules = tuple(_rule(entry, path) for entry in entries)
    ids = [rule.id for rule in rules]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise InvalidInputError(f"{path}: the id {', '.join(twice)} stands twice")
    return rules


def _rule(entry: dict[str, Any], path: Path) -> Rule:
    name = str(entry.get("id", "?"))
    if missing := [key for key in ("id", "check", "severity", "why") if not entry.get(key)]:
        raise InvalidInputError(f"{path}: rule {name} lacks {', '.join(missing)}")
    if entry["check"] not in CHECKS:
        raise InvalidInputError(
            f"{path}: rule {name} has the unknown check {entry['check']!r}; "
            f"there are {', '.join(CHECKS)}"
        )
    if entry["severity"] not in list(Severity):
        raise InvalidInputError(
            f"{path}: rule {name} has severity {entry['severity']!r}, not warn or stop"
        )
    parameters = {key: value for key, value in entry.items() if key not in KNOWN}
    if wrong := [k for k, v in parameters.items() if not isinstance(v, float | int | str | bool)]:
        raise InvalidInputError(f"{path}: rule {name}: {', '.join(wrong)} must be plain values")
    return Rule(
        id=name,
        check=entry["check"],
        severity=Severity(entry["severity"]),
        datasets=_names(entry.get("datasets", ["*"]), name, path),
        fields=_names(entry.get("fields", []), name, path),
        any_field=bool(entry.get("any_field", False)),
        parameters=parameters,
        why=str(entry["why"]),
    )


def _names(value: object, rule: str, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidInputError(f"{path}: rule {rule}: {value!r} must be a list of names")
    return tuple(value)
