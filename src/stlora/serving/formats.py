"""The two kinds of file: a program of torch, and ONNX. How each is written and opened again."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stlora.serving.network import ServedNetwork
from stlora.serving.products import running, without_bags

Answer = Callable[[Tensor, Tensor], Tensor]
FACTS = "stlora"  # under which a file says what it is


def write(served: ServedNetwork, example: tuple[Tensor, Tensor], facts: str, path: Path) -> None:
    """Write a network for any batch size.

    Args:
        served: in evaluation mode.
        example: values ``[B, T, N]`` and times ``[B, T]`` of three or more windows.
        facts: what the file says of itself.
        path: ends in .pt2 or .onnx.
    """
    with _silence(), torch.no_grad():
        if path.suffix == ".pt2":
            content = io.BytesIO()  # torch ends the process where it cannot write to a file, as on a full disk
            torch.export.save(_program(served, example), content, extra_files={f"{FACTS}.json": facts})
            path.write_bytes(content.getbuffer())
        else:
            _write_onnx(served, example, facts, path)


def read(path: Path) -> Answer:
    """What a written file answers to values ``[B, T, N]`` and times ``[B, T]``: ``[B, H, N]``, on one thread."""
    if path.suffix == ".pt2":
        with _silence():
            program = torch.export.load(path).module()
        answer: Answer = torch.no_grad()(program)
        return answer
    from onnxruntime import InferenceSession

    session = InferenceSession(path, _session_options())

    def run(values: Tensor, time: Tensor) -> Tensor:
        (forecast,) = session.run(None, {"values": values.numpy(), "time": time.numpy()})
        return torch.from_numpy(forecast)

    return run


def read_facts(path: Path) -> str:
    """What a written file says of itself, as JSON."""
    if path.suffix == ".pt2":
        extra: dict[str, Any] = {f"{FACTS}.json": ""}
        with _silence():
            torch.export.load(path, extra_files=extra)
        return str(extra[f"{FACTS}.json"])
    from onnxruntime import InferenceSession

    said: Mapping[str, str] = InferenceSession(path, _session_options()).get_modelmeta().custom_metadata_map
    return said[FACTS]


def _program(served: torch.nn.Module, example: tuple[Tensor, Tensor]) -> torch.export.ExportedProgram:
    batch = torch.export.Dim("batch")
    return torch.export.export(served, example, dynamic_shapes=({0: batch}, {0: batch}))


def _write_onnx(served: ServedNetwork, example: tuple[Tensor, Tensor], facts: str, path: Path) -> None:
    plain = without_bags(served)
    program = _program(plain, example)
    if served.fill == "linear":
        aten = torch.ops.aten
        program = program.run_decompositions(
            {aten.cummax.default: running(torch.maximum), aten.cummin.default: running(torch.minimum)}
        )
    made = torch.onnx.export(
        program, dynamo=True, input_names=["values", "time"], output_names=["forecast"], verbose=False
    )
    assert made is not None
    made.model.metadata_props[FACTS] = facts
    made.save(path, external_data=False)


def _session_options() -> Any:
    from onnxruntime import SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors; exporters leave initialisers that nothing uses
    return options


@contextmanager
def _silence() -> Iterator[None]:
    """Exporters log and warn about packages and folding that concern nobody here."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
