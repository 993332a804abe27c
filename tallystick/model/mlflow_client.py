"""MLflow as this project uses it: imported without noise, pointed at one registry, its errors in our own words.

Apart from the registry because it knows MLflow's habits and nothing of models and versions.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.errors import ModelError, SetupError
from tallystick.model.registry_file import make_empty, refuse_damaged

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")

# Read by MLflow when it is imported or used: no calls home, no progress bars, no look at the machine or at git.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "GIT_PYTHON_REFRESH": "quiet",
}


@contextmanager
def connected(tracking_uri: str, *, own_folder: Path | None) -> Iterator[MlflowClient]:
    """A client of a registry, while MLflow's process-wide settings point at it too; they are put back after.

    ``own_folder`` is where a registry of our own lies, made if need be; None for a server's. SetupError when the
    registry is damaged or does not answer, ModelError when it refuses.
    """
    mlflow = import_quietly()
    from mlflow.exceptions import MlflowException

    if own_folder is not None:
        own_folder.mkdir(parents=True, exist_ok=True)
        refuse_damaged(database := own_folder / "mlflow.db")
        make_empty(database, mlflow.store.db.utils)
    # MLflow mirrors both addresses into the environment, where the next Registry would take them for a server's.
    before = {name: os.environ.get(name) for name in _ADDRESSES}
    mlflow.set_tracking_uri(tracking_uri)
    mlflow.set_registry_uri(tracking_uri)
    try:
        yield mlflow.MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
    except MlflowException as error:
        raise _translated(error, tracking_uri) from error
    finally:
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def import_quietly() -> Any:
    """MLflow, imported without its telemetry, progress bars and import-time warnings; the model's file may follow."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        # About MLflow's own classes, told on each import: a loader that SQLAlchemy 2.1 has deprecated, a loose hint.
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy is deprecated")
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
        import mlflow
        import mlflow.pyfunc
        import mlflow.store.tracking.sqlalchemy_store
    # Reading the models' environments, MLflow misses a pip in this environment, which uv keeps without one.
    logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)
    return mlflow


def quoted(text: str) -> str:
    """A text as it may stand between quotes in a search; ModelError where it may not."""
    # MLflow's filter language has no escape for a quote, and none of our names and ids holds one.
    if "'" in text or "\\" in text:
        raise ModelError("a name or run id holds a quote or backslash", where=text)
    return text


def _translated(error: Exception, uri: str) -> SetupError | ModelError:
    # A lost connection comes with the whole chain of causes in one line; the address is in ``where`` already.
    reason = str(error).splitlines()[0].partition(" with exception ")[0][:300]
    code = str(getattr(error, "error_code", ""))
    if "API request to" in reason or code in ("TEMPORARILY_UNAVAILABLE", "DATABASE_ERROR"):
        return SetupError(f"the model registry does not answer: {reason}", where=uri, fix="check MLFLOW_TRACKING_URI")
    return ModelError(f"the model registry refused: {reason}", where=uri)
