"""Tests of `infra.data_quality.owed`: what is owed is drawn once, and never forgotten."""

import threading
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from basics.errors import UnavailableError
from infra.data_quality.expectations import ExpectationsReporter
from infra.data_quality.owed import OwedDocuments, OwingReporter
from infra.data_quality.policy import load_rules
from infra.isolation import PROJECT_ROOT
from market.datasets import Dataset
from market.quality import Rule
from services.ports import DataQualityDocument

DATASET = Dataset(name="prices", fields=("close",), simulated=frozenset({"close"}))
RULES = tuple(load_rules(PROJECT_ROOT / "policy"))


@dataclass
class Reader:
    """Reads what it is handed, or fails at the dataset named."""

    fails_at: str = ""
    read: list[tuple[str, str, list[float]]] = field(default_factory=list)
    rules: Sequence[Rule] = ()

    def validate(
        self,
        dataset: Dataset,
        batches: Iterable[tuple[str, pl.DataFrame]],
        rules: Sequence[Rule],
    ) -> DataQualityDocument:
        if dataset.name == self.fails_at:
            raise UnavailableError("the disk is full: free some space")
        self.rules = rules
        handed = [(dataset.name, name, rows["close"].to_list()) for name, rows in batches]
        self.read += handed
        return DataQualityDocument("index.html", len(handed), 0, 0)

    def set_aside(self, dataset: Dataset, rows: pl.DataFrame) -> str | None:
        del dataset, rows
        return None

    def released(self, dataset: Dataset) -> Set[str]:
        del dataset
        return frozenset()


def closes(*values: float) -> pl.DataFrame:
    return pl.DataFrame({"close": values})


def named(name: str) -> Dataset:
    return Dataset(name=name, fields=("close",))


def test_deliveries_are_drawn_in_their_order_by_the_rules_that_judged_them(tmp_path: Path) -> None:
    owed, reader = OwedDocuments(tmp_path), Reader()
    owed.add(DATASET, [("2021", closes(1.0, 2.0)), ("2022", closes(3.0))], RULES)
    owed.add(named("rates"), [("2022", closes(4.0))], RULES[:1])
    assert len(owed) == 2

    assert owed.draw(reader) == 3

    assert reader.read == [
        ("prices", "2021", [1.0, 2.0]), ("prices", "2022", [3.0]), ("rates", "2022", [4.0])
    ]  # fmt: skip
    assert list(reader.rules) == list(RULES[:1])
    assert (len(owed), owed.draw(reader)) == (0, 0)
    assert not list((tmp_path / "owed").glob("*.arrow"))


def test_a_delivery_whose_drawing_failed_is_owed_still(tmp_path: Path) -> None:
    owed, reader = OwedDocuments(tmp_path), Reader(fails_at="rates")
    for dataset in (DATASET, named("rates")):
        owed.add(dataset, [("2022", closes(1.0))], RULES)

    with pytest.raises(UnavailableError, match="disk is full"):
        owed.draw(reader)
    assert len(owed) == 1
    reader.fails_at = ""

    assert owed.draw(reader) == 1
    assert [name for name, _, _ in reader.read] == ["prices", "rates"]


def test_rows_without_their_note_never_came(tmp_path: Path) -> None:
    def cut_short() -> Iterable[tuple[str, pl.DataFrame]]:
        yield "2021", closes(1.0)
        raise KeyboardInterrupt

    owed, reader = OwedDocuments(tmp_path), Reader()
    with pytest.raises(KeyboardInterrupt):
        owed.add(DATASET, cut_short(), RULES)
    assert len(owed) == 0

    owed.add(DATASET, [("2022", closes(2.0))], RULES)

    assert owed.draw(reader) == 1
    assert reader.read == [("prices", "2022", [2.0])]


def test_who_comes_while_another_draws_waits_and_finds_nothing_left(tmp_path: Path) -> None:
    drawing, go_on = threading.Event(), threading.Event()

    class Slow(Reader):
        def validate(
            self,
            dataset: Dataset,
            batches: Iterable[tuple[str, pl.DataFrame]],
            rules: Sequence[Rule],
        ) -> DataQualityDocument:
            drawing.set()
            assert go_on.wait(60)
            return super().validate(dataset, batches, rules)

    owed, slow, late = OwedDocuments(tmp_path), Slow(), Reader()
    owed.add(DATASET, [("2022", closes(1.0))], RULES)
    first = threading.Thread(target=owed.draw, args=(slow,))
    second = threading.Thread(target=owed.draw, args=(late,))
    first.start()
    assert drawing.wait(60)
    second.start()
    assert second.is_alive()
    go_on.set()
    first.join()
    second.join()

    assert (len(slow.read), late.read) == (1, [])


def test_a_reporter_that_owes_says_so_and_still_sets_rows_aside(tmp_path: Path) -> None:
    told: list[int] = []
    docs = OwedDocuments(tmp_path / "docs")
    at_once = ExpectationsReporter(tmp_path / "docs", tmp_path / "aside")
    reporter = OwingReporter(at_once, lambda: told.append(len(docs)))

    document = reporter.validate(DATASET, [("2022", closes(1.0))], RULES)
    path = reporter.set_aside(DATASET, closes(-1.0))

    assert (document.batches, document.expectations, told) == (1, 0, [1])
    assert document.location.endswith("index.html")
    assert path is not None
    assert "-1.0" in Path(path).read_text(encoding="utf-8")
    assert not reporter.released(DATASET)
