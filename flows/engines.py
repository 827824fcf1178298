"""Where the chunks of a nightly batch run: here, in processes of this machine, or on Dask."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Literal

from basics.errors import InvalidInputError
from services.night_store import EngineMap

if TYPE_CHECKING:
    from distributed import Client

Engine = Literal["here", "processes", "dask"]
_WORTH_SENDING = 2  # Chunks, from which on what they share is sent ahead of them.


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
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            # A free port: the usual one may be taken by another night on this machine.
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield _streamed(client)


def _streamed(client: "Client") -> EngineMap:
    """Return a map that hands each result on as soon as it and those before it are done.

    What every chunk has in common, such as the night's market, is sent to the workers once and
    put back into each chunk there: in the tasks it would go through the scheduler as often as
    there are chunks.
    """

    def mapped(function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterable[Any]:
        chunks = list(items)
        shared = _in_common(chunks)
        if not shared:
            futures = client.map(function, chunks, pure=False)
        else:
            kept = client.scatter(shared, broadcast=True, hash=False)
            kind = type(chunks[0])
            own = [{f.name: getattr(c, f.name) for f in fields(c) if f.name not in shared}
                   for c in chunks]  # fmt: skip
            futures = client.map(
                _on_whole_chunk, own, function=function, kind=kind, shared=kept, pure=False
            )
        return (future.result() for future in futures)

    return mapped


def _in_common(chunks: Sequence[Any]) -> dict[str, Any]:
    """Return the fields that are the same object in every chunk, where chunks are dataclasses."""
    if len(chunks) < _WORTH_SENDING or not is_dataclass(chunks[0]):
        return {}
    first = chunks[0]
    return {
        f.name: getattr(first, f.name)
        for f in fields(first)
        if all(
            type(c) is type(first) and getattr(c, f.name) is getattr(first, f.name) for c in chunks
        )
    }


def _on_whole_chunk(
    own: Mapping[str, Any],
    *,
    function: Callable[[Any], Any],
    kind: Callable[..., Any],
    shared: Mapping[str, Any],
) -> object:
    """Put a chunk together again on the worker and call `function` with it."""
    return function(kind(**own, **shared))
