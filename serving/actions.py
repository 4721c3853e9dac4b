"""The vocabulary of suggested actions: what a policy may suggest and a collector may override to.

Three of them bear hard on whoever is billed: ``GRAVE``. On an account of a natural person, or
of whom it is not known, they are only proposed (``propose_…``) until a manager signs.
"""

ACTIONS: dict[str, str] = {
    "apply_cash": "Apply the unapplied cash and credits first.",
    "fix_payment_method": "Get a payment method that works.",
    "charge_again": "Mend what went wrong on our side and charge again.",
    "resolve_dispute": "Settle the dispute with its owner.",
    "chase_broken_promise": "Call about the promise that was broken.",
    "call": "Call.",
    "email": "Send a statement by e-mail.",
    "remind": "Send a reminder of what falls due.",
    "escalate": "Bring it to the account's owner.",
    "consider_suspension": "Consider suspending the service.",
    "offer_plan": "Offer a payment plan.",
    "offer_settlement": "Offer a settlement.",
    "refer": "Refer to an agency or to counsel.",
    "write_off_review": "Review for write-off.",
    "wait_for_payment": "Wait until the payment on its way is final.",
    "wait_for_plan": "Wait for the next instalment.",
    "wait_for_promise": "Wait for the promised day.",
    "leave_alone": "Leave in peace until the hold ends.",
    "none": "Nothing to do.",
}
"""Name of an action → what it asks for."""

GRAVE: frozenset[str] = frozenset({"consider_suspension", "offer_settlement", "refer"})
PROPOSE = "propose_"


def proposed(action: str) -> str:
    """Return the name of an action that waits for a manager's signature.

    Examples
    --------
    >>> proposed("refer")
    'propose_refer'
    """
    return PROPOSE + action
