import pytest

from features.sources.base import ContractError, Extract, Source
from features.sources.canonical import CanonicalSource


def test_a_refusal_tells_every_fault_in_one_message() -> None:
    """The message lists the details, which are there as data as well."""
    error = ContractError("Refused.", ("one", "two"))
    assert str(error) == "Refused.\n- one\n- two"
    assert error.details == ("one", "two")
    assert isinstance(error, ValueError)


def test_an_extract_cannot_be_changed() -> None:
    """An extract is a frozen record whose parts default to nothing."""
    extract = Extract(tables={})
    assert (extract.rejected, extract.rows_read, extract.known_through) == ([], {}, None)
    name = "known_through"
    with pytest.raises(AttributeError):
        setattr(extract, name, None)


def test_the_canonical_source_is_a_source() -> None:
    """The canonical source keeps the protocol, which the type checker proves here."""
    source: Source = CanonicalSource()
    assert source.name == "canonical"
