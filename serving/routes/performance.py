"""How the machinery is doing: the cache and the queue."""

from fastapi import APIRouter, Request

from services.ports import CacheStatus, QueueStatus
from serving.context import context_of
from serving.problems import problem_responses

router = APIRouter(prefix="/performance", tags=["performance"], responses=problem_responses(401))


@router.get("/cache/status", response_model=CacheStatus)
async def cache_status(request: Request) -> CacheStatus:
    """Show where the cache is, and its hits and misses since this process started."""
    return await context_of(request).cache.status()


@router.get("/queue/status", response_model=QueueStatus)
async def queue_status(request: Request) -> QueueStatus:
    """Show how many messages wait, are in work, and were set aside, by topic."""
    return await context_of(request).queue.status()
