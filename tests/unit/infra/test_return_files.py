"""A user's returns: sorted by date, bad rows listed."""

from pathlib import Path

import pytest

from basics.errors import MissingDataError
from infra.sources.return_files import read_returns


def test_good_rows_are_sorted_and_bad_ones_listed(tmp_path: Path) -> None:
    path = tmp_path / "returns.csv"
    path.write_text(
        "date,return,benchmark\n2022-01-04,0.02,0.01\n2022-01-03,0.01,0.00\n2022-01-05,much,0\n"
        "2022-01-06,-1.5,0\n2022-01-04,0.03,0\nlater,0.01,0\n2022-01-07,0.01,\n"
    )

    found = read_returns(path)

    assert found.dates.astype(str).tolist() == ["2022-01-03", "2022-01-04"]
    assert found.returns.tolist() == [0.01, 0.02]
    assert found.benchmark is not None
    assert found.benchmark.tolist() == [0.0, 0.01]
    assert [(one.line, one.reason) for one in found.rejected] == [
        (4, "the return is no number of at least -1"),
        (5, "the return is no number of at least -1"),
        (6, "the date stands twice"),
        (7, "the date is none"),
        (8, "the benchmark is no number of at least -1"),
    ]


def test_a_file_without_a_good_row_says_why(tmp_path: Path) -> None:
    path = tmp_path / "returns.csv"
    path.write_text("Day,r\nlater,0.01\n")

    with pytest.raises(MissingDataError, match="holds no good row: the date is none"):
        read_returns(path, mapping={"date": "Day", "return": "r"})
