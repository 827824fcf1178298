"""Tests of `infra.policy`: the shipped files are in order; malformed ones are named."""

import shutil
from pathlib import Path

import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.isolation import PROJECT_ROOT
from infra.policy import (
    check_policy,
    load_limits,
    load_monitoring,
    load_multi_asset_stress,
    load_stress,
    policy_version,
)
from models.monitoring import MonitoringPolicy
from risk.stress import Basis


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "stress").mkdir()
    for name in (
        "limits.toml",
        "controls.toml",
        "restricted.toml",
        "data_quality.toml",
        "monitoring.toml",
    ):
        shutil.copy(PROJECT_ROOT / "policy" / name, tmp_path)
    for path in (PROJECT_ROOT / "policy" / "stress").glob("*.toml"):
        shutil.copy(path, tmp_path / "stress")
    return tmp_path


def test_scenarios_for_books_of_every_kind_are_apart_and_may_be_missing(folder: Path) -> None:
    shipped = load_multi_asset_stress(PROJECT_ROOT / "policy")

    assert [s.name for s in shipped][:2] == ["rates_up", "rates_down"]
    dollar = next(s for s in shipped if s.name == "dollar_up")
    assert dollar.shock.currency_returns == {"*": -0.1}
    assert load_multi_asset_stress(folder) == ()
    (folder / "stress" / "multi_asset").mkdir()
    text = (
        'title = "t"\ndescription = "d"\nbasis = "revaluation"\n[shock.currency_returns]\nEUR = -1'
    )
    (folder / "stress" / "multi_asset" / "bad.toml").write_text(text)
    with pytest.raises(InvalidInputError, match="EUR must not fall to nothing, got -1"):
        load_multi_asset_stress(folder)
    assert len(check_policy(folder)) == 1


def test_the_shipped_policy_is_in_order(folder: Path) -> None:
    assert check_policy(folder) == []
    assert [s.name for s in load_stress(folder)][:5] == [
        "market_crash",
        "volatility_spike",
        "correlation_breakdown",
        "liquidity_crisis",
        "interest_rate_shock",
    ]
    crash = load_stress(folder)[0]
    assert (crash.basis, crash.shock.market_return) == (Basis.REVALUATION, -0.2)
    assert {"value_at_risk_99", "drawdown", "weight"} <= {m.metric for m in load_limits(folder)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[limit]", "not valid TOML"),
        ("", "limit: Field required"),
        ('[[limit]]\nmetric = "x"\nscope = "planet"', "scope: Input should be"),
        ('[[limit]]\nmetrik = "x"', "metrik: Extra inputs are not permitted"),
        (
            '[[limit]]\nmetric="x"\nscope="fund"\nwarn=3\nsoft=2\nhard=1\nowner="o"',
            "0 < warn <= soft <= hard",
        ),
        (
            '[[limit]]\nmetric="x"\nscope="fund"\nwarn=nan\nsoft=2\nhard=3\nowner="o"',
            "warn: Input should be",
        ),
        (
            2 * '[[limit]]\nmetric="x"\nscope="fund"\nwarn=1\nsoft=2\nhard=3\nowner="o"\n',
            "x fund * is limited twice",
        ),
    ],
)
def test_malformed_limits_are_named(folder: Path, text: str, complaint: str) -> None:
    (folder / "limits.toml").write_text(text)
    with pytest.raises(InvalidInputError, match=complaint.replace("*", r"\*")) as caught:
        load_limits(folder)
    assert "limits.toml" in str(caught.value)
    assert len(check_policy(folder)) == 1


def test_malformed_scenario_is_named(folder: Path) -> None:
    path = folder / "stress" / "market_crash.toml"
    path.write_text(path.read_text().replace("market_return = -0.20", "market_return = -2.0"))
    with pytest.raises(InvalidInputError, match=r"market_crash\.toml: market_return must not fall"):
        load_stress(folder)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[window]\nstart=2020-01-01\nend=2020-02-01\n[reverse]\nloss_fraction=0.1", "one of"),
        ("", "one of"),
        ("[window]\nstart=2020-03-01\nend=2020-02-01", "after its end"),
        ("[reverse]\nloss_fraction=2.0", "less than 1"),
    ],
)
def test_scenario_is_one_kind_of_thing(folder: Path, text: str, complaint: str) -> None:
    head = 'title = "t"\ndescription = "d"\nbasis = "revaluation"\n'
    (folder / "stress" / "odd.toml").write_text(head + text)
    with pytest.raises(InvalidInputError, match=complaint):
        load_stress(folder)


def test_history_and_reverse_scenarios_are_read(folder: Path) -> None:
    scenarios = {s.name: s for s in load_stress(folder)}
    assert scenarios["history_2020_pandemic"].window is not None
    assert scenarios["reverse_10_percent"].reverse_loss == 0.1
    assert [s.is_given for s in scenarios.values()] == [True] * 5 + [False] * 6


def test_absent_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"limits\.toml does not exist"):
        load_limits(tmp_path)
    with pytest.raises(MissingDataError, match="holds no scenario"):
        load_stress(tmp_path)


def test_override_is_read(folder: Path) -> None:
    text = (folder / "limits.toml").read_text()
    (folder / "limits.toml").write_text(
        text
        + '\n[limit.override]\nhard = 0.5\nreason = "merger"\ngranted_by = "cro"\n'
        + "expires = 2022-12-31\n"
    )
    override = load_limits(folder)[-1].override
    assert override is not None
    assert (override.hard, override.granted_by) == (0.5, "cro")


def test_version_changes_with_the_files(folder: Path) -> None:
    before = policy_version(folder)
    (folder / "limits.toml").write_text((folder / "limits.toml").read_text() + "\n# noted\n")
    assert policy_version(folder) != before


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("drift_sessions = 63", "drift_sessions = 5", "drift_sessions: Input should be"),
        ("coverage_low = 0.85", "coverage_low = 0.99", r"between 0\.99 and 0\.95"),
        ("slope_upper", "slope_uper", "slope_uper: Extra inputs"),
    ],
)
def test_a_malformed_monitoring_policy_is_named(
    folder: Path, was: str, becomes: str, complaint: str
) -> None:
    path = folder / "monitoring.toml"
    path.write_text(path.read_text().replace(was, becomes))

    with pytest.raises(InvalidInputError, match=complaint) as caught:
        load_monitoring(folder)

    assert "monitoring.toml" in str(caught.value)


def test_a_policy_without_monitoring_is_watched_by_the_defaults(folder: Path) -> None:
    shipped = load_monitoring(folder)
    (folder / "monitoring.toml").unlink()

    assert load_monitoring(folder) == shipped == MonitoringPolicy()
