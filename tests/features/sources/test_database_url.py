import pytest

from features.sources.base import ContractError
from features.sources.database_url import parse_url


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:s3cret@h:5432/d", "postgresql+psycopg://u:***@h:5432/d"),
        ("postgres://u:s3cret@h/d", "postgresql+psycopg://u:***@h/d"),
        ("postgresql+pg8000://u:s3cret@h/d", "postgresql+pg8000://u:***@h/d"),
        (
            "postgresql://h/d?password=s3cret&sslmode=require&options=-c+x",
            "postgresql+psycopg://h/d?options=***&password=***&sslmode=require",
        ),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Ds3cret", "mssql+pyodbc:///?odbc_connect=***"),
        ("sqlite:///erp.db", "sqlite:///erp.db"),
    ],
)
def test_an_address_is_shown_without_secrets(text: str, shown: str) -> None:
    """Passwords are hidden wherever an address may carry them."""
    url = parse_url(text)
    assert (url.shown, repr(url)) == (shown, f"DatabaseUrl({shown})")


@pytest.mark.parametrize(
    "text",
    ["s3cret", "postgresql://u:s3cret", "postgresql://u:s3cret/x", "postgresql://u:s@s3cret@h/d"],
)
def test_an_address_that_cannot_be_read_is_not_repeated(text: str) -> None:
    """The message tells how to write one; nothing of the wrong one stands in it or behind it."""
    with pytest.raises(ContractError, match="ercent-encode") as caught:
        parse_url(text)
    assert "s3cret" not in f"{caught.value!r}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_messages_are_cleaned_of_every_form_of_a_secret() -> None:
    """Plain, percent-encoded and as an option, a secret is replaced; the rest stays."""
    url = parse_url("postgresql://u:p%40ss%20word@h/d?sslpassword=t0p")
    for said in ("p@ss word", "p%40ss%20word", "p%40ss+word", "t0p"):
        assert url.hide(f"no: {said} at h") == "no: *** at h"
    assert parse_url("sqlite:///x.db").hide("x.db") == "x.db"
