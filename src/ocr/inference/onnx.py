"""One ONNX Runtime session per bundle, with options chosen by measurement."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ocr.bundles.bundle import Bundle
from ocr.errors import BundleError
from ocr.inference.threads import available_cores
from ocr.optional import safe_import

onnxruntime = safe_import("onnxruntime")
failures = safe_import("onnxruntime.capi.onnxruntime_pybind11_state")
_BROKEN = (failures.Fail, failures.InvalidGraph, failures.InvalidProtobuf, failures.NotImplemented, failures.NoSuchFile)


class Model(Protocol):
    """What the engine needs of a network: the shape of its output, and running it."""

    output_shape: list[Any]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the output for a batch (N,3,H,W)."""
        ...


class OnnxModel:
    """A bundle's graph, ready to run: one float32 input (N,3,H,W), one float32 output."""

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Load the graph; ``threads`` None means every core this process may use. Raises BundleError."""
        try:
            self._session = onnxruntime.InferenceSession(
                str(bundle.model_path), session_options(threads), providers=["CPUExecutionProvider"]
            )
        except _BROKEN as error:
            raise BundleError(f"{bundle.model_path}: ONNX Runtime cannot load it ({error}); export it again") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or len(outputs) != 1:
            raise BundleError(
                f"{bundle.model_path}: {len(inputs)} inputs and {len(outputs)} outputs; one image batch (N,3,H,W) in "
                "and one array out are needed: export it with `ocr export`"
            )
        self._input = inputs[0].name
        self.output_shape: list[Any] = outputs[0].shape

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the graph's output for a batch (N,3,H,W)."""
        output: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return output


def session_options(threads: int | None) -> Any:
    """Session options, each measured on receipts.

    Memory arena on and memory pattern off: as fast as the default, half the memory. No spinning: threads that wait
    for work by looping take half of a page's processor time and gain nothing in elapsed time.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or available_cores()
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors only: warnings about a graph are not the reader's to act on
    return options
