"""What recorded runs hold, as MLflow and TensorBoard read it: parameters, every logged number, tags, cards.

Nothing is sent twice: a run that is in the target already is passed over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ocr.errors import RecordError
from ocr.optional import safe_import
from ocr.records.compare import config_of_run
from ocr.records.history import Point, read_history
from ocr.records.layout import CARD_SUFFIX, RECORD
from ocr.records.liveness import true_status
from ocr.records.run import RunRecord, read_record

ID_TAG = "ocr.run_id"
MLFLOW_STATUS = {"completed": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}
BATCH = 1000  # metrics that MLflow takes at once
PARAMETERS = 100
PARAMETER_LENGTH = 6000


@dataclass(frozen=True)
class Content:
    """A run as it is exported."""

    folder: Path
    record: RunRecord
    status: str
    parameters: dict[str, str]
    history: dict[str, list[Point]]
    files: list[Path]

    @property
    def tags(self) -> dict[str, str]:
        """Tags, notes and where the run comes from, as text."""
        record = self.record
        tags = {ID_TAG: record.id, "ocr.status": self.status, "ocr.folder": str(self.folder.absolute())}
        tags |= {f"tag.{tag}": "true" for tag in record.tags}
        facts = {"notes": "\n".join(record.notes), "git_revision": record.git_revision, "host": record.host}
        facts |= {"config_hash": record.config_hash, "data_manifest_hash": record.data_manifest_hash}
        facts |= {"task": record.task, "error": record.error, "overrides": " ".join(record.overrides)}
        return tags | {f"ocr.{name}": str(fact) for name, fact in facts.items() if fact}


def read_content(folder: Path) -> Content:
    """Read what is exported of the run in `folder`; RecordError names a file that cannot be read."""
    record = read_record(folder)
    history = read_history(folder)
    for name, value in record.metrics.items():  # of runs without a table
        history.setdefault(name, [Point(record.step or 0, value)])
    config = config_of_run(folder, record) | {f"packages.{name}": v for name, v in record.packages.items()}
    parameters = {name: str(value) for name, value in config.items()}
    status = true_status(folder, record.model_dump())
    return Content(folder, record, status, parameters, history, _files(folder, record))


def _files(folder: Path, record: RunRecord) -> list[Path]:
    """The record, the config and the cards, as far as they are there."""
    config = [] if record.config is None else [folder / record.config]
    cards = sorted((folder / "checkpoints").glob(f"*{CARD_SUFFIX}"))
    return [path for path in (folder / RECORD, *config, *cards) if path.is_file()]


class MlflowExport:
    """An experiment of an MLflow server, or of a file or SQLite store that is made when there is none."""

    def __init__(self, uri: str, experiment: str) -> None:
        safe_import("mlflow")
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient

        self._error: type[Exception] = MlflowException
        self._uri = uri
        try:
            self._client: Any = MlflowClient(uri)
            known = self._client.get_experiment_by_name(experiment)
            self._experiment = known.experiment_id if known else self._client.create_experiment(experiment)
        except (MlflowException, ImportError, OSError) as error:
            raise self._failure(error) from error

    def add(self, content: Content) -> bool:
        """Add a run with everything it holds; False when it is there already. RecordError when MLflow refuses."""
        try:
            held = f"tags.`{ID_TAG}` = '{content.record.id}'"
            if self._client.search_runs([self._experiment], held, max_results=1):
                return False
            self._add(content)
        except (self._error, OSError) as error:
            raise self._failure(error) from error
        return True

    def _add(self, content: Content) -> None:
        from mlflow.entities import Metric, Param, RunTag

        record = content.record
        began = _milliseconds(record.started)
        # The id comes last: a run that was cut off in the middle is sent again.
        tags = {name: text[:PARAMETER_LENGTH] for name, text in content.tags.items() if name != ID_TAG}
        run_id = self._client.create_run(self._experiment, began, tags, record.name).info.run_id
        parameters = [Param(_mlflow_name(n), text[:PARAMETER_LENGTH]) for n, text in content.parameters.items()]
        for some in _parts(parameters, PARAMETERS):
            self._client.log_batch(run_id, params=some)
        metrics = [
            Metric(_mlflow_name(name), point.value, began, point.step)
            for name, points in content.history.items()
            for point in points
        ]
        for some in _parts(metrics, BATCH):
            self._client.log_batch(run_id, metrics=some)
        for path in content.files:
            self._client.log_artifact(run_id, str(path), "cards" if path.name.endswith(CARD_SUFFIX) else "run")
        self._client.log_batch(run_id, tags=[RunTag(ID_TAG, record.id)])
        ended = record.ended or record.updated
        status = MLFLOW_STATUS.get(content.status, "RUNNING")
        self._client.set_terminated(run_id, status, _milliseconds(ended))

    def _failure(self, error: Exception) -> RecordError:
        return RecordError(f"--to mlflow {self._uri}: {' '.join(str(error).split())}")


class TensorBoardExport:
    """A folder with one folder of events for each run."""

    def __init__(self, folder: Path) -> None:
        safe_import("tensorboard")
        self._folder = folder

    def add(self, content: Content) -> bool:
        """Write the events of a run; False when they are there already. RecordError when the folder refuses them."""
        if Path(content.record.id).name != content.record.id:
            raise RecordError(f"{content.folder}: its id {content.record.id!r} is no name for a folder")
        target = self._folder / content.record.id
        if target.exists():
            return False
        unfinished = self._folder / f".{content.record.id}.unfinished"
        try:
            unfinished.mkdir(parents=True, exist_ok=True)
            for path in unfinished.iterdir():
                path.unlink()
            self._write(content, unfinished)
            unfinished.rename(target)
        except OSError as error:
            raise RecordError(f"{target}: cannot be written: {error.strerror or error}") from error
        return True

    @staticmethod
    def _write(content: Content, folder: Path) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        began = content.record.started.timestamp()
        writer = EventFileWriter(str(folder))
        for name, points in content.history.items():
            for point in points:
                value = Summary.Value(tag=name, simple_value=point.value)
                writer.add_event(Event(wall_time=began, step=point.step, summary=Summary(value=[value])))
        texts = {f"config/{name}": text for name, text in content.parameters.items()} | content.tags
        texts |= {f"card/{path.name}": path.read_text(encoding="utf-8") for path in content.files}
        for name, text in texts.items():
            writer.add_event(Event(wall_time=began, step=0, summary=Summary(value=[_text(name, text)])))
        writer.close()


def _text(name: str, text: str) -> Any:
    """A text as the tab of that name shows it."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype="DT_STRING", string_val=[text.encode()], tensor_shape=shape)
    return Summary.Value(tag=name, metadata=plugin, tensor=tensor)


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    return (items[n : n + size] for n in range(0, len(items), size))


def _mlflow_name(name: str) -> str:
    """A name that MLflow takes: letters, digits and ``_-. :/``."""
    return "".join(c if c.isalnum() or c in "_-. :/" else "_" for c in name)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
