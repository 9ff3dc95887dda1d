"""A run as one ONNX file: front end inside, batch axis open, what it means in the metadata, checked in ONNX Runtime.

Of PyTorch's two exporters this is the one that traces: the window is fixed, so nothing is lost by it, and the other unrolls plain
recurrences over every letter (the clockwork network) and refuses some poolings. Opset 17 (ONNX 1.12, June 2022).
"""

from __future__ import annotations

import io
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from classify.exporting.formats import need, register_format
from classify.exporting.graph import (
    Answers,
    Graph,
    check_answers,
    describe,
    example_windows,
    indicators,
    load_portable,
    reference,
)
from classify.exporting.plain import PlainOperations
from specgen.errors import InputError
from specgen.files import write_atomic

if TYPE_CHECKING:
    from specgen.sequences import Codes

__all__ = ["OPSET", "answers_of", "onnx_bytes", "write_onnx"]

OPSET = 17


def onnx_bytes(graph: Graph, window: int, about: dict[str, str]) -> bytes:
    """The graph as ONNX, with ``about`` as metadata.

    Raises
    ------
    InputError
        An operation that ONNX has not, or the extra is not installed.
    """
    need("onnx")
    import onnx

    codes = example_windows(window, 3)
    sample = torch.from_numpy(codes if graph.reads == "codes" else indicators(codes))
    names = ["probabilities", "logits"]
    into = io.BytesIO()
    told = io.StringIO()  # of a failure the exporter prints the whole graph
    with warnings.catch_warnings(), torch.no_grad(), PlainOperations(), redirect_stdout(told), redirect_stderr(told):
        # Lengths that become constants are meant to; the tracer warns of each, and that it is the older of two.
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(
                graph.eval(),
                (sample,),
                into,  # type: ignore[arg-type]  # a stream is a place, too
                dynamo=False,
                opset_version=OPSET,
                input_names=[graph.reads],
                output_names=names,
                dynamic_axes={name: {0: "batch"} for name in (graph.reads, *names)},
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            why = next(iter(str(error).splitlines()), type(error).__name__)
            raise InputError(f"{about['model']}: has an operation that ONNX cannot hold ({why})") from None
    model = onnx.load_model_from_string(into.getvalue())
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model)
    whole: bytes = model.SerializeToString()
    return whole


def answers_of(model: bytes | str, codes: Codes) -> Answers:
    """What ONNX Runtime says of uint8 codes (B, window): ``model`` is a file's content or path, of either input.

    Raises
    ------
    InputError
        The extra is not installed, or the file is none that ``export`` wrote.
    """
    need("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        reads = session.get_inputs()[0].name
        letters: np.ndarray[Any, Any] = codes if reads == "codes" else indicators(codes)
        return Answers(*session.run(["probabilities", "logits"], {reads: letters}))
    except Exception as error:  # its own classes of errors have no common name
        where = model if isinstance(model, str) else "ONNX Runtime"
        raise InputError(f"{where}: cannot be run ({' '.join(str(error).split())[:300]})") from None


@register_format(
    "onnx",
    suffix=".onnx",
    note="one file: onehot (batch, 4, window; rows A, C, G, T) or codes (batch, window) in, probabilities and logits out; its "
    "metadata names classes and window",
)
def write_onnx(run: Path, out: Path, reads: str) -> float:
    """See ``formats.Writer``; ``out`` is there only if ONNX Runtime agrees with the run on windows of other batch sizes."""
    need("onnx", "onnxruntime")
    loaded = load_portable(run)
    about = describe(run, loaded, reads)
    model = onnx_bytes(Graph(loaded, reads), loaded.task.window, about)
    codes = example_windows(loaded.task.window, 5, seed=1)
    found = [answers_of(model, part) for part in (codes[:4], codes[4:])]
    together = Answers(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
    far = check_answers(together, reference(loaded, codes), str(out))
    write_atomic(out, model)
    return far
