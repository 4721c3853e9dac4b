"""Where things live: the layout of the folder named by ``ROLLRISK_HOME``."""

import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "ROLLRISK_HOME"
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
DEFAULT = Path(".rollrisk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The working folder of one installation.

    Parameters
    ----------
    path : Path
        Its place; made on the first write, never on import.

    Examples
    --------
    >>> Home(path=Path("/srv/rollrisk")).snapshots.as_posix()
    '/srv/rollrisk/snapshots'
    """

    path: Path

    @property
    def tracking_uri(self) -> str:
        """Address of the MLflow store: ``MLFLOW_TRACKING_URI``, else SQLite in this folder."""
        default = f"sqlite:///{(self.path / 'mlflow.db').resolve()}"
        return os.environ.get(TRACKING_VARIABLE, default)

    @property
    def artifacts(self) -> Path:
        """Folder of model files."""
        return self.path / "artifacts"

    @property
    def snapshots(self) -> Path:
        """Folder of published scorings."""
        return self.path / "snapshots"

    @property
    def keys(self) -> Path:
        """File of hashed API keys."""
        return self.path / "keys.json"

    @property
    def audit(self) -> Path:
        """File of the audit store."""
        return self.path / "audit.db"


def read_home() -> Home:
    """Return the home named by the environment, else ``./.rollrisk``."""
    return Home(path=Path(os.environ.get(VARIABLE, DEFAULT)))
