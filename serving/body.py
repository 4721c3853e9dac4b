"""Read a request's body: whole, of bearable size, in bearable time."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic_core import from_json

from serving.errors import ApiError, Detail
from serving.reply import Message

Receive = Callable[[], Awaitable[Message]]

DRAIN = 4
"""Up to this many times the limit is read and dropped, so that a client that is still sending
gets to see the refusal."""

LARGE = 65_536
"""Bodies beyond this many bytes are looked at before they are validated."""
MOST_KEYS = 50


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


async def check_json(body: bytes) -> None:
    """Refuse a large body of nonsense before it is looked at key by key.

    A validator tells every key that it does not know; of half a million it would tell half a
    million times.

    Raises
    ------
    ApiError
        400 for what is no JSON object of a bearable number of keys.
    """
    if len(body) <= LARGE:
        return
    try:
        content = await asyncio.to_thread(from_json, body)
    except ValueError as error:
        raise _malformed("JSON, not nested deeply") from error
    if not isinstance(content, dict) or len(content) > MOST_KEYS:
        raise _malformed("an object with no other keys than those in /docs.json")
    tables = content.get("ledger")
    lists = [*tables.values()] if isinstance(tables, dict) else []
    rows = [row for table in lists if isinstance(table, list) for row in table]
    if not all(isinstance(row, dict) for row in rows):
        raise _malformed("rows of the ledger as objects")
    ids = content.get("account_ids")
    if isinstance(ids, list) and not all(isinstance(each, str) for each in ids):
        raise _malformed("account_ids as texts")


def _malformed(rule: str) -> ApiError:
    return ApiError(
        400,
        "malformed",
        "The request is malformed; nothing was done.",
        (Detail(where="body", rule=rule),),
    )


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
