from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.explain import FAMILY_NAMES
from models.reasons import Reason
from serving.reports.drivers import account_steps, portfolio_steps

CENTS = st.integers(-10_000_000, 10_000_000)
DRIVERS = st.dictionaries(st.sampled_from([*FAMILY_NAMES, "base"]), CENTS, min_size=5)


@given(DRIVERS, st.integers(0, 3))
def test_steps_sum_to_the_total_however_many_are_folded(
    drivers: dict[str, int], shown: int
) -> None:
    """Whatever is shown or folded, the steps add up to the cents that came in."""
    reasons = [Reason(family=f, sentence=f, dollars=c / 100) for f, c in drivers.items()]
    for steps in (
        account_steps(reasons, shown=shown),
        portfolio_steps({family: cents / 100 for family, cents in drivers.items()}),
    ):
        *parts, total = steps
        assert sum(step.amount.cents for step in parts) == sum(drivers.values())
        assert total.end == total.amount.cents == sum(drivers.values())


@given(DRIVERS)
def test_each_step_starts_where_the_last_one_ended(drivers: dict[str, int]) -> None:
    """Bars hang together: the picture has no gap that the numbers do not have."""
    steps = portfolio_steps({family: cents / 100 for family, cents in drivers.items()})
    for before, after in pairwise(steps[:-1]):
        assert after.start == before.end
        assert after.end - after.start == after.amount.cents
    assert steps[-1].end == steps[-2].end


def test_age_stands_apart_from_behaviour() -> None:
    """Base, then the age of the invoices, then behaviour from rise to fall."""
    dollars = {"item_age": 1.0, "calendar": 5.0, "returns": -3.0, "base": 2.0, "credits": 0.0}
    steps = portfolio_steps(dollars)
    assert [step.kind for step in steps] == ["base", "age", "family", "family", "total"]
    assert [step.label for step in steps[2:4]] == ["Calendar", "Returned payments"]


def test_the_largest_families_are_kept_whatever_their_sign() -> None:
    """A large fall is as telling as a large rise; only small ones are folded."""
    dollars = {"calendar": 1.0, "returns": -90.0, "disputes": 50.0, "credits": -2.0, "base": 100.0}
    reasons = [Reason(family=f, sentence=f, dollars=d) for f, d in dollars.items()]
    labels = [step.label for step in account_steps(reasons, shown=2)]
    assert labels[1:4] == ["Disputes", "Returned payments", "2 smaller families"]
