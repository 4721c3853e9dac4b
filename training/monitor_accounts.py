"""Whom scored rows belong to: families of accounts, and accounts that collectors worked."""

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.ledger.read import Ledger, show_tables

Names = npt.NDArray[np.object_]

CONTACT_DAYS = 30
"""An account counts as worked for so long after a contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBook:
    """Families and contacts of a ledger's accounts.

    Parameters
    ----------
    families : mapping-like pandas.Series
        Family by account: the parent, or the account itself.
    contacts : pandas.DataFrame
        ``account_id`` and ``contacted_on``, one row per contact.
    has_contacts : bool
        Whether the source has contacts at all; without them nobody is known to be worked.
    """

    families: "pd.Series[str]"
    contacts: pd.DataFrame
    has_contacts: bool

    def family(self, account: Names) -> Names:
        """Return the family of each row's account; an unknown account is its own."""
        own = pd.Series(account, dtype=object)
        return own.map(self.families).fillna(own).to_numpy(dtype=object)

    def worked(self, account: Names, first: pd.Series, last: pd.Series) -> npt.NDArray[np.bool_]:
        """Return whether a contact of the row's account falls on ``first`` to ``last``.

        Parameters
        ----------
        account : numpy.ndarray of str, shape (n,)
            Accounts of the rows.
        first, last : pandas.Series of timestamp, shape (n,)
            First and last day of each row, both inclusive.
        """
        rows = pd.DataFrame(
            {"account_id": account, "first": first.to_numpy(), "last": last.to_numpy()}
        )
        asked = rows.drop_duplicates()
        hits = asked.merge(self.contacts, on="account_id")
        hits = hits[hits["contacted_on"].between(hits["first"], hits["last"])]
        keys = ["account_id", "first", "last"]
        found = rows.merge(hits[keys].drop_duplicates(), on=keys, how="left", indicator=True)
        return found["_merge"].eq("both").to_numpy(dtype=bool)

    def worked_before(self, account: Names, as_of: pd.Series) -> npt.NDArray[np.bool_]:
        """Return whether each row's account was contacted in the 30 days up to ``as_of``."""
        return self.worked(account, as_of - timedelta(days=CONTACT_DAYS - 1), as_of)

    def worked_within(self, account: Names, as_of: pd.Series, days: int) -> npt.NDArray[np.bool_]:
        """Return whether each row's account was contacted in the ``days`` after ``as_of``."""
        return self.worked(account, as_of + timedelta(days=1), as_of + timedelta(days=days))


def read_account_book(ledger: Ledger, known_on: date) -> AccountBook:
    """Read families and contacts as the books showed them on ``known_on``."""
    with duckdb.connect(":memory:") as connection:
        show_tables(connection, ledger)
        families = connection.sql(
            "select account_id, coalesce(parent_account_id, account_id) as family from accounts"
        ).df()
        contacts = connection.execute(
            "select account_id, contacted_on from contacts where contacted_on <= ?", [known_on]
        ).df()
    contacts["contacted_on"] = pd.to_datetime(contacts["contacted_on"])
    unique = families.drop_duplicates("account_id").set_index("account_id")["family"]
    return AccountBook(
        families=unique, contacts=contacts, has_contacts="contacts" in ledger.present
    )
