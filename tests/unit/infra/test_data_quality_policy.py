"""Tests of `infra.data_quality.policy`: the shipped table loads; each mistake is named."""

from pathlib import Path

import pytest

from basics.errors import InvalidInputError, MissingDataError
from infra.data_quality.policy import load_rules
from infra.isolation import PROJECT_ROOT

RULE = '[[rule]]\nid = "a"\ncheck = "required"\nseverity = "stop"\nwhy = "x"\nfields = ["close"]\n'


def written(folder: Path, text: str) -> Path:
    (folder / "data_quality.toml").write_text(text)
    return folder


def test_the_shipped_table_says_why_for_every_rule() -> None:
    rules = load_rules(PROJECT_ROOT / "policy")

    assert len(rules) >= 8
    assert all(len(rule.why) > 20 for rule in rules)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[rule", "not valid TOML"),
        ("", r"must hold \[\[rule\]\] tables"),
        (RULE.replace("required", "requird"), "unknown check 'requird'"),
        (RULE.replace("stop", "halt"), "severity 'halt', not warn or stop"),
        (RULE.replace('why = "x"\n', ""), "rule a lacks why"),
        (RULE + RULE, "the id a stands twice"),
        (RULE.replace('["close"]', '"close"'), "must be a list of names"),
        (RULE + "bounds = [1, 2]\n", "bounds must be plain values"),
    ],
)
def test_a_mistake_in_the_table_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InvalidInputError, match=complaint):
        load_rules(written(tmp_path, text))


def test_a_missing_table_is_missing_by_path(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="no rules of data quality at"):
        load_rules(tmp_path)
