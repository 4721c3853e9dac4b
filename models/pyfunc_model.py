"""The model as MLflow sees it: a model-from-code that reads the bundle's text and JSON.

Input columns are those of ``rollrisk features`` that the model's answers are made of (see
``models.scorer.needed_names``) and, optionally, ``as_of``, ``segment``, ``region`` (levels of
peers are the model's own) and ``residual`` (residual balances are answered by the roll-rate
matrix). Output columns are ``p_open_7`` … ``p_open_120``.
"""

from pathlib import Path
from typing import Any

import mlflow.models
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from features.build import FeatureFrame
from features.peers import GROUP_COLUMNS
from models.bundle import Bundle, read_bundle
from models.scorer import CUTS, needed_names, survival_curves


class RollRiskModel(PythonModel):
    """Scores feature rows with a bundle."""

    _bundle: Bundle

    def load_context(self, context: Any) -> None:  # noqa: ANN401 (MLflow's own class)
        """Read the bundle from the model's artifacts."""
        self._bundle = read_bundle(Path(context.artifacts["bundle"]))

    def predict(
        self,
        context: Any,  # noqa: ANN401, ARG002 (MLflow's interface)
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002 (MLflow's interface)
    ) -> pd.DataFrame:
        """Return P(unresolved) at each cut, one row per input row."""
        names = needed_names(self._bundle)
        items = pd.DataFrame(
            {
                "days_past_due": model_input["days_past_due"].astype(float),
                "residual": _column(model_input, "residual", missing=False).astype(bool),
            }
        )
        if "as_of" in model_input.columns:
            items["as_of"] = pd.to_datetime(model_input["as_of"])
        for column in GROUP_COLUMNS:
            if column in model_input.columns:
                items[column] = model_input[column].fillna("").astype(object)
        frame = FeatureFrame(
            items=items,
            values=model_input[list(names)].to_numpy(dtype=np.float64),
            names=names,
            digest=self._bundle.feature_digest,
        )
        segment = _column(model_input, "segment", missing="").to_numpy(dtype=object)
        curves = survival_curves(self._bundle, frame, segment)
        return pd.DataFrame(curves.survival, columns=[f"p_open_{days}" for days in CUTS])


def _column(rows: pd.DataFrame, name: str, *, missing: object) -> "pd.Series[Any]":
    """Return an optional column, absent and missing values filled."""
    given = rows[name] if name in rows.columns else pd.Series(missing, index=rows.index)
    return given.astype(object).where(given.notna(), missing)


mlflow.models.set_model(RollRiskModel())
