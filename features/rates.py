"""Exchange rates as they were known on a day, for sums over several currencies."""

import pandas as pd

from features.session import Session


def known_rates(session: Session, reporting: str | None) -> pd.DataFrame:
    """Return the newest rate of each currency at each of the session's as-of dates.

    Parameters
    ----------
    session : Session
        An open session.
    reporting : str or None
        The ledger's reporting currency, whose rate is 1.

    Returns
    -------
    pandas.DataFrame
        ``as_of``, ``currency`` and ``rate`` (units of the reporting currency for one of the
        currency); no rows without a reporting currency.
    """
    rates: pd.DataFrame = session.arrow(_RATES).to_pandas()
    rates["as_of"] = pd.to_datetime(rates["as_of"])
    if reporting is None:
        return rates.iloc[:0]
    own = pd.DataFrame({"as_of": pd.to_datetime(list(session.as_of)), "currency": reporting})
    others = rates[rates["currency"] != reporting]
    return pd.concat([others, own.assign(rate=1.0)], ignore_index=True)


_RATES = """
    select
        as_of_dates.as_of,
        fx_rates.currency,
        cast(max_by(fx_rates.rate, fx_rates.rate_on) as double) as rate
    from as_of_dates
    inner join fx_rates
        on fx_rates.rate_on <= as_of_dates.as_of
    group by as_of_dates.as_of, fx_rates.currency
"""
