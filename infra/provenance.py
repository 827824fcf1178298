"""What a training run is made with: the code that trains and the libraries beneath it."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from basics.identifiers import content_hash
from infra.isolation import PROJECT_ROOT

# A change in these rooms can change a model; one elsewhere cannot.
TRAINING_CODE = ("measures", "features", "models")
LIBRARIES = ("numpy", "scipy", "polars", "lightgbm", "scikit-learn", "arch", "mlflow", "numba")


def source_hash(packages: Sequence[str] = TRAINING_CODE) -> str:
    """Return the hash of every Python source file of `packages`, by path and content."""
    files = sorted(path for package in packages for path in (PROJECT_ROOT / package).rglob("*.py"))
    return content_hash(
        *(part for f in files for part in (str(f.relative_to(PROJECT_ROOT)), f.read_bytes()))
    )


def environment(*, commit: str) -> Mapping[str, str]:
    """Return commit, Python, platform and library versions."""
    found = {"commit": commit, "python": platform.python_version(), "machine": platform.machine()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "absent"
    return found
