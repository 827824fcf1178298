"""Where the chunks of a nightly batch run: here, in processes of this machine, or on Dask."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Literal

from basics.errors import InvalidInputError
from services.night_store import EngineMap

if TYPE_CHECKING:
    from distributed import Client

Engine = Literal["here", "processes", "dask"]


@contextmanager
def engine_map(engine: Engine, *, workers: int, address: str | None = None) -> Iterator[EngineMap]:
    """Yield the `map` of `engine`.

    Parameters
    ----------
    workers : int
        Processes of `processes`, or workers of a local Dask cluster.
    address : str, optional
        Scheduler of a Dask cluster that already runs; a local one is started without it.

    Raises
    ------
    InvalidInputError
        If the engine is unknown.
    """
    match engine:
        case "here":
            yield map
        case "processes":
            # Not by forking: this process has threads, whose locks a fork would copy as held.
            context = get_context("forkserver")
            with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
                yield pool.map
        case "dask":
            with _dask_map(workers, address) as mapped:
                yield mapped
        case _:
            raise InvalidInputError(
                f"unknown engine {engine!r}: there are here, processes and dask"
            )


@contextmanager
def _dask_map(workers: int, address: str | None) -> Iterator[EngineMap]:
    from distributed import Client, LocalCluster

    if address is not None:
        with Client(address) as client:
            yield _streamed(client)
        return
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        yield _streamed(client)


def _streamed(client: "Client") -> EngineMap:
    """Return a map that hands each result on as soon as it and those before it are done."""

    def mapped(function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterable[Any]:
        futures = client.map(function, list(items))
        return (future.result() for future in futures)

    return mapped
