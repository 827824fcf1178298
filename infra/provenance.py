"""What a training run is made with: the code that trains and the libraries beneath it."""

import ast
import platform
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from basics.identifiers import content_hash
from infra.isolation import PROJECT_ROOT
from models.kinds import KindSpec

_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
# A change in these rooms can change a model; one elsewhere cannot.
TRAINING_CODE = frozenset({"measures", "features", "models"})
# What every kind is trained and judged by.
COMMON = ("models.tournament", "models.comparison", "models.paths")
# The kinds that are trained on feature sets by name.
ON_SETS = frozenset({"models.price", "models.signal"})
# Where each kind and what it reads are declared.
KIND_MODULES: Mapping[str, str] = {
    "price": "models.price",
    "volatility": "models.volatility",
    "regime": "models.regime_kind",
    "risk": "models.tail_forecast",
    "sizing": "models.sizing_kind",
    "signal": "models.signal",
    "anomaly": "models.anomaly_kind",
    "anomaly_flow": "models.flow_anomaly",
}
LIBRARIES = ("numpy", "scipy", "polars", "lightgbm", "scikit-learn", "arch", "mlflow", "numba")


def code_of(spec: KindSpec) -> str:
    """Return the hash of the code that versions of this kind depend on.

    A spec or an estimator from a file of one's own counts with that file.
    """
    classes = [*type(spec).__mro__, type(spec.candidate())]
    return _hash_of(frozenset(kind.__module__ for kind in classes))


@cache
def training_code(module: str) -> str:
    """Return the hash of all code that a kind declared in `module` can depend on.

    The modules of measures, features and models that it imports, and what these import in turn,
    also inside functions. Comments, docstrings and layout do not count: what a change of them
    trains would be the same model under another name, and one trial too many.
    """
    return _hash_of(frozenset({module}))


def code_of_kind(kind: str) -> str:
    """Return the hash of all code that one of the declared kinds can depend on."""
    return training_code(KIND_MODULES[kind])


def dependencies(*modules: str) -> Sequence[str]:
    """Return the modules whose code decides what kinds declared in `modules` become, sorted."""
    roots = [*modules, *COMMON]
    if ON_SETS.intersection(modules):
        roots.append("features.sets")
    return sorted(_closure(roots))


@cache
def _hash_of(modules: frozenset[str]) -> str:
    parts: list[str | bytes] = []
    for name in dependencies(*modules):
        path = _file(name)
        assert path is not None  # `dependencies` names what has a file.
        parts += [name, _stripped(path)]
    for name in sorted(modules):
        own = Path(getattr(sys.modules.get(name), "__file__", None) or "")
        if name.split(".")[0] not in TRAINING_CODE and _is_own(own):
            parts.append(_stripped(own))
    return content_hash(*parts)


def _is_own(path: Path) -> bool:
    """Tell a source file of the project or the user from one that was installed."""
    installed = path.is_relative_to(_STANDARD_LIBRARY) or "site-packages" in path.parts
    return path.suffix == ".py" and not installed


def _closure(roots: Sequence[str]) -> dict[str, Path]:
    """Return the file of every module that `roots` reach within the training rooms."""
    found: dict[str, Path] = {}
    waiting = [name for name in roots if name.split(".")[0] in TRAINING_CODE]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or name in found:
            continue
        found[name] = path
        waiting += _imports(path)
    return found


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Return every module that a file may mean by its imports; some names are no modules."""
    named: list[str] = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named.append(node.module)
            named += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(name for name in named if name.split(".")[0] in TRAINING_CODE)


@cache
def _stripped(path: Path) -> str:
    """Return a file's code without comments, docstrings and layout."""
    tree = _tree(path)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            body[:] = body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _is_text(node: ast.AST) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text and isinstance(node.value.value, str)  # type: ignore[attr-defined]


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


def _file(module: str) -> Path | None:
    """Return the file of a module of the project; a package is its `__init__`."""
    base = PROJECT_ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def environment(*, commit: str) -> Mapping[str, str]:
    """Return commit, Python, platform and library versions."""
    found = {"commit": commit, "python": platform.python_version(), "machine": platform.machine()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "absent"
    return found
