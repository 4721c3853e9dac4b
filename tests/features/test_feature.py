import pytest

from features.feature import Feature


def make(**changed: object) -> Feature:
    """Return a feature that keeps the rules, but for what is changed."""
    entry = {
        "name": "calls", "family": "exposure", "unit": "items", "low": 0.0, "high": 1.0,
        "direction": "mixed", "sentence": "was called {value} times", "query": "document",
        "grain": "item", "about": "account",
    }  # fmt: skip
    return Feature(**(entry | changed))  # type: ignore[arg-type]


def test_a_feature_that_needs_contacts_is_refused() -> None:
    """The catalogue itself bars them, by the table and with the reason."""
    with pytest.raises(ValueError, match=r"'calls' reads \['contacts'\]: .* barred"):
        make(needs=("contacts",))


def test_entries_with_unknown_families_or_tables_are_refused() -> None:
    """Errors name the feature and the value."""
    with pytest.raises(ValueError, match="'calls': unknown family 'weather'"):
        make(family="weather")
    with pytest.raises(ValueError, match=r"'calls' needs unknown tables \['weather'\]"):
        make(needs=("weather",))
    assert make().name == "calls"
