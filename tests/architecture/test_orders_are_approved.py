"""Only `oms.controls` makes an `ApprovedOrder`: no other code can pass the controls by."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [
    "quantdesk",
    "flows",
    "serving",
    "infra",
    "services",
    "oms",
    "strategy",
    "models",
    "risk",
    "features",
    "pnl",
    "market",
    "measures",
    "basics",
    "tests",
    "examples",
    "benchmarks",
]
MAKER = Path("oms/controls/approval.py")


def calls_of_approved_order(source: str) -> Iterator[int]:
    """Yield the line of every call of, or cast to, `ApprovedOrder`."""
    if "ApprovedOrder" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        mentioned = [node.func] if not _is_cast(node) else node.args[:1]
        if any("ApprovedOrder" in ast.unparse(part) for part in mentioned):
            yield node.lineno


def _is_cast(call: ast.Call) -> bool:
    return ast.unparse(call.func) in {"cast", "typing.cast"}


def test_approved_orders_are_made_by_the_controls_alone() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.relative_to(ROOT) != MAKER and path != Path(__file__).resolve()
        for line in calls_of_approved_order(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_the_search_finds_a_call_and_a_cast() -> None:
    source = "a = ApprovedOrder(o)\nb = cast(ApprovedOrder, o)\nc = cast('ApprovedOrder', o)\n"

    assert list(calls_of_approved_order(source)) == [1, 2, 3]
    assert list(calls_of_approved_order((ROOT / MAKER).read_text(encoding="utf-8")))
