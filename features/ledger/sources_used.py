"""Whether receipts and credits gave only what they hold, and returned cash gave it back."""

from features.ledger.finding import MAX_EXAMPLES, Finding, Outcome, money, worded
from features.session import Session

_RULES = {
    "not_over_applied": (
        "source_table = 'credits' or returned_cents = 0",
        "gave more than they hold",
        "Look for an application entered twice.",
        "No receipt or credit gave more than it holds.",
    ),
    "returns_reopen": (
        "returned_cents > 0 and not is_fresh",
        "went back but still pay items",
        "Take the items off with cash_return or unapply rows.",
        "Returned cash was taken off the items it had paid.",
    ),
}


def check_sources(session: Session) -> list[Finding]:
    """Compare, at the last known day, what each source gave with what it holds.

    Parameters
    ----------
    session : Session
        On the ledger to check, with ``last_day(through, settled)`` registered.

    Returns
    -------
    list of Finding
        Per currency of a broken rule: ``expected`` is what the sources could give (amount less
        returned), ``found`` what they gave. A return not yet settled is a warning.
    """
    session.run(("checks/sources_used",))
    findings: list[Finding] = []
    for name, (condition, broken, step, kept) in _RULES.items():
        found = _broken(session, name, condition, "failed", broken, step)
        findings += found or [Finding(name=name, outcome="passed", sentence=kept)]
    findings += _broken(
        session,
        "returns_reopen",
        "returned_cents > 0 and is_fresh",
        "warning",
        "went back within the maturity lag and still pay items",
        "Check again when the lag is over.",
    )
    return [*findings, _restored(session)]


def _broken(
    session: Session, name: str, condition: str, outcome: Outcome, words: str, step: str
) -> list[Finding]:
    rows = session.arrow(
        "select source_table, currency, count(*) as n, "  # noqa: S608 (conditions of this module)
        "cast(sum(source_cents - returned_cents) as bigint) as could, "
        f"cast(sum(used_cents) as bigint) as gave, min(source_id, {MAX_EXAMPLES}) as examples "
        f'from "checks/sources_used" where {condition} '
        "group by source_table, currency order by source_table, currency"
    )
    found = []
    for row in rows.to_pylist():
        expected, used = money(row["could"]), money(row["gave"])
        found.append(
            Finding(
                name=name,
                outcome=outcome,
                where=row["source_table"],
                currency=row["currency"],
                expected=expected,
                found=used,
                difference=used - expected,
                count=row["n"],
                examples=tuple(row["examples"]),
                sentence=f"{row['source_table'].capitalize()} in {row['currency']} that {words}: "
                f"{row['n']:,}. They could give {expected:,.2f} and gave {used:,.2f}, "
                f"{worded(used - expected)}. {step}",
            )
        )
    return found


def _restored(session: Session) -> Finding:
    """Check that no source took more off an item than it had put on it."""
    row = session.arrow(
        "select count(*) as n, min(invoice_id, "  # noqa: S608 (a number)
        f"{MAX_EXAMPLES}) as examples, cast(sum(cents) as bigint) as cents from ("
        "select invoice_id, source_id, sum(cast(amount * 100 as bigint)) as cents "
        "from applications cross join last_day "
        "where source_id is not null and visible_on <= through "
        "and (superseded_on is null or superseded_on > through) "
        "and cause in ('cash', 'cash_return', 'credit', 'netting', 'unapply') "
        "group by invoice_id, source_id having sum(amount) < -0.01) as broken"
    ).to_pylist()[0]
    if not row["n"]:
        return Finding(
            name="restores_what_it_paid",
            outcome="passed",
            sentence="No source took more off an item than it had put on it.",
        )
    return Finding(
        name="restores_what_it_paid",
        outcome="failed",
        where="applications",
        found=money(row["cents"]),
        count=row["n"],
        examples=tuple(row["examples"]),
        sentence="Items that a receipt or credit restored by more than it had paid of them: "
        f"{row['n']:,}. Look for a cash_return or unapply row entered twice.",
    )
