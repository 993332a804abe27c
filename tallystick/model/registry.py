"""The model registry: what a training run leaves behind, and which version of a model is in force.

Versions, their aliases and their tags. A run hands values over; no stage imports this module.

By default the registry is SQLite and plain files below ``<warehouse>/mlflow``; MLFLOW_TRACKING_URI names a server
instead. Paths are stored absolute, so a warehouse may be given relative but not be moved afterwards.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.errors import ModelError, NoModelYet, NotFound
from tallystick.model.logged_models import ModelPackage, log_model
from tallystick.model.mlflow_client import connected, import_quietly, quoted
from tallystick.model.packaging import write_files
from tallystick.model.results import GateResult, give_verdict

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
PREVIOUS = "previous"

RUN_TAG = "tallystick.run_id"

CARD = "model_card.html"

# What the gates found, in one line: see ``give_verdict``.
GATES_TAG = "gates"
# The date as of which the outcomes were known that a version learned from.
OUTCOMES_TAG = "outcomes_known_by"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersion:
    """One registered version. ``label`` is how tables name it: ``<name>/<version>``."""

    name: str
    version: int
    mlflow_run_id: str
    run_id: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def label(self) -> str:
        """Name and version as stored in score tables."""
        return f"{self.name}/{self.version}"

    @property
    def outcomes_known_by(self) -> date | None:
        """The date as of which the outcomes were known that it learned from: on earlier dates it has hindsight.

        None where nobody said, as for versions that earlier releases registered.
        """
        told = self.tags.get(OUTCOMES_TAG)
        return date.fromisoformat(told) if told else None

    @property
    def uri(self) -> str:
        """What ``mlflow.pyfunc.load_model`` takes."""
        return f"models:/{self.name}/{self.version}"


class Registry:
    """The registry that belongs to a warehouse, or the server that MLFLOW_TRACKING_URI names."""

    def __init__(self, warehouse: Path | str) -> None:
        self._folder = Path(warehouse).resolve() / "mlflow"
        server = os.environ.get("MLFLOW_TRACKING_URI", "")
        self.tracking_uri = server or f"sqlite:///{self._folder / 'mlflow.db'}"
        self._artifacts = None if server else (self._folder / "artifacts").as_uri()

    @property
    def exists(self) -> bool:
        """Whether there is anything to ask: without a folder there is nothing, and to ask would make one."""
        return self._artifacts is None or self._folder.exists()

    def register(self, package: ModelPackage) -> ModelVersion:
        """Keep a training run and register its model as a new version; no alias moves.

        The same ``run_id`` again gives the version it gave before. What an interrupted attempt left is deleted and
        done again. ModelError when the registry refuses the model.
        """
        with self.connected() as client:
            experiment = self.experiment(client, package.name)
            earlier = client.search_runs([experiment], f"tags.`{RUN_TAG}` = '{quoted(package.run_id)}'")
            for run in earlier:
                # The version is made last, so its presence says that all is complete but the card, which names it.
                done = client.search_model_versions(f"name = '{package.name}' and run_id = '{run.info.run_id}'")
                if done:
                    return self._with_card(client, package, int(done[0].version))
                client.delete_run(run.info.run_id)
            return self._with_card(client, package, self._log(client, experiment, package))

    def promote(self, version: ModelVersion, gates: Sequence[GateResult]) -> ModelVersion:
        """Make a version the champion and the champion before it ``previous``; only past every gate.

        ModelError names the gates that failed, and no alias moves; no gate at all is refused too. Either way the tag
        ``gates`` of the version says what they found. Promoting the champion again changes nothing.
        """
        with self.connected() as client:
            client.set_model_version_tag(version.name, str(version.version), GATES_TAG, give_verdict(gates))
        failed = [f"{g.name} ({g.detail})" if g.detail else g.name for g in gates if not g.is_passed]
        if failed or not gates:
            what = f"gates failed: {', '.join(failed)}" if failed else "no gate was checked"
            raise ModelError(what, where=f"promotion of {version.label}", fix="the champion stays as it was")
        with self.connected() as client:
            held = self._aliased(client, version.name, CHAMPION)
            if held != version.version:
                # In this order an interruption leaves a champion in force, and the repeated call ends the same way.
                if held is not None:
                    client.set_registered_model_alias(version.name, PREVIOUS, str(held))
                client.set_registered_model_alias(version.name, CHAMPION, str(version.version))
            return self._describe(client, version.name, version.version)

    def find(self, name: str, alias: str = CHAMPION, *, source: str = "") -> ModelVersion:
        """The version an alias points at; NotFound when the model or alias does not exist.

        With a ``source`` ModelError when the version learned from the customers of another one: a recipe has one
        champion, so it serves one source. Another bank's customers would be scored by a model that never saw any of
        them, and their own training would take the first bank's model away.
        """
        found = self._find(name, alias) if self.exists else None
        if found is None:
            raise NoModelYet(
                f"model {name} has no version called {alias}", where=self.tracking_uri, fix="train it first"
            )
        learned = found.tags.get("source", source)
        if source and learned != source:
            what = f"{found.label} learned from the customers of {learned}, not of {source}"
            raise ModelError(what, where=f"recipe {name}", fix=f"declare another recipe for {source}")
        return found

    def _find(self, name: str, alias: str) -> ModelVersion | None:
        with self.connected() as client:
            version = self._aliased(client, name, alias)
            return None if version is None else self._describe(client, name, version)

    def check_source(self, name: str, source: str) -> None:
        """``find``'s ModelError where the champion learned from another source; nothing while there is no champion."""
        with contextlib.suppress(NotFound):
            self.find(name, source=source)

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of a model, newest first; empty when there is none."""
        if not self.exists:
            return []
        with self.connected() as client:
            found = client.search_model_versions(f"name = '{quoted(name)}'")
            numbers = sorted((int(v.version) for v in found), reverse=True)
            return [self._describe(client, name, number) for number in numbers]

    def models(self) -> list[str]:
        """The names of all registered models, sorted; none where nothing was ever registered."""
        if not self.exists:
            return []
        with self.connected() as client:
            return sorted(str(model.name) for model in client.search_registered_models())

    def inputs(self, version: ModelVersion) -> tuple[str, ...]:
        """The features that a version reads, by name, from its signature."""
        with self.connected():
            signature = import_quietly().models.get_model_info(version.uri).signature
        return tuple(signature.inputs.input_names()) if signature is not None else ()

    def fetch_model(self, version: ModelVersion) -> Path:
        """A folder below the warehouse with a version's files, for ``load_local``; fetched once.

        Tasks on other machines find it where they find the tables.
        """
        # By run, not by version: the same number means another model where MLFLOW_TRACKING_URI has changed.
        target = self._folder / "fetched" / version.mlflow_run_id
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.connected(), tempfile.TemporaryDirectory(dir=target.parent) as folder:
            found = import_quietly().artifacts.download_artifacts(version.uri, dst_path=folder)
            # Renamed when complete: a folder of this name is always a whole model. A parallel run may be first.
            with contextlib.suppress(OSError):
                Path(found).rename(target)
        if not target.is_dir():
            raise ModelError(f"the files of {version.label} could not be fetched", where=self.tracking_uri)
        return target

    def fetch_files(self, version: ModelVersion, directory: Path, path: str = "") -> Path:
        """Copy the run's artifacts (or those below ``path``) to ``directory``; returns where they are."""
        import mlflow

        with self.connected():
            found = mlflow.artifacts.download_artifacts(
                run_id=version.mlflow_run_id, artifact_path=path or None, dst_path=str(directory)
            )
        return Path(found)

    def metrics(self, version: ModelVersion) -> tuple[dict[str, float], dict[str, str]]:
        """The metrics and the parameters that were logged with a version."""
        with self.connected() as client:
            data = client.get_run(version.mlflow_run_id).data
            return dict(data.metrics), dict(data.params)

    def experiment(self, client: MlflowClient, name: str) -> str:
        """The id of a recipe's experiment, made where there is none yet."""
        found = client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        return str(client.create_experiment(name, artifact_location=self._artifacts))

    def _log(self, client: MlflowClient, experiment: str, package: ModelPackage) -> int:
        import mlflow

        told = {**package.tags, GATES_TAG: give_verdict(package.gates)} if package.gates else dict(package.tags)
        tags = {**told, RUN_TAG: package.run_id}
        if package.description:
            tags["mlflow.note.content"] = package.description
        with mlflow.start_run(experiment_id=experiment, run_name=package.run_id, tags=tags) as run:
            mlflow.log_params(dict(package.params))
            mlflow.log_metrics(dict(package.metrics))
            with tempfile.TemporaryDirectory(prefix="tallystick-") as folder:
                write_files(Path(folder), package.files)
                mlflow.log_artifacts(folder)
            model = log_model(package)
        if self._registered(client, package.name) is None:
            client.create_registered_model(package.name)
        made = client.create_model_version(
            package.name, source=model.model_uri, run_id=run.info.run_id, model_id=model.model_id,
            tags=told, description=package.description or None,
        )  # fmt: skip
        return int(made.version)

    def _with_card(self, client: MlflowClient, package: ModelPackage, version: int) -> ModelVersion:
        """The version as it is, and its card beside the run's files where an interrupted attempt left none."""
        made = self._describe(client, package.name, version)
        kept = {str(file.path) for file in client.list_artifacts(made.mlflow_run_id)}
        if package.card is not None and CARD not in kept:
            client.log_text(made.mlflow_run_id, package.card(made.label), CARD)
        return made

    def _describe(self, client: MlflowClient, name: str, version: int) -> ModelVersion:
        found = client.get_model_version(name, str(version))
        aliases = client.get_registered_model(name).aliases
        run_id = client.get_run(found.run_id).data.tags.get(RUN_TAG, "")
        return ModelVersion(
            name=name, version=version, mlflow_run_id=str(found.run_id), run_id=run_id, tags=dict(found.tags),
            aliases=tuple(sorted(alias for alias, held in aliases.items() if int(held) == version)),
        )  # fmt: skip

    @staticmethod
    def _registered(client: MlflowClient, name: str) -> Any | None:
        from mlflow.exceptions import MlflowException

        try:
            return client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _aliased(self, client: MlflowClient, name: str, alias: str) -> int | None:
        model = self._registered(client, name)
        return int(model.aliases[alias]) if model is not None and alias in model.aliases else None

    @contextmanager
    def connected(self) -> Iterator[MlflowClient]:
        """A client of this registry, while MLflow's process-wide settings point at it too; they are put back after."""
        with connected(self.tracking_uri, own_folder=None if self._artifacts is None else self._folder) as client:
            yield client
