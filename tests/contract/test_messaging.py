"""The contract of the `MessageQueue` port, held by every adapter."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from basics.errors import UnavailableError
from infra.messaging.redis import RedisQueue
from infra.messaging.sqlite import SqliteQueue
from infra.servers.redis import RedisServer, redis_server
from services.ports import MessageQueue

pytestmark = pytest.mark.anyio
PREFIXES = (f"test-{n}" for n in itertools.count())
LONG = 600.0
SHORT = 0.05
OVER = 0.1  # Past a short lease.


@pytest.fixture(params=["sqlite", "redis"])
async def connect(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Callable[[], MessageQueue]]:
    """Return a function that opens one more consumer of the same queue."""
    opened: list[MessageQueue] = []
    prefix = next(PREFIXES)

    def open_one() -> MessageQueue:
        if request.param == "sqlite":
            queue: MessageQueue = SqliteQueue(
                tmp_path / "queue.db", max_length=20, max_deliveries=3
            )
        else:
            server: RedisServer = request.getfixturevalue("redis")
            queue = RedisQueue(
                server.url,
                max_length=20,
                max_deliveries=3,
                timeout_seconds=5.0,
                breaker_open_seconds=0.01,
                prefix=prefix,
            )
        opened.append(queue)
        return queue

    yield open_one
    for queue in opened:
        await queue.close()


@pytest.fixture
def queue(connect: Callable[[], MessageQueue]) -> MessageQueue:
    return connect()


async def test_messages_arrive_in_order_and_each_once(queue: MessageQueue) -> None:
    ids = await queue.publish("t", [b"a", b"b\x00", b"c"])

    got = [await queue.claim("t", lease_seconds=LONG) for _ in range(4)]

    assert [m.body for m in got[:3] if m] == [b"a", b"b\x00", b"c"]
    assert [m.id for m in got[:3] if m] == list(ids)
    assert [m.deliveries for m in got[:3] if m] == [1, 1, 1]
    assert got[3] is None


async def test_topics_do_not_meet(queue: MessageQueue) -> None:
    await queue.publish("t", [b"a"])

    assert await queue.claim("u", lease_seconds=LONG) is None


async def test_two_consumers_never_hold_the_same_message(
    connect: Callable[[], MessageQueue],
) -> None:
    one, two = connect(), connect()
    await one.publish("t", [b"%d" % n for n in range(20)])

    async def consume(queue: MessageQueue) -> list[bytes]:
        bodies = []
        while (message := await queue.claim("t", lease_seconds=LONG)) is not None:
            bodies.append(message.body)
            await queue.acknowledge(message)
        return bodies

    first, second = await asyncio.gather(consume(one), consume(two))

    assert sorted(first + second) == sorted(b"%d" % n for n in range(20))


async def test_an_acknowledged_message_never_returns(queue: MessageQueue) -> None:
    await queue.publish("t", [b"a"])
    message = await queue.claim("t", lease_seconds=SHORT)
    assert message is not None
    await queue.acknowledge(message)
    await asyncio.sleep(OVER)

    assert await queue.claim("t", lease_seconds=SHORT) is None


async def test_a_message_returns_when_its_lease_runs_out(
    connect: Callable[[], MessageQueue],
) -> None:
    dying, heir = connect(), connect()
    await dying.publish("t", [b"a"])
    await dying.claim("t", lease_seconds=SHORT)
    await asyncio.sleep(OVER)

    again = await heir.claim("t", lease_seconds=SHORT)

    assert again is not None
    assert (again.body, again.deliveries) == (b"a", 2)


async def test_a_poisonous_message_is_set_aside_and_the_others_are_not(
    queue: MessageQueue,
) -> None:
    await queue.publish("t", [b"poison", b"good"])
    done = []
    for _ in range(8):
        while (message := await queue.claim("t", lease_seconds=SHORT)) is not None:
            if message.body == b"poison":
                continue
            done.append(message)
            await queue.acknowledge(message)
        await asyncio.sleep(OVER)

    dead = await queue.dead_letters("t")

    assert [(m.body, m.deliveries) for m in done] == [(b"good", 1)]
    assert [(m.body, m.deliveries) for m in dead] == [(b"poison", 3)]


async def test_a_full_topic_refuses_the_whole_batch(queue: MessageQueue) -> None:
    await queue.publish("t", [b""] * 15)

    with pytest.raises(UnavailableError, match=r"holds 15 of at most 20 .* consumer is behind"):
        await queue.publish("t", [b""] * 6)
    assert len(await queue.publish("t", [b""] * 5)) == 5


async def test_a_waiting_consumer_is_woken(connect: Callable[[], MessageQueue]) -> None:
    consumer, producer = connect(), connect()
    waiting = asyncio.create_task(consumer.claim("t", lease_seconds=LONG, wait_seconds=30))
    await asyncio.sleep(SHORT)
    await producer.publish("t", [b"a"])

    message = await waiting

    assert message is not None
    assert message.body == b"a"


async def test_an_empty_batch_does_nothing(queue: MessageQueue) -> None:
    assert list(await queue.publish("t", [])) == []


async def test_status_counts_waiting_claimed_and_dead(queue: MessageQueue) -> None:
    await queue.publish("t", [b"a", b"b", b"c"])
    await queue.claim("t", lease_seconds=LONG)

    status = await queue.status()

    (topic,) = status.topics
    assert (topic.topic, topic.waiting, topic.claimed, topic.dead) == ("t", 2, 1, 0)
    assert status.mode in {"embedded", "real"}


async def test_sqlite_messages_survive_the_process_that_sent_them(tmp_path: Path) -> None:
    first = SqliteQueue(tmp_path / "q.db", max_length=10, max_deliveries=3)
    await first.publish("t", [b"a"])
    await first.close()

    second = SqliteQueue(tmp_path / "q.db", max_length=10, max_deliveries=3)
    message = await second.claim("t", lease_seconds=LONG)
    await second.close()

    assert message is not None
    assert message.body == b"a"


async def test_a_redis_that_is_gone_is_unavailable_until_it_is_back() -> None:
    with redis_server() as server:
        queue = RedisQueue(
            server.url,
            max_length=10,
            max_deliveries=3,
            timeout_seconds=5.0,
            breaker_open_seconds=0.01,
        )
        await queue.publish("t", [b"lost with the server's memory"])
        assert await queue.claim("t", lease_seconds=LONG)
        server.stop()

        with pytest.raises(UnavailableError, match="does not answer"):
            await queue.publish("t", [b"a"])
        assert (await queue.status()).mode == "degraded"

        server.start()
        await asyncio.sleep(0.02)
        await queue.publish("t", [b"b"])
        message = await queue.claim("t", lease_seconds=LONG)
        assert message is not None
        assert message.body == b"b"
        await queue.close()
