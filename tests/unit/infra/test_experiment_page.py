"""Tests of the experiments' page and of reading what DVC says."""

import re
from datetime import date

import pytest

from basics.errors import MissingDataError
from infra.experiment_page import changed_parameters, compared_metrics, comparison_page
from infra.experiments import EquityCurve, ExperimentRun, find_experiment, read_experiments
from infra.report.writer import render_page

SHOWN = [
    {
        "rev": "workspace",
        "data": {
            "timestamp": None,
            "params": {"params.yaml": {"data": {"price": {"trees": {"leaves": 31}}}}},
            "metrics": {
                "var/experiment/backtest.json": {"data": {"sharpe_ratio": 0.5, "refused": 0}},
                "var/experiment/model.json": {
                    "data": {
                        "candidate": {"ic": 0.02},
                        "rank_ic_by_year": {"2021": 0.1, "2022": None},
                    }
                },
            },
        },
        "experiments": None,
    },
    {
        "rev": "aaaaaaaaaaaaaaaa",
        "name": "main",
        "data": {
            "timestamp": "2022-12-28T21:00:00",
            "params": {"params.yaml": {"data": {"price": {"trees": {"leaves": 15}}}}},
            "metrics": {"var/experiment/backtest.json": {"data": {"sharpe_ratio": 0.4}}},
        },
        "experiments": [
            {"name": "wide", "revs": [{"rev": "bbbbbbbbbbbbbbbb", "data": {}}]},
            {"name": None, "revs": [{"rev": "cccccccccccccccc", "data": None}]},
        ],
    },
]


@pytest.fixture
def runs() -> list[ExperimentRun]:
    return read_experiments(SHOWN)


def test_what_dvc_shows_becomes_flat_names(runs: list[ExperimentRun]) -> None:
    assert [run.name for run in runs] == ["workspace", "main", "wide", "ccccccc"]
    assert runs[0].parameters == {"price.trees.leaves": 31}
    assert runs[0].metrics == {
        "backtest.sharpe_ratio": 0.5,
        "backtest.refused": 0.0,
        "model.candidate.ic": 0.02,
        "model.rank_ic_by_year.2021": 0.1,
    }


@pytest.mark.parametrize(
    ("asked", "name"),
    [("workspace", "workspace"), ("HEAD", "main"), ("wide", "wide"), ("ccccccccc", "ccccccc")],
)
def test_an_experiment_is_found_by_name_or_revision(
    runs: list[ExperimentRun], asked: str, name: str
) -> None:
    assert find_experiment(runs, asked).name == name


def test_an_unknown_experiment_lists_what_there_is(runs: list[ExperimentRun]) -> None:
    with pytest.raises(MissingDataError, match="'deep': there are workspace, main, wide"):
        find_experiment(runs, "deep")


def test_only_what_differs_is_listed(runs: list[ExperimentRun]) -> None:
    workspace, main = runs[0], runs[1]

    assert changed_parameters(main, workspace) == [("price.trees.leaves", 15, 31)]
    assert changed_parameters(main, main) == []
    assert ("backtest.sharpe_ratio", 0.4, 0.5) in compared_metrics(main, workspace)


def test_the_page_shows_both_and_loads_nothing(runs: list[ExperimentRun]) -> None:
    curve = EquityCurve(
        sessions=(date(2022, 1, 3), date(2022, 1, 4)), equity=(1.0, 2.0), benchmark=(1.0, 1.5)
    )
    page = render_page(comparison_page(runs[1], runs[0], [("main", curve), ("workspace", curve)]))

    assert "workspace against main" in page
    assert "price.trees.leaves" in page
    assert not re.search(r"<(script|link|img|iframe)[^>]*(src|href)=.?https?:", page)


def test_equal_experiments_without_curves_have_a_page_too(runs: list[ExperimentRun]) -> None:
    page = render_page(comparison_page(runs[2], runs[2], []))
    assert "The two differ in code or data alone" in page.replace("the two", "The two")
