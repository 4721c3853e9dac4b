"""A typed client of the service, for programs that ask for scores: sync and async.

Both speak through ``serving.client_calls``, so that they cannot differ. What can be made good
by asking again is asked again: a 503, and a connection that fails or ends early. Every call
bears an idempotency key, so that asking again never counts twice. All other refusals are
raised at once.
"""

import asyncio
import datetime as dt
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import BaseModel

from serving.client_calls import (
    Call,
    NotAllowedError,
    NotFoundError,
    NotReadyError,
    RefusedError,
    Retries,
    RollriskError,
    Rows,
    TooOftenError,
    UnreachableError,
    call,
    reached,
    score_call,
)
from serving.schemas import (
    ExplainRequest,
    ListedAccount,
    OutcomeRecord,
    OutcomesRequest,
    OutcomesResponse,
    ScoreResponse,
    WorklistRequest,
    WorklistResponse,
)
from serving.schemas_explain import ExplainResponse

__all__ = [
    "AsyncClient",
    "Client",
    "NotAllowedError",
    "NotFoundError",
    "NotReadyError",
    "RefusedError",
    "Retries",
    "RollriskError",
    "TooOftenError",
    "UnreachableError",
]

T = TypeVar("T", bound=BaseModel)


class Client:
    """Calls the service and waits for each answer.

    Parameters
    ----------
    url : str
        Where the service listens: ``https://scores.example``.
    key : str
        An API key, or a token of the issuer that the service trusts.
    timeout : float
        Seconds for one call.
    retries : Retries
        How often and when a call is made again.

    Examples
    --------
    >>> with Client("http://127.0.0.1:1", key="rr_example", retries=Retries(times=0)) as client:
    ...     client.score(["A-000003"])
    Traceback (most recent call last):
    serving.client_calls.UnreachableError: http://127.0.0.1:1/v1/score could not be reached: ...
    """

    def __init__(
        self, url: str, *, key: str, timeout: float = 75.0, retries: Retries | None = None
    ) -> None:
        self._http = httpx.Client(base_url=url, headers=_auth(key), timeout=timeout)
        self._retries = retries or Retries()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def score(
        self,
        account_ids: Sequence[str],
        *,
        as_of: dt.date | None = None,
        top_reasons: int = 5,
        ledger: Rows | None = None,
    ) -> ScoreResponse:
        """Return the scores of accounts, from the snapshot or from ledger rows sent along."""
        return self._ask(score_call(account_ids, as_of, top_reasons, ledger))

    def worklist(self, request: WorklistRequest) -> WorklistResponse:
        """Return one page of the worklist."""
        return self._ask(call("/v1/worklist", request, WorklistResponse))

    def listed(self, request: WorklistRequest, *, page_size: int = 100) -> Iterator[ListedAccount]:
        """Yield the accounts of the whole worklist, page by page.

        Raises
        ------
        RefusedError
            409 ``stale_cursor`` when the list changes on the way: start again.
        """
        cursor: str | None = None
        while True:
            update = {"page_size": page_size, "cursor": cursor}
            page = self.worklist(request.model_copy(update=update))
            yield from page.accounts
            cursor = page.next_cursor
            if cursor is None:
                return

    def explain(self, account_id: str, *, invoice_id: str | None = None) -> ExplainResponse:
        """Return why an account scores as it does."""
        request = ExplainRequest(account_id=account_id, invoice_id=invoice_id)
        return self._ask(call("/v1/explain", request, ExplainResponse))

    def outcomes(self, records: Sequence[OutcomeRecord]) -> OutcomesResponse:
        """Store what collectors did, decided otherwise, or put off."""
        request = OutcomesRequest(records=list(records))
        return self._ask(call("/v1/outcomes", request, OutcomesResponse))

    def _ask(self, asked: Call[T]) -> T:
        failed = 0
        while True:
            try:
                return asked.read(
                    self._http.post(asked.route, content=asked.content, headers=asked.headers)
                )
            except NotReadyError:
                if failed == self._retries.times:
                    raise
            except httpx.TransportError as error:
                if failed == self._retries.times:
                    raise reached(error, self._http.base_url.join(asked.route)) from error
            time.sleep(self._retries.wait(failed, part=random.random()))  # noqa: S311 (no secret)
            failed += 1


class AsyncClient:
    """Calls the service without holding up others; otherwise as ``Client``."""

    def __init__(
        self, url: str, *, key: str, timeout: float = 75.0, retries: Retries | None = None
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, headers=_auth(key), timeout=timeout)
        self._retries = retries or Retries()

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def score(
        self,
        account_ids: Sequence[str],
        *,
        as_of: dt.date | None = None,
        top_reasons: int = 5,
        ledger: Rows | None = None,
    ) -> ScoreResponse:
        """Return the scores of accounts, from the snapshot or from ledger rows sent along."""
        return await self._ask(score_call(account_ids, as_of, top_reasons, ledger))

    async def worklist(self, request: WorklistRequest) -> WorklistResponse:
        """Return one page of the worklist."""
        return await self._ask(call("/v1/worklist", request, WorklistResponse))

    async def listed(
        self, request: WorklistRequest, *, page_size: int = 100
    ) -> AsyncIterator[ListedAccount]:
        """Yield the accounts of the whole worklist, page by page, as ``Client.listed``."""
        cursor: str | None = None
        while True:
            update = {"page_size": page_size, "cursor": cursor}
            page = await self.worklist(request.model_copy(update=update))
            for account in page.accounts:
                yield account
            cursor = page.next_cursor
            if cursor is None:
                return

    async def explain(self, account_id: str, *, invoice_id: str | None = None) -> ExplainResponse:
        """Return why an account scores as it does."""
        request = ExplainRequest(account_id=account_id, invoice_id=invoice_id)
        return await self._ask(call("/v1/explain", request, ExplainResponse))

    async def outcomes(self, records: Sequence[OutcomeRecord]) -> OutcomesResponse:
        """Store what collectors did, decided otherwise, or put off."""
        request = OutcomesRequest(records=list(records))
        return await self._ask(call("/v1/outcomes", request, OutcomesResponse))

    async def _ask(self, asked: Call[T]) -> T:
        failed = 0
        while True:
            try:
                return asked.read(
                    await self._http.post(asked.route, content=asked.content, headers=asked.headers)
                )
            except NotReadyError:
                if failed == self._retries.times:
                    raise
            except httpx.TransportError as error:
                if failed == self._retries.times:
                    raise reached(error, self._http.base_url.join(asked.route)) from error
            await asyncio.sleep(self._retries.wait(failed, part=random.random()))  # noqa: S311
            failed += 1


def _auth(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
