"""Train a part on a Dask cluster, for ledgers beyond one machine.

The rows are the same Parquet that one machine would read: ``write_rows`` puts a part's risk set
into files, each worker reads its own, and ``lightgbm.dask`` grows the trees together. Rows are
weighted, features named and parameters set as in ``training.hazard``. Trees differ from those of
one machine as those of another seed would: histograms are summed over the workers' rows, and each
worker draws its own bags.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training.config import TrainingConfig
from training.hazard import RiskSet, parameters

if TYPE_CHECKING:
    from distributed import Client

TARGET, WEIGHT = "target", "weight"


def write_rows(rows: RiskSet, names: tuple[str, ...], folder: Path, *, files: int) -> None:
    """Write a risk set as Parquet, one file for each worker or more.

    Parameters
    ----------
    rows : RiskSet
        From ``training.hazard.risk_set``.
    names : tuple of str
        Names of its columns.
    folder : Path
        Made when it is not there; must hold no Parquet files yet.
    files : int
        Number of files, at least 1.

    Raises
    ------
    ValueError
        When ``files`` is below 1.
    FileExistsError
        When the folder holds rows already.
    """
    if files < 1:
        raise ValueError(f"files must be at least 1, got {files}.")
    folder.mkdir(parents=True, exist_ok=True)
    if found := sorted(folder.glob("*.parquet")):
        raise FileExistsError(f"{folder} holds {found[0].name} already. Name an empty folder.")
    for number, chosen in enumerate(np.array_split(np.arange(len(rows.y)), files)):
        table = pa.table(
            {
                **{name: rows.values[chosen, place] for place, name in enumerate(names)},
                TARGET: rows.y[chosen],
                WEIGHT: rows.weight[chosen],
            }
        )
        path = folder / f"rows-{number:04d}.parquet"
        temporary = path.with_suffix(".new")
        pq.write_table(table, temporary)
        temporary.replace(path)


def fit_part_on_dask(
    client: "Client", folder: Path | str, part: str, config: TrainingConfig, *, rounds: int
) -> str:
    """Return the LightGBM text of a part trained on a cluster.

    Parameters
    ----------
    client : distributed.Client
        Of the cluster; its workers must see ``folder`` and be processes of their own.
    folder : Path or str
        What ``write_rows`` wrote, or a copy of it in an object store.
    part : str
        A name of ``models.bundle.PARTS``.
    config : TrainingConfig
        As for one machine.
    rounds : int
        Trees to grow.

    Raises
    ------
    ModuleNotFoundError
        Without the extra ``rollrisk[dask]``.
    """
    import dask.dataframe as dd  # noqa: PLC0415 (an extra)
    from lightgbm.dask import DaskLGBMClassifier  # noqa: PLC0415 (slow, needs the extra)

    names = list(config.feature_names)
    # Held by the workers first: read lazily, the three parts would be cut differently.
    frame = dd.read_parquet(str(folder), columns=[*names, TARGET, WEIGHT]).persist()
    columns = [frame[names], frame[TARGET], frame[WEIGHT]]
    values, y, weight = (column.to_dask_array(lengths=True) for column in columns)
    settings = parameters(config, part)
    for fixed in ("objective", "metric", "num_threads"):
        settings.pop(fixed)
    model = DaskLGBMClassifier(client=client, n_estimators=rounds, **settings)
    with warnings.catch_warnings():
        # The estimator's own default, which it then says it ignores.
        warnings.filterwarnings("ignore", "Parameter n_jobs will be ignored")
        model.fit(values, y, sample_weight=weight, feature_name=names)
    return str(model.booster_.model_to_string())
