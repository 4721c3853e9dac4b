"""What a session is: a ledger's stages for some as-of dates, on whichever engine."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import pyarrow as pa

from features.inputs import date_tables
from features.stages import LASTING_STAGES, query_text


class Session(ABC):
    """A ledger's stages for some as-of dates. Queries are DuckDB's SQL.

    Parameters
    ----------
    as_of : sequence of date
        Observation dates; repeated dates count once.
    """

    def __init__(self, as_of: Sequence[date]) -> None:
        self.as_of: tuple[date, ...] = tuple(sorted(set(as_of)))
        self._done: set[str] = set()
        self._narrowed: dict[str, tuple[str, ...]] = {}

    def narrow(self, columns: Mapping[str, Sequence[str]]) -> None:
        """Let stages that will run have some of their columns alone; no other stage reads more."""
        self._narrowed = {stage: tuple(names) for stage, names in columns.items()}

    def turn_to(self, as_of: Sequence[date]) -> None:
        """Let the stages answer for some of the session's dates, until told otherwise.

        What holds for every date is kept; stages that answered for other dates are dropped.
        """
        for stage in self._done.difference(LASTING_STAGES):
            self._drop(stage)
        self._done.intersection_update(LASTING_STAGES)
        for name, table in date_tables(as_of).items():
            self.register(name, table)

    def run(self, stages: Sequence[str], progress: Callable[[str], None] | None = None) -> None:
        """Materialise ``stages`` that have not run yet; report each name to ``progress``."""
        for stage in stages:
            if stage in self._done:
                continue
            if progress is not None:
                progress(stage)
            self._make(stage)
            self._done.add(stage)

    def columns(self, stage: str, keys: Sequence[str], values: Sequence[str]) -> pa.Table:
        """Return columns of a stage that has run: keys as they are, values as doubles."""
        doubles = (f'cast("{name}" as double) as "{name}"' for name in values)
        names = (f'"{key}"' for key in keys)
        return self.arrow(f'select {", ".join([*names, *doubles])} from "{stage}"')  # noqa: S608 (catalogue names)

    def text(self, stage: str) -> str:
        """Return the query of a stage, in the columns that it is to have."""
        columns = ", ".join(f'"{name}"' for name in self._narrowed.get(stage, ()))
        whole = query_text(stage)
        return f"select {columns} from ({whole}\n) as whole" if columns else whole  # noqa: S608 (catalogue names)

    @abstractmethod
    def arrow(self, sql: str) -> pa.Table:
        """Return the result of a query over the stages as an Arrow table."""

    @abstractmethod
    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under ``name``."""

    @abstractmethod
    def _make(self, stage: str) -> None:
        """Materialise a stage."""

    @abstractmethod
    def _drop(self, stage: str) -> None:
        """Let go of a stage."""
