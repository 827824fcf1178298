"""The house keeps its own rules: contracts name every room, the core is pure and synchronous."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"benchmarks"}
SYNCHRONOUS = [
    "basics",
    "measures",
    "market",
    "features",
    "pnl",
    "models",
    "risk",
    "strategy",
    "oms",
]
PURE = [*SYNCHRONOUS, "services"]

# What the core gets handed in instead: the clock, the settings, the generator.
IMPURE = {
    "os.environ",
    "os.getenv",
    "os.putenv",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.monotonic",
    "time.perf_counter",
    "random.random",
    "np.random.seed",
    "np.random.normal",
    "np.random.random",
    "np.random.rand",
    "np.random.randn",
    "uuid.uuid4",
    "uuid.uuid1",
}


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def named_in(node: ast.AST) -> str:
    """Return the last two names of an attribute chain: `datetime.datetime.now` is datetime.now."""
    return ".".join(ast.unparse(node).split(".")[-2:]) if isinstance(node, ast.Attribute) else ""


def test_the_layers_hold_every_room() -> None:
    (layers,) = (
        contract["layers"]
        for contract in PROJECT["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    assert {room.strip() for layer in layers for room in layer.split("|")} == ROOMS


@pytest.mark.parametrize(
    "listed",
    [
        PROJECT["tool"]["importlinter"]["root_packages"],
        PROJECT["tool"]["mypy"]["packages"],
        PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"],
    ],
    ids=["import contract", "types", "wheel"],
)
def test_every_room_is_checked_and_shipped(listed: list[str]) -> None:
    assert set(listed) == ROOMS


def test_the_framework_contract_covers_the_whole_core() -> None:
    (sources,) = (
        contract["source_modules"]
        for contract in PROJECT["tool"]["importlinter"]["contracts"]
        if contract["type"] == "forbidden"
    )
    assert set(sources) == set(PURE)


def test_the_core_and_the_repositories_are_synchronous() -> None:
    found = [
        where(path, node)
        for path in modules(*SYNCHRONOUS, "infra/database")
        for node in nodes(path)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert not found


def test_the_core_reads_no_environment_and_no_clock_of_its_own() -> None:
    found = [
        f"{where(path, node)} {named_in(node)}"
        for path in modules(*PURE)
        for node in nodes(path)
        if named_in(node) in IMPURE
    ]
    assert not found


def test_every_generator_in_the_core_has_a_seed() -> None:
    found = [
        where(path, node)
        for path in modules(*PURE)
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("default_rng")
        and not (node.args or node.keywords)
    ]
    assert not found


def test_only_the_settings_read_the_environment() -> None:
    # The others hand the environment on to programs that they start.
    allowed = (
        "infra/settings.py",
        "infra/isolation.py",
        "infra/companions.py",
        "infra/supervisor.py",
        "infra/experiments.py",
    )
    found = {
        str(path.relative_to(ROOT))
        for path in modules(*sorted(ROOMS))
        if not path.is_relative_to(ROOT / "infra" / "servers")
        for node in nodes(path)
        if named_in(node) in {"os.environ", "os.getenv"}
    }
    assert found <= set(allowed)


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules(*sorted(ROOMS))
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        and path.read_text(encoding="utf-8").strip()
    ]
    assert not silent


def test_unit_tests_are_no_packages_and_mirror_the_rooms() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
    folders = {path.name for path in (ROOT / "tests" / "unit").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} <= ROOMS | {"benchmarks"}


def test_the_lock_files_record_hashes_and_no_address() -> None:
    for lock in ("requirements/lock.txt", "requirements/peers.txt", "requirements/bootstrap.txt"):
        text = (ROOT / lock).read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--index-url|--extra-index-url", text), lock
