"""Tests of `flows.engines`: wherever the chunks run, the answers and their order are the same."""

import warnings

import numpy as np
import pytest
from distributed import LocalCluster

from basics.errors import InvalidInputError
from flows.engines import Engine, engine_map
from tests.unit.flows.dask_chunks import Chunk, priced


@pytest.mark.parametrize("engine", ["here", "processes", "dask"])
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_every_engine_gives_the_same_answers_in_the_same_order(engine: Engine) -> None:
    with engine_map(engine, workers=2) as mapped:
        assert list(mapped(abs, [-3, 1, -2])) == [3, 1, 2]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_cluster_at_an_address_is_sent_once_what_chunks_share() -> None:
    market = np.random.default_rng(0).normal(size=2_000_000)  # In a task 16 MB are warned of.
    chunks = [Chunk(exposure, market) for exposure in (1.0, -2.0, 3.0)]
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://",
            host="127.0.0.1", dashboard_address="127.0.0.1:0",
        ) as cluster,
        engine_map("dask", workers=1, address=cluster.scheduler_address) as mapped,
        warnings.catch_warnings(),
    ):  # fmt: skip
        warnings.filterwarnings("error", message="Sending large graph")
        assert list(mapped(priced, chunks)) == [priced(chunk) for chunk in chunks]


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
