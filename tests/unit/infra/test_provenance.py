"""Tests of the key of training: what a kind's version depends on, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from infra import provenance
from infra.provenance import code_of, dependencies, training_code
from models.estimators import Ridge
from models.price import PriceSpec


@pytest.mark.parametrize(
    ("kind", "inside", "outside"),
    [
        ("price", "models.trees", "models.regime_kind"),
        ("price", "features.sets", "models.volatility"),
        ("volatility", "models.garch", "models.anomaly"),
        ("regime_kind", "measures.kernels.markov", "models.price"),
        ("anomaly_kind", "models.isolation", "models.garch"),
        ("tail_forecast", "measures.tail_scores", "models.regime"),
    ],
)
def test_a_kind_depends_on_what_it_imports_alone(kind: str, inside: str, outside: str) -> None:
    found = dependencies(f"models.{kind}")

    assert inside in found
    assert "models.comparison" in found
    assert outside not in found
    assert not any(name.startswith(("services", "infra", "risk")) for name in found)


def test_comments_docstrings_and_layout_are_no_other_model(tmp_path: Path) -> None:
    bare, told, other = tmp_path / "a.py", tmp_path / "b.py", tmp_path / "c.py"
    bare.write_text("def f(x):\n    return x + 1\n")
    told.write_text('"""Words."""\n\n\ndef f(x):  # why\n    """More."""\n    return (x + 1)\n')
    other.write_text("def f(x):\n    return x + 2\n")

    stripped = [provenance._stripped(path) for path in (bare, told, other)]

    assert stripped[0] == stripped[1]
    assert stripped[0] != stripped[2]


def test_kinds_have_keys_of_their_own() -> None:
    assert training_code("models.volatility") != training_code("models.anomaly_kind")
    assert code_of(PriceSpec()) == training_code("models.price") or len(code_of(PriceSpec())) == 64


@dataclass(frozen=True, kw_only=True)
class _Mine(Ridge):
    name: str = "mine"


class _Own(PriceSpec):
    def candidate(self) -> _Mine:
        return _Mine()


def test_a_model_of_ones_own_counts_with_its_file() -> None:
    assert code_of(_Own()) != code_of(PriceSpec())
