"""Tests of `flows.engines`: wherever the chunks run, the answers and their order are the same."""

import pytest

from basics.errors import InvalidInputError
from flows.engines import Engine, engine_map


@pytest.mark.parametrize("engine", ["here", "processes", "dask"])
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_every_engine_gives_the_same_answers_in_the_same_order(engine: Engine) -> None:
    with engine_map(engine, workers=2) as mapped:
        assert list(mapped(abs, [-3, 1, -2])) == [3, 1, 2]


def test_an_error_in_a_chunk_reaches_the_caller() -> None:
    with (
        engine_map("processes", workers=1) as mapped,
        pytest.raises(ZeroDivisionError),
    ):
        list(mapped((1).__floordiv__, [0]))


def test_an_unknown_engine_names_the_known_ones() -> None:
    with (
        pytest.raises(InvalidInputError, match="here, processes and dask"),
        engine_map("moon", workers=1),  # type: ignore[arg-type]
    ):
        pass
