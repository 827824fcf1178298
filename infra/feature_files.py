"""A user's own features: a file with formulas, or with expressions, under names.

A TOML file holds formulas as text and is only read:

[features]
stretch = "close / mean(close, 20)"

[meanings]
stretch = "How far the close is above its mean of a month."

A Python file is run, and may hold formulas, expressions and functions:

from features import field, mean

FEATURES = {"stretch": field("close") / mean(field("close"), 20)}
MEANINGS = {"stretch": "How far the close is above its mean of a month."}

Labels of your own, functions of a panel that return `features.labels.Labels`, may stand in it as
`LABELS = {"mine": make}`. Without a meaning of its own a function's docstring speaks for it.
"""

import importlib.util
import sys
import tomllib
from collections.abc import Callable, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from basics.errors import InvalidInputError, MissingDataError, QuantDeskError
from features.definitions import Feature, FeatureSet, features
from features.expressions import Expression
from features.formulas import parse_formula
from features.functions import sentence_of
from features.labels import Labels
from features.sets import feature_set, find_feature
from market.panel import Panel

VARIABLE, MEANINGS, LABELS = "FEATURES", "MEANINGS", "LABELS"
SUFFIXES = frozenset({".py", ".toml"})
# What a formula has and no feature's name.
FORMULA_SIGNS = frozenset("()+-*/<> ")


def named_set(name: str) -> FeatureSet:
    """Return the set of the catalogue, or of a user's own file, that `name` means."""
    return load_feature_file(Path(name)) if Path(name).suffix in SUFFIXES else feature_set(name)


def named_feature(name: str) -> tuple[FeatureSet, Feature]:
    """Return the feature that `SET.FEATURE`, `FEATURE`, `FILE:FEATURE` or a formula means.

    Raises
    ------
    MissingDataError
        If there is no such set, file or feature.
    InvalidInputError
        If the formula or the file is wrong; the message shows the place.
    """
    file, colon, feature = name.rpartition(":")
    if colon and Path(file).suffix in SUFFIXES:
        own = load_feature_file(Path(file))
        return own, own[feature]
    if set(name) & FORMULA_SIGNS:
        found = FeatureSet("formula", 0, features({"formula": parse_formula(name)}))
        return found, found["formula"]
    return find_feature(name)


def load_feature_file(path: Path) -> FeatureSet:
    """Read or run the file and return its features as a set named after it, version 0.

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidInputError
        If it cannot be read or does not run, or holds no features by name.
    """
    if not path.is_file():
        raise MissingDataError(
            f"{path} is not a file: name a TOML file with [features], or a Python file with "
            f"{VARIABLE}"
        )
    if path.suffix == ".toml":
        return _read_toml(path)
    module = _run(path)
    formulas = getattr(module, VARIABLE, None)
    if isinstance(formulas, FeatureSet):
        return formulas
    if not isinstance(formulas, dict) or not formulas:
        raise InvalidInputError(
            f'{path} defines no {VARIABLE}: write {VARIABLE} = {{"name": expression, ...}}'
        )
    meanings = _meanings(path, getattr(module, MEANINGS, {}), formulas)
    return FeatureSet(
        path.stem, 0, tuple(_feature(path, n, v, meanings) for n, v in formulas.items())
    )


def load_label_file(path: Path) -> Mapping[str, Callable[[Panel], Labels]]:
    """Return the labels of a Python file: functions of a panel by name; none of any other file.

    Raises
    ------
    InvalidInputError
        If the file does not run, or `LABELS` is no mapping of names to functions.
    """
    made = getattr(_run(path), LABELS, {}) if path.suffix == ".py" else {}
    if not isinstance(made, dict) or not all(callable(make) for make in made.values()):
        raise InvalidInputError(
            f'{path}: {LABELS} are functions of a panel by name: {LABELS} = {{"mine": make}}'
        )
    return made


def _read_toml(path: Path) -> FeatureSet:
    """Return the formulas of a TOML file; nothing of it is run."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path} is not valid TOML: {error}") from None
    formulas = document.pop("features", None)
    whole = document.pop("complete_windows", False)
    said = document.pop("meanings", {})
    if not isinstance(formulas, dict) or not formulas:
        raise InvalidInputError(f'{path} has no features: write [features] and name = "formula"')
    if document or not isinstance(whole, bool):
        raise InvalidInputError(
            f"{path}: beside [features] only [meanings] and complete_windows = true or false may "
            "stand, got "
            f"{', '.join(document) or repr(whole)}"
        )
    meanings = _meanings(path, said, formulas)
    made = tuple(_feature(path, name, value, meanings) for name, value in formulas.items())
    return FeatureSet(path.stem, 0, made, complete_windows=whole)


def _meanings(path: Path, said: object, formulas: Mapping[str, object]) -> Mapping[str, str]:
    """Return the sentences, each of which must stand for a feature of the file."""
    if not isinstance(said, dict) or not all(isinstance(text, str) for text in said.values()):
        raise InvalidInputError(f'{path}: meanings are sentences by name, such as x = "What x is."')
    if unknown := sorted(set(said) - set(formulas)):
        raise InvalidInputError(
            f"{path}: meanings speak of {', '.join(unknown)}, which is no feature of the file"
        )
    return said


def _feature(path: Path, name: str, value: object, meanings: Mapping[str, str]) -> Feature:
    meaning = meanings.get(name, "")
    if isinstance(value, Feature):
        return Feature(name, value.expression, meaning or value.meaning)
    if isinstance(value, str):
        try:
            return Feature(name, parse_formula(value), meaning)
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {name}: {error}") from None
    if not isinstance(value, Expression):
        raise InvalidInputError(
            f"{path}: {name} is {value!r}, neither a formula nor an expression: write "
            '"close / mean(close, 20)", use features.field and operators, or decorate a function '
            "with feature_function"
        )
    return Feature(name, value, meaning or sentence_of(value))


class _AsItStands(SourceFileLoader):
    """Compiles the file each time: kept bytecode goes by the second, and an edit may be quicker."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _run(path: Path) -> ModuleType:
    if path.suffix != ".py":
        raise InvalidInputError(f"{path} is not a Python file: its name must end in .py")
    name = f"feature_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsItStands(name, str(path)))
    assert spec is not None  # A loader is given.
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # So that the source of its functions can be read.
    try:
        spec.loader.exec_module(module)
    except QuantDeskError:
        raise
    except Exception as error:
        line = _line_of(error, path)
        raise InvalidInputError(
            f"{path}{line} does not run: {type(error).__name__}: {error}"
        ) from error
    return module


def _line_of(error: BaseException, path: Path) -> str:
    """Return `:N`, the last line of the file on the way to the error, if it is known."""
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line
