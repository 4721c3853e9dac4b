"""A list in pages: a cursor says which list, and how far it has been read.

The cursor holds the digest of all that the list was made from. When one of it has changed (a
new snapshot, a snooze, another policy), the rest of the old list would fit no more to what was
read of it, so the cursor is refused and the caller starts again.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.errors import ApiError, Detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in a list.

    Parameters
    ----------
    list_digest : str
        Which list.
    offset : int
        Entries that were read.

    Examples
    --------
    >>> cursor = Cursor(list_digest="0f3a", offset=50)
    >>> parse_cursor(cursor.text) == cursor
    True
    """

    list_digest: str
    offset: int

    @property
    def text(self) -> str:
        """The cursor as a caller gets it; not for reading."""
        content = json.dumps([self.list_digest, self.offset], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def parse_cursor(text: str) -> Cursor:
    """Return the cursor that ``text`` is; ApiError 400 when it is none."""
    try:
        padded = text + "=" * (-len(text) % 4)
        content = json.loads(base64.b64decode(padded, altchars="-_", validate=True))
        list_digest, offset = content
    except (binascii.Error, ValueError, TypeError):
        list_digest, offset = None, None
    whole = isinstance(offset, int) and not isinstance(offset, bool) and offset > 0
    if not (isinstance(list_digest, str) and whole):
        raise ApiError(
            400,
            "malformed",
            "The cursor is none that was given out. Send next_cursor of the page before, as it is.",
            (Detail(where="cursor", rule="next_cursor of the page before", value=text),),
        )
    return Cursor(list_digest=list_digest, offset=offset)


def list_digest(*parts: str) -> str:
    """Return the digest of what a list is made from, 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def one_page(
    body: Mapping[str, Any], *, digest: str, cursor: str | None, page_size: int | None
) -> dict[str, Any]:
    """Return ``body`` with one page of its ``accounts``, and ``next_cursor``.

    Parameters
    ----------
    body : mapping
        An answer with the whole list.
    digest : str
        Digest of what the list is made from.
    cursor : str or None
        Where to go on; None for the start.
    page_size : int or None
        Entries of the page; None for all.

    Raises
    ------
    ApiError
        400 for what is no cursor, 409 for the cursor of another list.
    """
    place = Cursor(list_digest=digest, offset=0) if cursor is None else parse_cursor(cursor)
    if place.list_digest != digest:
        raise ApiError(
            409,
            "stale_cursor",
            "The list has changed since the page before: another snapshot, other filters, or "
            "what collectors told. Start again without a cursor.",
            (Detail(where="cursor", rule="of the list as it is now"),),
        )
    accounts = body["accounts"]
    end = len(accounts) if page_size is None else place.offset + page_size
    following = Cursor(list_digest=digest, offset=end).text if end < len(accounts) else None
    return {**body, "accounts": accounts[place.offset : end], "next_cursor": following}
