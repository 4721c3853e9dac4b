"""The laws of the feature pipeline: each changes a crowd's books and says what came out otherwise.

A law takes a crowd and the pipeline to ask, and returns where the answer differs, by generated
family. It reads the public interface alone: ledgers go in, feature frames come out, and the
catalogue says what a feature's unit is and which tables it needs.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.build import FeatureFrame
from features.catalogue import CATALOGUE
from features.ledger.cutting import cut_ledger
from features.ledger.read import Ledger
from features.ledger.tables import TABLES
from tests.laws.changing import doubled, renamed, scaled, scrambled, shuffled
from tests.laws.comparing import Difference, Found, differences, rows_of
from tests.laws.generated import LAST, Crowd, assemble, ledger_of
from tests.laws.importing import imported, imported_again, imported_otherwise
from tests.laws.pipelines import Pipeline
from tests.laws.planting import with_late_rows, with_returned_payments, without_overruled
from tests.laws.postings import open_balances

OPTIONAL = tuple(name for name, table in TABLES.items() if not table.required)
"""Tables that a source may lack."""

REFINING = ("due_date_changes", "credits", "receipt_returns")
"""Optional tables that refine what others say: the due date of an item, whether an unapply takes
back cash or a credit, how much of a receipt was kept."""

TIMELESS = ("ageing", "due_calendar")
"""Queries of features that no payment may change once it was returned."""

OF_THE_PAST = ("past_ageing",)
"""Queries that tell what the books showed earlier, with the versions that stood then."""

Law = Callable[[Crowd, Pipeline], Found]


def cutting_changes_nothing(crowd: Crowd, pipeline: Pipeline) -> Found:
    """Features of a day from all books are those from the books as they stood on that day."""
    cut: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
    for day in crowd.days:
        names = [name for name, own in crowd.day_of.items() if own == day]
        for name, rows in cut_ledger(ledger_of(crowd.tables(names)), day).rows.items():
            cut[name].append(rows)
    then = ledger_of({name: pa.concat_tables(parts) for name, parts in cut.items()})
    return _on_own_days(crowd, crowd.ledger, then, pipeline)


def late_rows_are_unseen(crowd: Crowd, pipeline: Pipeline) -> Found:
    """A row dated in the past but known later is invisible until it is known, in every table."""
    planted = {name: with_late_rows(family) for name, family in crowd.families.items()}
    later = assemble(crowd.seed, planted)
    return _on_own_days(crowd, crowd.ledger, later.ledger, pipeline)


def overruled_versions_leave_no_trace(crowd: Crowd, pipeline: Pipeline) -> Found:
    """Once a newer version of a row is known, what the older one said no longer counts."""
    kept = {name: without_overruled(family) for name, family in crowd.families.items()}
    found = _on_own_days(crowd, crowd.ledger, assemble(crowd.seed, kept).ledger, pipeline)
    past = [feature.name for feature in CATALOGUE if feature.query in OF_THE_PAST]
    columns = {cell.column for cells in found.values() for cell in cells}
    return _only(found, sorted(columns.difference(past)))


def order_and_threads_change_nothing(crowd: Crowd, pipeline: Pipeline) -> Found:
    """Rows in another order, and two threads instead of one, give the same bytes."""
    first = pipeline(crowd.ledger, crowd.days)
    return differences(first, pipeline(shuffled(crowd.ledger, 5), crowd.days, threads=2))


def rows_written_twice_count_once(crowd: Crowd, pipeline: Pipeline) -> Found:
    """A ledger that holds every row twice gives the same bytes."""
    first = pipeline(crowd.ledger, crowd.days)
    return differences(first, pipeline(doubled(crowd.ledger), crowd.days))


def imports_change_nothing(crowd: Crowd, pipeline: Pipeline) -> Found:
    """The same rows in several files, in another order of files or one file twice: same bytes.

    Files that were imported have kept states, rows in memory have none.
    """
    return _through_imports(crowd, pipeline, (imported, imported_otherwise))


def rows_imported_again_change_nothing(crowd: Crowd, pipeline: Pipeline) -> Found:
    """An export that holds rows of an earlier one, and all their versions, adds nothing."""
    return _through_imports(crowd, pipeline, (imported_again,))


def the_crowd_changes_nothing(crowd: Crowd, pipeline: Pipeline) -> Found:
    """An account with its parents and siblings gives alone what it gives among others."""
    together = pipeline(crowd.ledger, crowd.days)
    family = together.items["account_id"].str[:2]
    names = sorted(crowd.families)
    found: Found = {}
    for some in (names[: len(names) // 2], names[len(names) // 2 :], names[-1:]):
        apart = pipeline(ledger_of(crowd.tables(some)), crowd.days)
        found |= differences(together.select(family.isin(some).to_numpy(dtype=bool)), apart)
    return found


def dates_change_nothing(crowd: Crowd, pipeline: Pipeline) -> Found:
    """Many dates asked at once give what each date gives alone."""
    together = pipeline(crowd.ledger, crowd.days)
    found: Found = {}
    for day in crowd.days:
        this = (together.items["as_of"] == pd.Timestamp(day)).to_numpy(dtype=bool)
        found |= differences(together.select(this), pipeline(crowd.ledger, [day]))
    return found


def returned_payments_restore_the_age(crowd: Crowd, pipeline: Pipeline) -> Found:
    """An item whose payment comes back is as old as if it had never been paid."""
    before = rows_of(pipeline(crowd.ledger, crowd.days), crowd.day_of)
    planted = {
        name: with_returned_payments(family, _open_cents(before, name))
        for name, family in crowd.families.items()
    }
    after = pipeline(assemble(crowd.seed, planted).ledger, crowd.days)
    ages = [feature.name for feature in CATALOGUE if feature.query in TIMELESS]
    return _only(differences(before, rows_of(after, crowd.day_of)), [*before.items.columns, *ages])


def money_scales(crowd: Crowd, pipeline: Pipeline) -> Found:
    """All money and the tolerance times k: money times k, all else as it was.

    k is a power of two, which floating-point numbers take without rounding.
    """
    factor = 2 ** (1 + crowd.seed % 4)
    before = pipeline(crowd.ledger, crowd.days)
    money = np.array([feature.unit == "money" for feature in CATALOGUE])
    amounts = {name: before.items[name] * factor for name in ("open_balance", "amount")}
    expected = replace(
        before,
        items=before.items.assign(**amounts),
        values=before.matrix(before.names) * np.where(money, float(factor), 1.0),
    )
    after = pipeline(scaled(crowd.ledger, factor), crowd.days, tolerance=float(factor))
    return differences(expected, after)


def names_change_nothing(crowd: Crowd, pipeline: Pipeline) -> Found:
    """Other ids, in the same order or another, give the same values under the other ids."""
    before = pipeline(crowd.ledger, crowd.days)
    found: Found = {}
    for name_of in ("x{}".format, scrambled):
        after = pipeline(renamed(crowd.ledger, name_of), crowd.days)
        back = {
            name_of(name): name
            for column in ("account_id", "invoice_id")
            for name in before.items[column]
        }
        items = after.items.assign(
            account_id=after.items["account_id"].map(back),
            invoice_id=after.items["invoice_id"].map(back),
        ).sort_values(["as_of", "account_id", "invoice_id"])
        order = items.index.to_numpy()
        values = after.matrix(after.names)[order]
        named = replace(after, items=items.reset_index(drop=True), values=values)
        found |= differences(before, named)
    return found


def buckets_sum_to_the_open_balance(crowd: Crowd, pipeline: Pipeline) -> Found:
    """Buckets and undated items add up to what the postings leave open, per account."""
    frame = pipeline(crowd.ledger, crowd.days)
    items = frame.items.assign(bucket=frame.bucket)
    cents = (items["open_balance"] * 100).round().astype(int)
    keys = [items["as_of"].dt.date, items["account_id"], items["currency"], items["bucket"]]
    aged = cents.groupby(keys).sum().groupby(level=[0, 1, 2]).sum().to_dict()
    posted = open_balances(crowd.ledger, crowd.days)
    found: Found = {}
    for key in sorted(aged.keys() | posted.keys()):
        if aged.get(key) != posted.get(key):
            as_of, account, currency = key
            column = f"open cents in {currency}"
            cell = Difference(
                as_of=str(as_of),
                invoice=account,
                column=column,
                left=posted.get(key),
                right=aged.get(key),
            )
            found.setdefault(account[:2], []).append(cell)
    return found


def ageing_is_that_of_the_items(crowd: Crowd, pipeline: Pipeline) -> Found:
    """Counts and shares by bucket are those of the account's items, aged from their due dates."""
    frame = pipeline(crowd.ledger, crowd.days)
    items = frame.items
    cents = (items["open_balance"] * 100).round().astype("int64")
    late = (items["as_of"] - pd.to_datetime(items["due_on"])).dt.days
    keys = [items["as_of"], items["account_id"], items["currency"]]

    def total(values: pd.Series) -> npt.NDArray[np.float64]:
        return values.groupby(keys).transform("sum").to_numpy(dtype=float)

    dated = late.notna()
    known, owed = total(dated.astype("int64")), total(cents.where(dated, 0))
    values = frame.matrix(frame.names).copy()
    for days, words in ((0, "past_due"), (30, "31_plus"), (60, "61_plus"), (90, "91_plus")):
        beyond = dated & (late > days)
        count, sum_ = total(beyond.astype("int64")), total(cents.where(beyond, 0))
        share = np.divide(sum_, owed, out=np.full(len(owed), np.nan), where=owed > 0)
        values[:, frame.names.index(f"account_{words}_share")] = share
        values[:, frame.names.index(f"account_{words}_items")] = np.where(known > 0, count, np.nan)
    return differences(frame, replace(frame, values=values))


def values_lie_in_their_range(crowd: Crowd, pipeline: Pipeline) -> Found:
    """Each value lies in the closed range that the catalogue gives, or is missing."""
    frame = pipeline(crowd.ledger, crowd.days)
    low = np.array([feature.low for feature in CATALOGUE])
    high = np.array([feature.high for feature in CATALOGUE])
    return differences(frame, replace(frame, values=np.clip(frame.values, low, high)))


def missing_tables_give_missing_values(
    crowd: Crowd, pipeline: Pipeline, tables: Sequence[str] = OPTIONAL
) -> Found:
    """Without a table the features that need it are missing, and all others are as they were.

    A table that refines others is as good as empty where it is missing.
    """
    whole = pipeline(crowd.ledger, crowd.days)
    found: Found = {}
    for name in tables:
        rest = {other: rows for other, rows in crowd.ledger.rows.items() if other != name}
        without = pipeline(ledger_of(rest), crowd.days)
        expected = whole
        if name in REFINING:
            empty = crowd.ledger.rows[name].slice(0, 0)
            expected = pipeline(ledger_of({**rest, name: empty}), crowd.days)
        needs = np.array([name in feature.needs for feature in CATALOGUE])
        expected = replace(expected, values=np.where(needs, np.nan, expected.values))
        found |= differences(expected, without)
    return found


def _through_imports(
    crowd: Crowd, pipeline: Pipeline, ways: Sequence[Callable[[Ledger, Path], Ledger]]
) -> Found:
    days = (*crowd.days, LAST)
    first = pipeline(crowd.ledger, days)
    found: Found = {}
    for way in ways:
        with tempfile.TemporaryDirectory() as folder:
            found |= differences(first, pipeline(way(crowd.ledger, Path(folder)), days))
    return found


def _on_own_days(crowd: Crowd, left: Ledger, right: Ledger, pipeline: Pipeline) -> Found:
    """Compare two ledgers, each family on its own day."""
    return differences(
        rows_of(pipeline(left, crowd.days), crowd.day_of),
        rows_of(pipeline(right, crowd.days), crowd.day_of),
    )


def _open_cents(frame: FeatureFrame, name: str) -> Mapping[str, int]:
    own = frame.items[frame.items["account_id"].str[:2] == name]
    cents = (own["open_balance"] * 100).round().astype(int)
    return dict(zip(own["invoice_id"], cents.tolist(), strict=True))


def _only(found: Found, columns: Sequence[str]) -> Found:
    wanted = {*columns, "open item"}
    kept = {
        name: [cell for cell in cells if cell.column in wanted] for name, cells in found.items()
    }
    return {name: cells for name, cells in kept.items() if cells}
