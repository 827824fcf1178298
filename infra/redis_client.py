"""Redis clients with the desk's manners: no hidden retries, short time-outs, clear errors."""

from typing import Any
from urllib.parse import urlsplit

from basics.errors import InvalidInputError


def open_client(url: str, *, timeout_seconds: float | None) -> Any:  # noqa: ANN401 - see below
    """Return a client for `url`; nothing is connected yet.

    The type is left open: the library declares each answer as the union over all protocols and
    decodings, of which exactly one occurs here.

    Parameters
    ----------
    timeout_seconds : float or None
        For connecting and for each answer. None leaves an answer unbounded, for blocking reads
        that bound themselves.

    Raises
    ------
    InvalidInputError
        If the URL is malformed.
    """
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    try:
        return Redis.from_url(
            url,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds or 1.0,
            retry=Retry(NoBackoff(), 0),
            protocol=2,  # Without RESP3 a new connection needs no greeting.
            driver_info=None,
        )
    except ValueError:
        # The text may hold a password, so it is not shown.
        raise InvalidInputError(
            "the Redis URL is malformed: write redis://:password@host:port/0"
        ) from None


def address_of(url: str) -> str:
    """Return the URL without its password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or 6379}{parts.path}"


def explain(error: BaseException, url: str) -> str:
    """Return one line that says what is wrong with the server and what to do."""
    from redis.exceptions import AuthenticationError

    text = str(error).partition("\n")[0]
    if isinstance(error, AuthenticationError) or text.startswith(("NOAUTH", "WRONGPASS")):
        cure = "it needs a password: put it into the URL as redis://:password@host:port/0"
        return f"Redis at {address_of(url)} refuses us, {cure}"
    reason = text or "no answer in time"
    return f"Redis at {address_of(url)} does not answer ({reason}): is it running?"
