"""Which accounts and invoices exist, so that rows that hang on none can be told."""

from collections.abc import Iterable
from typing import TypedDict

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.ledger.read import Ledger, show_tables
from features.ledger.verdicts import Verdicts


class KnownKeys(TypedDict, total=False):
    """Accounts and invoices of earlier batches, as keyword arguments of ``validate``."""

    known_accounts: pa.Array
    known_invoices: pa.Table


def known_keys(ledger: Ledger | None) -> KnownKeys:
    """Return the accounts and invoices that a ledger holds; nothing for the first batch.

    Parameters
    ----------
    ledger : Ledger or None
        What earlier batches brought.

    Returns
    -------
    KnownKeys
        ``known_accounts``, an array of ids, and ``known_invoices``, a table of
        ``invoice_id`` and ``account_id``.

    Examples
    --------
    >>> known_keys(None)
    {}
    """
    if ledger is None:
        return {}
    with duckdb.connect() as connection:
        show_tables(connection, ledger)
        accounts = connection.sql("select distinct account_id from stored_accounts")
        invoices = connection.sql("select distinct invoice_id, account_id from stored_invoices")
        return {
            "known_accounts": accounts.to_arrow_table()["account_id"].combine_chunks(),
            "known_invoices": invoices.to_arrow_table(),
        }


class Parents:
    """Accounts and invoices that rows may belong to.

    Parameters
    ----------
    accounts : array or iterable of str, optional
        Account ids known so far.
    invoices : pa.Table, optional
        ``invoice_id`` and ``account_id`` of the invoices known so far.
    """

    def __init__(
        self, accounts: pa.Array | Iterable[str] | None, invoices: pa.Table | None
    ) -> None:
        if isinstance(accounts, pa.ChunkedArray):
            known = accounts.chunks
        elif isinstance(accounts, pa.Array):
            known = [accounts]
        else:
            known = [pa.array(sorted(accounts or ()), pa.string())]
        self._accounts = pa.chunked_array(known, pa.string())
        ids = ["invoice_id", "account_id"]
        empty = pa.table({name: pa.array([], pa.string()) for name in ids})
        self._invoices = empty if invoices is None else invoices.select(ids)

    def add(self, batch: Verdicts) -> None:
        """Take the good accounts or invoices for parents of the tables that follow."""
        if batch.table.name not in {"accounts", "invoices"}:
            return
        good = batch.accepted()
        if batch.table.name == "accounts":
            self._accounts = pa.chunked_array(
                [*self._accounts.chunks, *good["account_id"].chunks], pa.string()
            )
        else:
            self._invoices = pa.concat_tables(
                [self._invoices, good.select(self._invoices.column_names)]
            )

    def check(self, batch: Verdicts) -> None:
        """Refuse rows whose account or invoice is unknown, or whose two do not belong together."""
        columns = batch.table.column_names
        if batch.table.name == "accounts":
            return
        if "account_id" in columns:
            known = pc.is_in(batch.rows["account_id"], value_set=self._accounts)
            self._refuse(batch, ~known.to_numpy(), "orphan", "account_id")
        if "invoice_id" in columns and batch.table.name != "invoices":
            self._check_invoices(batch)
            if "account_id" in columns:
                self._check_owners(batch)

    def _check_invoices(self, batch: Verdicts) -> None:
        ids = batch.rows["invoice_id"]
        unknown = pc.and_not(
            pc.is_valid(ids), pc.is_in(ids, value_set=self._invoices["invoice_id"])
        ).to_numpy()
        self._refuse(batch, unknown, "orphan", "invoice_id")

    def _check_owners(self, batch: Verdicts) -> None:
        # An invoice may have versions; one of them must name the account.
        rows = batch.rows
        known = pc.is_in(rows["invoice_id"], value_set=self._invoices["invoice_id"])
        belongs = pc.is_in(_pairs(rows), value_set=_pairs(self._invoices))
        wrong = pc.and_(pc.and_(known, pc.is_valid(rows["account_id"])), pc.invert(belongs))
        self._refuse(batch, wrong.to_numpy(), "account", "account_id")

    @staticmethod
    def _refuse(batch: Verdicts, wrong: npt.NDArray[np.bool_], rule: str, column: str) -> None:
        batch.reject(np.flatnonzero(wrong & batch.good), rule, column)


def _pairs(rows: pa.Table) -> pa.ChunkedArray:
    """Return invoice and account of each row as one text; no id holds a NUL."""
    return pc.binary_join_element_wise(rows["invoice_id"], rows["account_id"], "\0")
