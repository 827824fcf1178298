"""The API keeps to its own OpenAPI document, whatever is thrown at it (schemathesis)."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from infra.settings import Settings

Served = Callable[..., AbstractContextManager[httpx.Client]]
SOME = settings(
    max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def client(
    stocked_state: Path, tmp_path_factory: pytest.TempPathFactory, served: Served
) -> Iterator[httpx.Client]:
    state = shutil.copytree(stocked_state, tmp_path_factory.mktemp("conformance") / "state")
    with served(Settings(state_dir=Path(state))) as client:
        yield client


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_keeps_to_the_document(client: httpx.Client, mode: GenerationMode) -> None:
    document = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    headers = {"X-API-Key": client.headers["X-API-Key"]}
    operations = [result.ok() for result in document.get_all_operations()]

    assert len(operations) >= 15
    for operation in operations:
        if operation.path == "/pnl/stream":
            continue  # It has no end; test_api_live.py reads it.
        if mode is GenerationMode.NEGATIVE and not (operation.body or len(operation.query)):
            continue  # Nothing of the request can be wrong.

        @given(case=operation.as_strategy(generation_mode=mode))
        @SOME
        def conforms(case: Case) -> None:
            # The right form may still be refused by content: other features than the model's.
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

        conforms()
