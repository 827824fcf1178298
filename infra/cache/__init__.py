"""The cache: in process, or in Redis where several processes share it."""

from typing import TYPE_CHECKING

from infra.setting_groups import CacheSettings

if TYPE_CHECKING:
    from services.ports import Cache


def open_cache(settings: CacheSettings) -> "Cache":
    """Return the cache that the settings name; nothing is connected yet."""
    if settings.url is None:
        from infra.cache.memory import MemoryCache

        return MemoryCache(max_entries=settings.max_entries)
    from infra.cache.redis import RedisCache

    return RedisCache(
        settings.url.get_secret_value(),
        timeout_seconds=settings.timeout_seconds,
        breaker_open_seconds=settings.breaker_open_seconds,
    )
