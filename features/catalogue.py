"""Every feature: its name, family, unit, range, direction and the sentence people read.

The catalogue is the only list of features. ``features.build`` selects exactly these columns
from the family queries, the model trains on them in this order, explanations group them by
family, and the feature page is generated from them.

``sentence`` is a template about the account or the invoice; ``{value}`` is filled with the
value in the feature's unit. ``needs`` names the optional ledger tables behind a feature:
where a source does not have them the value is missing, never zero.
"""

import hashlib

from features.feature import DOWN, FAMILIES, MIXED, UP, Feature, FeatureQuery

__all__ = ["CATALOGUE", "FAMILIES", "NAMES", "Feature", "feature_digest"]

_document = FeatureQuery(query="document", grain="item")
_usual = FeatureQuery(query="item_against_usual", grain="item")
_ageing = FeatureQuery(query="ageing", grain="account_currency")
_past = FeatureQuery(query="past_ageing", grain="account_currency")
_payments = FeatureQuery(query="payment_behaviour", grain="account")
_rhythm = FeatureQuery(query="regularity", grain="account")
_slope = FeatureQuery(query="recent_payments", grain="account")
_history = FeatureQuery(query="own_history", grain="item")
_life = FeatureQuery(query="life_table", grain="item")
_rolls = FeatureQuery(query="own_rolls", grain="account")
_billing = FeatureQuery(query="billing", grain="account_currency")
_returns = FeatureQuery(query="returns", grain="account", needs=("receipts", "receipt_returns"))
_restored = FeatureQuery(query="item_returns", grain="item", needs=("receipt_returns",))
_disputes = FeatureQuery(query="disputing", grain="account_currency", needs=("disputes",))
_disputed = FeatureQuery(query="item_disputes", grain="item", needs=("disputes",))
_promises = FeatureQuery(query="promise_keeping", grain="account", needs=("promises",))
_promised = FeatureQuery(query="item_promises", grain="item", needs=("promises",))
_plans = FeatureQuery(query="item_plans", grain="item", needs=("installments",))
_credits = FeatureQuery(query="credit_use", grain="account_currency", needs=("receipts", "credits"))
_terms = FeatureQuery(query="terms_of_trade", grain="account_currency", needs=("account_changes",))
_family = FeatureQuery(query="family", grain="account_currency", needs=("account_changes",))
_calendar = FeatureQuery(query="due_calendar", grain="item")

CATALOGUE: tuple[Feature, ...] = (
    _document("days_past_due", "item_age", "days", MIXED, "is {value} days past due"),
    _document("age_days", "item_age", "days", MIXED, "was issued {value} days ago"),
    _document("terms_days", "document", "days", MIXED, "has terms of {value} days"),
    _document("due_moved_days", "document", "days", UP, "had its due date moved by {value} days"),
    _document("item_amount", "document", "money", MIXED, "was billed at {value}"),
    _document("billing_kind", "document", "code", MIXED, "is of billing kind {value}"),
    _document("po_number_missing", "document", "flag", UP, "lacks a purchase order number"),
    _document("is_finance_charge", "document", "flag", UP, "is a finance charge"),
    _document("is_rebilled", "document", "flag", UP, "was re-billed before"),
    _document("item_balance", "exposure", "money", MIXED, "has {value} open"),
    _document("item_paid_share", "part_payments", "share", MIXED, "is paid to {value}"),
    _document("item_credited_share", "part_payments", "share", MIXED, "is credited to {value}"),
    _document("item_payments", "part_payments", "items", MIXED, "received {value} part payments"),
    _document(
        "days_since_part_payment",
        "part_payments",
        "days",
        MIXED,
        "last moved by a part payment {value} days ago",
    ),
    _ageing("account_open_items", "account_ageing", "items", MIXED, "has {value} open invoices"),
    _ageing("account_past_due_items", "account_ageing", "items", UP, "has {value} past due"),
    _ageing(
        "account_31_plus_items", "account_ageing", "items", UP, "has {value} more than 30 days late"
    ),
    _ageing(
        "account_61_plus_items", "account_ageing", "items", UP, "has {value} more than 60 days late"
    ),
    _ageing(
        "account_91_plus_items", "account_ageing", "items", UP, "has {value} more than 90 days late"
    ),
    _ageing(
        "account_oldest_days_past_due",
        "account_ageing",
        "days",
        UP,
        "has an oldest open invoice {value} days past due",
    ),
    _ageing(
        "account_youngest_days_past_due",
        "account_ageing",
        "days",
        UP,
        "has a youngest open invoice {value} days past due",
    ),
    _ageing(
        "account_past_due_share", "account_ageing", "share", UP, "has {value} of its balance late"
    ),
    _ageing(
        "account_31_plus_share",
        "account_ageing",
        "share",
        UP,
        "has {value} of its balance more than 30 days late",
    ),
    _ageing(
        "account_61_plus_share",
        "account_ageing",
        "share",
        UP,
        "has {value} of its balance more than 60 days late",
    ),
    _ageing(
        "account_91_plus_share",
        "account_ageing",
        "share",
        UP,
        "has {value} of its balance more than 90 days late",
    ),
    _ageing(
        "account_mean_days_past_due",
        "account_ageing",
        "days",
        UP,
        "has a balance on average {value} days past due",
    ),
    _past(
        "past_due_share_change_30",
        "account_ageing",
        "change",
        UP,
        "has a late share of its balance that moved by {value} in 30 days",
    ),
    _past(
        "past_due_share_change_90",
        "account_ageing",
        "change",
        UP,
        "has a late share of its balance that moved by {value} in 90 days",
    ),
    _rolls(
        "own_roll_current_180",
        "account_ageing",
        "share",
        UP,
        "lets {value} of its invoices fall past due",
    ),
    _rolls(
        "own_roll_1_30_180",
        "account_ageing",
        "share",
        UP,
        "lets {value} of those past due reach 31 days",
    ),
    _rolls(
        "own_roll_31_60_180",
        "account_ageing",
        "share",
        UP,
        "lets {value} of those 31 days late reach 61",
    ),
    _rolls(
        "own_roll_61_90_180",
        "account_ageing",
        "share",
        UP,
        "lets {value} of those 61 days late reach 91",
    ),
    _rolls(
        "outer_share_365",
        "account_ageing",
        "share",
        UP,
        "had {value} of a year's invoices more than 30 days late",
    ),
    _rolls("cured_share_365", "account_ageing", "share", DOWN, "has paid {value} of those since"),
    _payments(
        "paid_items_a_month", "relationship", "ratio", MIXED, "pays {value} invoices a month"
    ),
    _payments("paid_items_60", "payment_timing", "items", DOWN, "paid {value} in 60 days"),
    _payments("paid_items_180", "payment_timing", "items", DOWN, "paid {value} in 180 days"),
    _payments("paid_items_365", "payment_timing", "items", DOWN, "paid {value} in a year"),
    _payments("dbt_mean", "payment_timing", "days", UP, "pays {value} days beyond terms"),
    _payments(
        "dbt_mean_30", "payment_timing", "days", UP, "paid {value} days beyond terms in 30 days"
    ),
    _payments(
        "dbt_mean_60", "payment_timing", "days", UP, "paid {value} days beyond terms in 60 days"
    ),
    _payments(
        "dbt_mean_90", "payment_timing", "days", UP, "paid {value} days beyond terms in 90 days"
    ),
    _payments(
        "dbt_mean_180", "payment_timing", "days", UP, "paid {value} days beyond terms in 180 days"
    ),
    _payments(
        "dbt_mean_365", "payment_timing", "days", UP, "paid {value} days beyond terms in a year"
    ),
    _payments(
        "dbt_median_365", "payment_timing", "days", UP, "typically pays {value} days beyond terms"
    ),
    _payments(
        "dbt_spread_365", "payment_timing", "days", UP, "varies by {value} days in when it pays"
    ),
    _payments(
        "dbt_worst_365", "payment_timing", "days", UP, "paid at worst {value} days beyond terms"
    ),
    _payments(
        "dbt_best_365", "payment_timing", "days", UP, "paid at best {value} days beyond terms"
    ),
    _payments(
        "dbt_amount_weighted_365",
        "payment_timing",
        "days",
        UP,
        "pays its dollars {value} days beyond terms",
    ),
    _payments(
        "dbt_large_premium_365",
        "payment_timing",
        "days",
        UP,
        "pays large invoices {value} days later than small ones",
    ),
    _payments(
        "dbt_decayed",
        "payment_timing",
        "days",
        UP,
        "lately pays {value} days beyond terms",
    ),
    _payments(
        "dbt_trend",
        "payment_timing",
        "days",
        UP,
        "pays {value} days later now than over the year",
    ),
    _slope(
        "dbt_slope_10",
        "payment_timing",
        "slope",
        UP,
        "pays {value} days later each month, over its last ten pay days",
    ),
    _payments(
        "days_to_pay_mean_365", "payment_timing", "days", UP, "takes {value} days from invoice"
    ),
    _payments("late_share_365", "payment_timing", "share", UP, "paid {value} late in a year"),
    _payments("late_share_60", "payment_timing", "share", UP, "paid {value} late in 60 days"),
    _payments(
        "late_15_share_365",
        "payment_timing",
        "share",
        UP,
        "paid {value} more than 15 days late in a year",
    ),
    _payments(
        "late_30_share_365",
        "payment_timing",
        "share",
        UP,
        "paid {value} more than 30 days late in a year",
    ),
    _payments(
        "late_60_share_365",
        "payment_timing",
        "share",
        UP,
        "paid {value} more than 60 days late in a year",
    ),
    _payments(
        "late_30_share", "payment_timing", "share", UP, "has ever paid {value} over 30 days late"
    ),
    _payments(
        "paid_in_parts_share_365", "part_payments", "share", UP, "paid {value} in parts in a year"
    ),
    _payments(
        "short_paid_share_365",
        "part_payments",
        "share",
        UP,
        "paid {value} a little short in a year",
    ),
    _payments("overpaid_share_365", "part_payments", "share", MIXED, "overpaid {value} in a year"),
    _payments(
        "discount_share_365", "part_payments", "share", DOWN, "took a discount on {value} in a year"
    ),
    _payments(
        "days_since_last_payment", "payment_rhythm", "days", UP, "last paid {value} days ago"
    ),
    _rhythm("payment_gap_days", "payment_rhythm", "days", MIXED, "pays every {value} days"),
    _rhythm(
        "payment_gap_ratio",
        "payment_rhythm",
        "ratio",
        UP,
        "has waited {value} times its usual gap between payments",
    ),
    _rhythm(
        "days_to_usual_weekday",
        "payment_rhythm",
        "days",
        MIXED,
        "is {value} days from its usual weekday of payment",
    ),
    _rhythm(
        "days_to_usual_month_day",
        "payment_rhythm",
        "days",
        MIXED,
        "is {value} days from its usual day of the month",
    ),
    _usual(
        "days_past_due_on_usual_day",
        "payment_rhythm",
        "days",
        MIXED,
        "will be {value} days past due on the account's next usual pay day",
    ),
    _rhythm("pay_days_365", "payment_rhythm", "items", DOWN, "paid on {value} days in a year"),
    _rhythm(
        "weekday_share",
        "payment_rhythm",
        "share",
        MIXED,
        "makes {value} of payments on one weekday",
    ),
    _rhythm(
        "month_day_share",
        "payment_rhythm",
        "share",
        MIXED,
        "makes {value} of payments on one day of the month",
    ),
    _rhythm(
        "month_end_share",
        "payment_rhythm",
        "share",
        MIXED,
        "makes {value} of payments at month end",
    ),
    _history(
        "own_judged_items",
        "own_history",
        "items",
        MIXED,
        "had {value} other invoices that reached this age",
    ),
    _history(
        "own_roll_rate_at_age",
        "own_history",
        "share",
        UP,
        "left {value} of its other invoices unpaid 30 days on from this age",
    ),
    _history(
        "own_share_paid_later",
        "own_history",
        "share",
        DOWN,
        "paid {value} of its other invoices later than this",
    ),
    _history(
        "own_share_paid_much_later",
        "own_history",
        "share",
        UP,
        "paid {value} of those it paid later than this more than 30 days later",
    ),
    _life(
        "own_survival_30",
        "own_history",
        "share",
        UP,
        "leaves {value} of its invoices of this age unpaid 30 days on",
    ),
    _life(
        "own_survival_30_cautious",
        "own_history",
        "share",
        UP,
        "leaves {value} of its invoices of this age unpaid, by a cautious count",
    ),
    _life(
        "own_items_seen_at_age",
        "own_history",
        "items",
        MIXED,
        "had {value} other invoices unpaid at this age",
    ),
    _usual(
        "days_beyond_usual",
        "own_history",
        "days",
        UP,
        "is {value} days past the day on which the account usually pays",
    ),
    _usual(
        "age_beyond_usual",
        "own_history",
        "days",
        UP,
        "is {value} days older than the account's invoices are when it pays",
    ),
    _history(
        "younger_paid_items",
        "own_history",
        "items",
        UP,
        "paid {value} younger invoices before this one",
    ),
    _history(
        "younger_paid_share",
        "own_history",
        "ratio",
        UP,
        "skipped this one: younger invoices paid per younger one due is {value}",
    ),
    _ageing("account_balance", "exposure", "money", MIXED, "owes {value} in all"),
    _usual(
        "item_share_of_account", "exposure", "share", MIXED, "is {value} of the account's balance"
    ),
    _billing(
        "account_days_of_sales", "exposure", "days", UP, "owes {value} days of its own billing"
    ),
    _past(
        "balance_against_90_days_ago",
        "exposure",
        "ratio",
        MIXED,
        "owes {value} times what it owed 90 days ago",
    ),
    _ageing(
        "largest_item_share",
        "exposure",
        "share",
        MIXED,
        "owes {value} of its balance on one invoice",
    ),
    _billing(
        "billing_gap_ratio",
        "exposure",
        "ratio",
        UP,
        "was last invoiced {value} times its usual gap ago",
    ),
    _billing(
        "terms_range_365",
        "relationship",
        "days",
        MIXED,
        "has invoice terms that differ by {value} days",
    ),
    _billing("billing_trend", "exposure", "ratio", MIXED, "is billed {value} times its usual"),
    _usual(
        "amount_against_usual", "exposure", "ratio", MIXED, "is {value} times the usual invoice"
    ),
    _usual(
        "terms_against_usual",
        "document",
        "days",
        MIXED,
        "has terms {value} days longer than the account's usual",
    ),
    _billing("invoices_365", "relationship", "items", MIXED, "had {value} invoices in a year"),
    _billing(
        "days_since_invoice", "relationship", "days", MIXED, "was last invoiced {value} days ago"
    ),
    _billing(
        "open_share_due_60",
        "account_ageing",
        "share",
        UP,
        "has {value} of what fell due in 60 days still open",
    ),
    _billing(
        "relationship_days", "relationship", "days", DOWN, "has been invoiced for {value} days"
    ),
    _family("family_members", "family", "items", MIXED, "has {value} relatives with open invoices"),
    _family(
        "family_past_due_share",
        "family",
        "share",
        UP,
        "has relatives with {value} of their balance late",
    ),
    _family(
        "family_dbt_mean_365",
        "family",
        "days",
        UP,
        "has relatives that pay {value} days beyond terms",
    ),
    _terms("autopay", "relationship", "flag", MIXED, "is on automatic payment"),
    _terms("credit_limit_used", "exposure", "ratio", UP, "uses {value} times its credit limit"),
    _returns("returns_365", "returns", "items", UP, "had {value} payments returned in a year"),
    _returns("funds_returns_365", "returns", "items", UP, "had {value} returned for lack of funds"),
    _returns(
        "account_data_returns_365",
        "returns",
        "items",
        UP,
        "had {value} returned for wrong account data",
    ),
    _returns(
        "unauthorised_returns_365", "returns", "items", UP, "had {value} returned as unauthorised"
    ),
    _returns("disputed_returns_365", "returns", "items", UP, "had {value} returned in dispute"),
    _returns(
        "automatic_returns_365", "returns", "items", UP, "had {value} automatic payments returned"
    ),
    _returns(
        "days_since_funds_return",
        "returns",
        "days",
        DOWN,
        "had one returned for lack of funds {value} days ago",
    ),
    _returns("chargebacks_365", "returns", "items", UP, "charged back {value} payments"),
    _returns("days_since_return", "returns", "days", DOWN, "had one returned {value} days ago"),
    _returns("returned_share_365", "returns", "ratio", UP, "had {value} returns per receipt"),
    _returns("provisional_receipts", "returns", "items", UP, "has {value} payments not yet final"),
    _restored("item_returned_payments", "returns", "items", UP, "was re-opened by {value} returns"),
    _restored("days_since_item_return", "returns", "days", MIXED, "was re-opened {value} days ago"),
    _disputed("item_disputed_share", "disputes", "share", UP, "is disputed to {value}"),
    _disputed("item_dispute_days", "disputes", "days", UP, "has been in dispute for {value} days"),
    _disputed("item_was_disputed", "disputes", "flag", MIXED, "had a dispute that was closed"),
    _disputes("account_disputed_share", "disputes", "share", UP, "disputes {value} of its balance"),
    _disputes(
        "disputed_share_of_billing_365",
        "disputes",
        "ratio",
        UP,
        "disputed {value} of a year's billing",
    ),
    _disputes(
        "dispute_days_to_close", "disputes", "days", UP, "takes {value} days to settle disputes"
    ),
    _promises("promise_kept_rate", "promises", "share", DOWN, "keeps {value} of its promises"),
    _promises(
        "promised_cash_rate", "promises", "share", DOWN, "brings {value} of the cash it promises"
    ),
    _promises(
        "days_since_broken_promise", "promises", "days", DOWN, "broke a promise {value} days ago"
    ),
    _promised("item_promise_broken", "promises", "flag", UP, "has a broken promise on it"),
    _promised(
        "item_broken_promise_share",
        "promises",
        "share",
        UP,
        "has broken promises over {value} of it",
    ),
    _promised("item_promised_share", "promises", "share", DOWN, "is promised to {value}"),
    _promised(
        "days_to_item_promise", "promises", "days", MIXED, "is promised for {value} days from now"
    ),
    _plans("item_planned_share", "promises", "share", MIXED, "is on a plan to {value}"),
    _plans(
        "item_missed_installment_share",
        "promises",
        "share",
        UP,
        "has missed instalments of {value} of it",
    ),
    _plans(
        "days_to_installment", "promises", "days", MIXED, "has an instalment due in {value} days"
    ),
    _credits(
        "credits_against_balance_365",
        "credits",
        "ratio",
        MIXED,
        "was credited {value} times its balance in a year",
    ),
    _credits("days_since_credit", "credits", "days", MIXED, "was credited {value} days ago"),
    _credits(
        "unapplied_share", "credits", "ratio", MIXED, "has unapplied cash of {value} of its balance"
    ),
    _credits(
        "unapplied_against_past_due",
        "credits",
        "ratio",
        DOWN,
        "has unapplied cash of {value} of what is late",
    ),
    _calendar("due_weekday", "calendar", "code", MIXED, "falls due on weekday {value}"),
    _calendar("due_month_day", "calendar", "code", MIXED, "falls due on day {value} of a month"),
    _calendar(
        "due_before_month_end",
        "calendar",
        "days",
        MIXED,
        "falls due {value} days before the end of a month",
    ),
    _calendar("due_at_quarter_end", "calendar", "flag", MIXED, "falls due at the end of a quarter"),
    _calendar(
        "business_days_past_due", "calendar", "days", MIXED, "is {value} business days past due"
    ),
    _calendar("due_month", "calendar", "code", MIXED, "falls due in {value}"),
)

NAMES: tuple[str, ...] = tuple(feature.name for feature in CATALOGUE)


def feature_digest(names: tuple[str, ...] = NAMES) -> str:
    """Return the short digest that names this list of features and their SQL.

    Two models with the same digest read the same columns from the same queries, the stages
    that these queries build on included.

    Examples
    --------
    >>> len(feature_digest())
    16
    """
    from features.engines import (  # noqa: PLC0415 (engines reads the SQL folder)
        FEATURE_STAGES,
        ITEM_STAGES,
        query_text,
    )
    from features.inputs import HALF_LIFE_DAYS, LOOKS_BACK_DAYS  # noqa: PLC0415 (beside it)
    from features.return_codes import return_codes  # noqa: PLC0415 (beside it)
    from features.usual_curve import KNOTS  # noqa: PLC0415 (beside it)

    digest = hashlib.sha256()
    for feature in CATALOGUE:
        if feature.name in names:
            digest.update(f"{feature.name}|{feature.query}|{feature.grain}\n".encode())
    for stage in (*ITEM_STAGES, *FEATURE_STAGES):
        digest.update(query_text(stage).encode())
    fixed = (KNOTS, HALF_LIFE_DAYS, LOOKS_BACK_DAYS, return_codes().digest)
    digest.update(repr(fixed).encode())
    return digest.hexdigest()[:16]
