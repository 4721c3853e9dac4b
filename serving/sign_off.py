"""What bears hard on a person is only proposed until a manager signs.

Suspending a service, offering a settlement and referring a debt decide about whoever is
billed. Where that is a natural person, or nobody knows, they stand on the list as proposals,
beside the principal reasons that a notice to that person must name.
"""

from collections.abc import Sequence

import pandas as pd

from models.reasons import AGE_FAMILY, BASE, Reason
from serving.actions import GRAVE, proposed
from serving.feedback import Standing

PRINCIPAL_REASONS = 4
"""As many as a notice of adverse action usually names."""


def principal_reasons(reasons: Sequence[Reason]) -> list[str]:
    """Return the sentences that raise the risk most, at most four, the age of the items last.

    Examples
    --------
    >>> principal_reasons([Reason(family="returns", sentence="Two came back", dollars=9.0),
    ...                    Reason(family="credits", sentence="Credits help", dollars=-3.0)])
    ['Two came back']
    """
    raising = [reason for reason in reasons if reason["dollars"] > 0 and reason["family"] != BASE]
    ordered = sorted(raising, key=lambda reason: reason["family"] == AGE_FAMILY)
    return [reason["sentence"] for reason in ordered[:PRINCIPAL_REASONS]]


def may_be_natural(is_natural_person: object) -> bool:
    """Tell whether an account is, or may be, a natural person: the unknown counts as one.

    Examples
    --------
    >>> may_be_natural(None), may_be_natural(True), may_be_natural(False)
    (True, True, False)
    """
    return bool(pd.isna(is_natural_person)) or bool(is_natural_person)  # type: ignore[call-overload]


def signed_action(action: str, is_natural_person: object, heard: Standing) -> str:
    """Return the action as it stands on the list.

    Parameters
    ----------
    action : str
        Suggested, or decided by an override.
    is_natural_person : bool or missing
        What is known of the account.
    heard : Standing
        A manager's override to the same action is the signature.

    Examples
    --------
    >>> signed_action("refer", None, Standing()), signed_action("refer", False, Standing())
    ('propose_refer', 'refer')
    """
    override = heard.override
    signed = override is not None and override.role == "manager" and override.action == action
    waits = action in GRAVE and may_be_natural(is_natural_person) and not signed
    return proposed(action) if waits else action
