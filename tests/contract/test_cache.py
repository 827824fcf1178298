"""The contract of the `Cache` port, held by every adapter."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import msgspec
import pytest
from pydantic import SecretStr

from infra.cache import open_cache
from infra.cache.memory import MemoryCache
from infra.cache.redis import RedisCache
from infra.cache.typed import TypedCache
from infra.servers.redis import RedisServer, redis_server
from infra.setting_groups import CacheSettings
from services.ports import Cache

pytestmark = pytest.mark.anyio
PREFIXES = (f"test-{n}" for n in itertools.count())
# Far above what a loaded machine needs, so that no test of behaviour depends on speed.
PATIENT_SECONDS = 5.0


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    if request.param == "memory":
        yield MemoryCache(max_entries=1000)
        return
    server: RedisServer = request.getfixturevalue("redis")
    cache = RedisCache(
        server.url,
        timeout_seconds=PATIENT_SECONDS,
        breaker_open_seconds=0.01,
        prefix=next(PREFIXES),
    )
    yield cache
    await cache.close()


async def test_values_return_in_the_order_of_the_keys(cache: Cache) -> None:
    await cache.set_many("n", {"a": b"1", "b": b"\x00\xff"}, ttl_seconds=60)

    assert list(await cache.get_many("n", ["b", "none", "a"])) == [b"\x00\xff", None, b"1"]


async def test_namespaces_do_not_meet(cache: Cache) -> None:
    await cache.set_many("n", {"a": b"1"}, ttl_seconds=60)

    assert list(await cache.get_many("m", ["a"])) == [None]


async def test_a_value_expires(cache: Cache) -> None:
    await cache.set_many("n", {"short": b"1"}, ttl_seconds=0.05)
    await cache.set_many("n", {"long": b"2"}, ttl_seconds=60)
    await asyncio.sleep(0.15)

    assert list(await cache.get_many("n", ["short", "long"])) == [None, b"2"]


async def test_a_later_write_wins(cache: Cache) -> None:
    await cache.set_many("n", {"a": b"1"}, ttl_seconds=60)
    await cache.set_many("n", {"a": b"2"}, ttl_seconds=60)

    assert list(await cache.get_many("n", ["a"])) == [b"2"]


async def test_deleted_keys_are_gone_and_others_stay(cache: Cache) -> None:
    await cache.set_many("n", {"a": b"1", "b": b"2"}, ttl_seconds=60)
    await cache.delete_many("n", ["a", "never there"])

    assert list(await cache.get_many("n", ["a", "b"])) == [None, b"2"]


async def test_a_dropped_namespace_is_empty_and_takes_new_values(cache: Cache) -> None:
    await cache.set_many("n", {"a": b"1"}, ttl_seconds=60)
    await cache.set_many("m", {"a": b"1"}, ttl_seconds=60)
    await cache.drop("n")
    assert list(await cache.get_many("n", ["a"])) == [None]

    await cache.set_many("n", {"a": b"2"}, ttl_seconds=60)

    assert list(await cache.get_many("n", ["a"])) == [b"2"]
    assert list(await cache.get_many("m", ["a"])) == [b"1"]


async def test_empty_batches_do_nothing(cache: Cache) -> None:
    await cache.set_many("n", {}, ttl_seconds=60)
    await cache.delete_many("n", [])

    assert list(await cache.get_many("n", [])) == []


async def test_hits_and_misses_are_counted(cache: Cache) -> None:
    await cache.set_many("n", {"a": b"1"}, ttl_seconds=60)
    await cache.get_many("n", ["a", "b", "c"])
    status = await cache.status()

    assert (status.hits, status.misses, status.failures) == (1, 2, 0)
    assert status.mode in {"embedded", "real"}


class Price(msgspec.Struct):
    symbol: str
    value: float


class Renamed(msgspec.Struct):
    ticker: str


async def test_typed_values_return_as_they_were_and_foreign_ones_are_misses(cache: Cache) -> None:
    prices = TypedCache(cache, "prices", Price, ttl_seconds=60)
    await prices.set_many({"x": Price("X", 1.5)})

    assert await prices.get_many(["x", "y"]) == [Price("X", 1.5), None]
    assert await TypedCache(cache, "prices", Renamed, ttl_seconds=60).get_many(["x"]) == [None]


async def test_memory_keeps_at_most_its_limit() -> None:
    cache = MemoryCache(max_entries=10)
    await cache.set_many("n", {str(i): b"" for i in range(50)}, ttl_seconds=60)

    found = await cache.get_many("n", [str(i) for i in range(50)])

    assert sum(value is not None for value in found) == 10


async def test_an_outage_is_a_miss_and_what_it_swallowed_stays_forgotten() -> None:
    with redis_server() as server:
        cache = RedisCache(server.url, timeout_seconds=0.05, breaker_open_seconds=0.01)
        other = RedisCache(server.url, timeout_seconds=PATIENT_SECONDS, breaker_open_seconds=0.01)
        await other.set_many("n", {"a": b"old", "b": b"old"}, ttl_seconds=60)
        server.freeze()

        await cache.set_many("n", {"a": b"new"}, ttl_seconds=60)
        assert list(await cache.get_many("n", ["a"])) == [None]
        assert (await cache.status()).mode == "degraded"
        server.thaw()

        while (await cache.status()).mode == "degraded":
            await asyncio.sleep(0.02)
        assert list(await cache.get_many("n", ["a", "b"])) == [None, None]
        assert list(await other.get_many("n", ["a", "b"])) == [None, None]
        await cache.close()
        await other.close()


async def test_a_stopped_server_costs_a_miss_and_recovers_by_itself() -> None:
    with redis_server() as server:
        cache = RedisCache(server.url, timeout_seconds=PATIENT_SECONDS, breaker_open_seconds=0.01)
        await cache.set_many("n", {"a": b"1"}, ttl_seconds=60)
        server.stop()

        assert list(await cache.get_many("n", ["a"])) == [None]
        await cache.set_many("n", {"a": b"2"}, ttl_seconds=60)
        await cache.drop("n")
        degraded = await cache.status()
        assert degraded.mode == "degraded"
        assert "does not answer" in degraded.detail

        server.start()
        await asyncio.sleep(0.02)
        await cache.set_many("n", {"a": b"3"}, ttl_seconds=60)
        assert list(await cache.get_many("n", ["a"])) == [b"3"]
        await cache.close()


async def test_a_server_that_wants_a_password_says_so_in_one_line() -> None:
    with redis_server(password="sesame") as server:
        url = SecretStr(server.url.replace(":sesame@", ""))
        locked = open_cache(CacheSettings(url=url, timeout_seconds=PATIENT_SECONDS))
        detail = (await locked.status()).detail
        opened = open_cache(
            CacheSettings(url=SecretStr(server.url), timeout_seconds=PATIENT_SECONDS)
        )

        assert "needs a password: put it into the URL" in detail
        assert "sesame" not in detail
        assert (await opened.status()).mode == "real"
        await locked.close()
        await opened.close()
