"""Read a request's body: whole, of bearable size, in bearable time."""

import asyncio
from collections.abc import Awaitable, Callable

from serving.errors import ApiError, Detail
from serving.reply import Message

Receive = Callable[[], Awaitable[Message]]

DRAIN = 4
"""Up to this many times the limit is read and dropped, so that a client that is still sending
gets to see the refusal."""


async def read_body(receive: Receive, *, declared: str, limit: int, seconds: float) -> bytes:
    """Return the whole body; what is too large is read off and dropped.

    Parameters
    ----------
    receive : callable
        The server's.
    declared : str
        The header Content-Length; empty without one.
    limit : int
        Bytes.
    seconds : float
        How long the body may take to arrive.

    Raises
    ------
    ApiError
        408 for a body that is too slow, 413 for one that is too large.
    """
    try:
        async with asyncio.timeout(seconds):
            body, size = await _read(receive, limit, declared)
    except TimeoutError as error:
        raise ApiError(
            408,
            "slow_body",
            f"The body did not arrive within {seconds:g} seconds. Send the request again.",
            (Detail(where="body", rule=f"within {seconds:g} seconds"),),
        ) from error
    if size > limit:
        found = declared if declared.isdigit() else f"more than {limit}"
        raise ApiError(
            413,
            "too_large",
            f"The body is larger than {limit} bytes. Split the request.",
            (Detail(where="body", rule=f"at most {limit} bytes", value=found),),
        )
    return body


async def _read(receive: Receive, limit: int, declared: str) -> tuple[bytes, int]:
    """Return the body and its size, what was declared counted too; too large, it is empty."""
    chunks: list[bytes] = []
    size = 0
    announced = int(declared) if declared.isascii() and declared.isdigit() else 0
    more = True
    while more and size <= DRAIN * limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        if max(size, announced) > limit:
            chunks.clear()
        else:
            chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks), max(size, announced)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives ``body`` at once, then what the server still has."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
