"""A user's own features: a Python file with expressions under names.

from features import field, mean

FEATURES = {"stretch": field("close") / mean(field("close"), 20)}
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from basics.errors import InvalidInputError, MissingDataError, QuantDeskError
from features.definitions import Feature, FeatureSet, features
from features.expressions import Expression

VARIABLE = "FEATURES"


def load_feature_file(path: Path) -> FeatureSet:
    """Run the file and return its features as a set named after it, version 0.

    Raises
    ------
    MissingDataError
        If there is no such file.
    InvalidInputError
        If it does not run, or defines no `FEATURES` mapping of names to expressions.
    """
    if not path.is_file():
        raise MissingDataError(f"{path} is not a file: name a Python file with {VARIABLE}")
    formulas = getattr(_run(path), VARIABLE, None)
    if isinstance(formulas, FeatureSet):
        return formulas
    if not isinstance(formulas, dict) or not formulas:
        raise InvalidInputError(
            f'{path} defines no {VARIABLE}: write {VARIABLE} = {{"name": expression, ...}}'
        )
    for name, value in formulas.items():
        if not isinstance(value, Expression | Feature):
            raise InvalidInputError(
                f"{path}: {name} is {value!r}, not an expression: use features.field and "
                "operators, or decorate a function with feature_function"
            )
    expressions = {n: v.expression if isinstance(v, Feature) else v for n, v in formulas.items()}
    return FeatureSet(path.stem, 0, features(expressions))


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"feature_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InvalidInputError(f"{path} is not a Python file: its name must end in .py")
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
