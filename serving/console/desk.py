"""What the pages are made from: the served scoring, its past, notes, and who reads them."""

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from serving.audit import Audit, Given
from serving.audit_schema import AuditError
from serving.auth import KeyRing
from serving.background import begin
from serving.console.account import AccountView, account_view, with_notes
from serving.console.model import Registry, read_registry
from serving.console.notes import open_notes
from serving.console.past import Past, PastKeeper
from serving.console.portfolio import PERIODS, PortfolioView, book_view, with_past
from serving.console.served import Served, serve
from serving.console.sessions import console_secret
from serving.policy import read_policy
from serving.request_facts import REQUEST, RequestFacts
from serving.settings import Settings
from serving.store import Store

KEPT_VIEWS = 64
REGISTRY_SECONDS = 60
MANY_ITEMS = 50_000
"""From this many open items on, an account's rows are not read in the time that a page waits."""

READERS = 2
"""Accounts whose ledger rows are read at the same time."""


class Desk:
    """Everything behind the pages; one per process.

    Parameters
    ----------
    settings : Settings
        Of the service.
    store : Store
        The served pair.
    audit : Audit
        Where answers are recorded.
    """

    def __init__(self, settings: Settings, store: Store, audit: Audit) -> None:
        home = settings.home
        self.home = home
        self.settings = settings
        self.policy = read_policy(settings.policy)
        self.keys = KeyRing(home.keys)
        self.secret = console_secret(home.path / "console.secret")
        self.notes = open_notes(home)
        self._audit = audit
        self._store = store
        self._past = PastKeeper(home)
        self._lock = threading.Lock()
        self._served: Served | None = None
        self._views: dict[tuple[object, ...], Any] = {}
        self._reading: dict[tuple[object, ...], Future[AccountView]] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="console-account")
        self._registry_lock = threading.Lock()
        self._registry: Registry | None = None
        self._registry_read = 0.0
        if store.ready:
            # The first reader should not wait for what every reader needs.
            begin("console-warm", self._warm)

    def served(self) -> Served:
        """Return the tables of what is served now; ApiError 503 when nothing is."""
        pair = self._store.pair()
        with self._lock:
            if self._served is None or self._served.pair is not pair:
                self._served = serve(pair, self.home)
                self._views.clear()
                self._reading.clear()
            return self._served

    def past(self, served: Served) -> Past | None:
        """Return the past of a scoring; None while it is being computed."""
        return self._past.of(served.pair)

    def portfolio(self, served: Served, currency: str, steps: int) -> PortfolioView:
        """Return the portfolio page of a currency, its sums made once."""
        # The page first: computing the past would take the time from it.
        key = (served.pair.name, currency)
        view: PortfolioView = self.kept(key, lambda: book_view(served, currency))
        past = self.past(served)
        return view if past is None else with_past(view, past, served.pair.manifest.as_of, steps)

    def account(
        self,
        served: Served,
        account_id: str,
        currency: str | None,
        invoice_id: str | None,
        *,
        seconds: float | None = None,
    ) -> AccountView:
        """Return the page of an account; its ledger rows are read once, its notes each time.

        Parameters
        ----------
        seconds : float or None
            How long to wait for its ledger rows; without them the page says that they are being
            read. None waits until they are there.

        Raises
        ------
        KeyError
            When the account or the invoice has nothing open.
        """
        make = partial(account_view, served, account_id, currency=currency, invoice_id=invoice_id)
        key = (served.pair.name, account_id, currency, invoice_id)
        brief = partial(self.kept, ("brief", *key), partial(make, read_ledger=False))
        if seconds is not None and len(served.items) > MANY_ITEMS:
            brief()  # before the reading, which would take the time from it
            seconds = 0.0
        reading = self._read(key, make)
        try:
            view: AccountView = reading.result(seconds)
        except TimeoutError:
            view = brief()
        return with_notes(view, self.notes.of_account(account_id))

    def _read(
        self, key: tuple[object, ...], make: Callable[[], AccountView]
    ) -> "Future[AccountView]":
        """Return the reading of an account, started once."""
        with self._lock:
            reading = self._reading.get(key)
            if reading is None:
                if len(self._reading) >= KEPT_VIEWS:
                    self._reading.pop(next(iter(self._reading)))
                reading = self._reading[key] = self._readers.submit(make)
            return reading

    def kept(self, key: tuple[object, ...], make: Callable[[], Any]) -> Any:  # noqa: ANN401 (a view)
        """Return a view that depends on the scoring alone, made once."""
        with self._lock:
            if key in self._views:
                return self._views[key]
        view = make()
        with self._lock:
            if len(self._views) >= KEPT_VIEWS:
                self._views.pop(next(iter(self._views)))
            self._views[key] = view
        return view

    def registry(self) -> Registry:
        """Return what the model registry held within the last minute."""
        with self._registry_lock:
            # Both stores are migrated by Alembic, which knows one migration in a process.
            with suppress(AuditError, SQLAlchemyError):
                self._audit.check()
            if self._registry is None or time.monotonic() - self._registry_read > REGISTRY_SECONDS:
                self._registry = read_registry(self.home)
                self._registry_read = time.monotonic()
            return self._registry

    def record(
        self, served: Served, who: str, route: str, body: bytes, accounts: tuple[str, ...]
    ) -> None:
        """Record that a page gave scores out; it leaves after the row is on disk."""
        manifest = served.pair.manifest
        self._audit.record(
            Given(
                request_id=facts().request_id,
                at=datetime.now(UTC),
                caller=who,
                route=route,
                model_version=manifest.model_version,
                feature_digest=manifest.feature_digest,
                as_of=manifest.as_of,
                snapshot=served.pair.name,
                account_ids=accounts,
                response_sha256=hashlib.sha256(body).hexdigest(),
            )
        )

    def close(self) -> None:
        """Close the notes and stop reading."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        self.notes.close()

    def _warm(self) -> None:
        served = self.served()
        if served.currencies:
            self.portfolio(served, served.currencies[0], PERIODS[-1])
        self.registry()


def facts() -> RequestFacts:
    """Return what the gate knows of this request."""
    return REQUEST.get()
