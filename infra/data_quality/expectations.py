"""Data Docs: the table of rules as Great Expectations suites, one validation for each batch.

The import of Great Expectations takes seconds, so it happens when there is something new to
validate and not before. A rule that the library can express is evaluated by it a second time,
independently of the gate; for the others it documents the gate's answer, row by row.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from basics.identifiers import content_hash
from infra.data_quality.quarantine import Quarantine
from infra.files import one_at_a_time, write_whole
from market.datasets import Dataset
from market.quality import Rule, Severity, flag_column
from services.ports import DataQualityDocument

SITE = "gx/uncommitted/data_docs/local_site/index.html"
SOURCE = "lake"
DRAWN = "drawn"  # What came of the last validation of each dataset.
MAX_ROWS = 1_000_000  # A batch beyond this is documented by its last rows; the gate saw them all.


@dataclass(frozen=True, slots=True)
class ExpectationsReporter:
    """Keeps Data Docs and quarantined rows in two folders."""

    docs_dir: Path
    quarantine_dir: Path

    def validate(
        self,
        dataset: Dataset,
        batches: Iterable[tuple[str, pl.DataFrame]],
        rules: Sequence[Rule],
    ) -> DataQualityDocument:
        """Validate each batch and rebuild the Data Docs."""
        applied = [rule for rule in rules if rule.reads(dataset) is not None]
        evaluated = unmet = 0
        # The library rewrites its configuration without a lock.
        with one_at_a_time(self.docs_dir / ".lock"):
            context = _context(self.docs_dir)
            definition = _definition(context, dataset, applied)
            pages = [_suite_page(dataset.name)]
            for name, rows in batches:
                run = _run_id(f"{dataset.name} {name}")
                result = definition.run(
                    batch_parameters={"dataframe": rows.tail(MAX_ROWS).to_pandas()}, run_id=run
                )
                evaluated += result.statistics["evaluated_expectations"]
                unmet += result.statistics["unsuccessful_expectations"]
                pages.append(_result_page(dataset.name, run))
            # Only what is new: rendering every page anew would grow with each day.
            context.build_data_docs(resource_identifiers=pages)
            document = DataQualityDocument(
                str(self.docs_dir / SITE), len(pages) - 1, evaluated, unmet
            )
            write_whole(
                self.docs_dir / DRAWN / f"{dataset.name}.json", msgspec.json.encode(document)
            )
        return document

    def drawn(self) -> dict[str, DataQualityDocument]:
        """Return what each dataset's last validation came to."""
        return {
            path.stem: msgspec.json.decode(path.read_bytes(), type=DataQualityDocument)
            for path in sorted((self.docs_dir / DRAWN).glob("*.json"))
        }

    def set_aside(self, dataset: Dataset, rows: pl.DataFrame) -> str | None:
        """Write the rows to a CSV file named by their content."""
        if rows.is_empty():
            return None
        self.quarantine_dir.mkdir(parents=True, exist_ok=True)
        text = rows.write_csv()
        path = self.quarantine_dir / f"{dataset.name}-{content_hash(text.encode())[:12]}.csv"
        beside = path.with_suffix(".part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
        return str(path)

    def released(self, dataset: Dataset) -> Set[str]:
        """Return the lines of the files that were released."""
        return Quarantine(self.quarantine_dir).released_lines(dataset.name)


def _context(folder: Path) -> Any:  # noqa: ANN401 - the library's types are not read here
    import great_expectations

    context = great_expectations.get_context(mode="file", project_root_dir=str(folder))
    context.variables.progress_bars = {"globally": False}
    return context


def _definition(context: Any, dataset: Dataset, rules: Sequence[Rule]) -> Any:  # noqa: ANN401
    """Return the validation of the dataset's suite, made anew from the rules."""
    import great_expectations as gx

    source = context.data_sources.add_or_update_pandas(SOURCE)
    batch = source.add_dataframe_asset(dataset.name).add_batch_definition_whole_dataframe("batch")
    # All at once: where the suite is stored already, each one added would write all of it again.
    expected = [expectation for rule in rules for expectation in _expectations(rule, dataset)]
    suite = context.suites.add_or_update(
        gx.ExpectationSuite(name=dataset.name, expectations=expected)
    )
    return context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=dataset.name, data=batch, suite=suite)
    )


def _expectations(rule: Rule, dataset: Dataset) -> Iterator[Any]:
    """Yield the rule as expectations of the library, or as the gate's flag."""
    import great_expectations.expectations as gxe

    fields = rule.reads(dataset) or ()
    common = {
        "notes": rule.why,
        "meta": {"rule": rule.id},
        "severity": "critical" if rule.severity is Severity.STOP else "warning",
    }
    native = NATIVE.get(rule.check)
    if native is not None:
        for kind, arguments in native(rule, fields, dataset):
            yield getattr(gxe, kind)(**arguments, **common)
    else:
        yield gxe.ExpectColumnValuesToBeInSet(column=flag_column(rule), value_set=[False], **common)


Native = Iterator[tuple[str, dict[str, Any]]]


def _required(rule: Rule, fields: tuple[str, ...], dataset: Dataset) -> Native:
    del rule, dataset
    for name in fields:
        yield "ExpectColumnValuesToNotBeNull", {"column": name}


def _within(rule: Rule, fields: tuple[str, ...], dataset: Dataset) -> Native:
    del dataset
    bounds = rule.parameters
    arguments = {
        # No bound lets the infinite pass, as in the gate.
        "min_value": bounds.get("above", bounds.get("at_least", -sys.float_info.max)),
        "max_value": bounds.get("below", bounds.get("at_most", sys.float_info.max)),
        "strict_min": "above" in bounds,
        "strict_max": "below" in bounds,
    }
    for name in fields:
        yield "ExpectColumnValuesToBeBetween", {"column": name, **arguments}


def _bar_order(rule: Rule, fields: tuple[str, ...], dataset: Dataset) -> Native:
    del rule, fields, dataset
    for upper, lower in (("high", "open"), ("high", "close"), ("open", "low"), ("close", "low")):
        yield (
            "ExpectColumnPairValuesAToBeGreaterThanB",
            {
                "column_A": upper,
                "column_B": lower,
                "or_equal": True,
                "ignore_row_if": "either_value_is_missing",
            },
        )


def _unique_key(rule: Rule, fields: tuple[str, ...], dataset: Dataset) -> Native:
    del rule, fields
    yield "ExpectCompoundColumnsToBeUnique", {"column_list": list(dataset.key)}


NATIVE: dict[str, Callable[[Rule, tuple[str, ...], Dataset], Native]] = {
    "required": _required,
    "within": _within,
    "bar_order": _bar_order,
    "unique_key": _unique_key,
}


def _run_id(name: str) -> Any:  # noqa: ANN401
    from great_expectations.core.run_identifier import RunIdentifier

    return RunIdentifier(run_name=name)


def _suite_page(name: str) -> Any:  # noqa: ANN401
    from great_expectations.data_context.types import resource_identifiers

    return resource_identifiers.ExpectationSuiteIdentifier(name=name)


def _result_page(name: str, run: Any) -> Any:  # noqa: ANN401
    from great_expectations.data_context.types import resource_identifiers

    return resource_identifiers.ValidationResultIdentifier(
        batch_identifier=f"{SOURCE}-{name}",
        expectation_suite_identifier=_suite_page(name),
        run_id=run,
    )
