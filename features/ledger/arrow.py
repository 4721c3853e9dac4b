"""Arrow schemas of the ledger tables, made from the contract."""

import pyarrow as pa

from features.ledger.tables import Kind, Table

ARROW_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "money": pa.decimal128(18, 2),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "decimal": pa.decimal128(18, 8),
}


def arrow_schema(table: Table) -> pa.Schema:
    """Return the Arrow schema of a ledger table, columns in file order.

    Examples
    --------
    >>> from features.ledger.tables import FX_RATES
    >>> arrow_schema(FX_RATES).names
    ['currency', 'rate_on', 'rate']
    """
    return pa.schema([(column.name, ARROW_TYPES[column.kind]) for column in table.columns])
