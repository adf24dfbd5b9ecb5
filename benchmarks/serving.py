"""How long one forecast from a loaded network takes: eager, compiled, as a .pt2 file and as an ONNX file.

    python benchmarks/serving.py                                # everything
    python benchmarks/serving.py --models lstm --parts export   # these; the others' numbers stay

N = 307, simulated, batch 1, float32, weights untrained, one thread. Parts: export (eager, .pt2 and ONNX), compile
(torch.compile beside eager), train (a training step compiled and in bfloat16 beside float32), load (a run's start).
Writes results/speed/serving.json and serving.md.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from measuring.machine import describe
from measuring.setting import Network, Step
from measuring.turns import medians
from pages.serving import serving_page
from startup import processor_seconds
from torch import Tensor, nn

from stlora.data.filling import Filling
from stlora.files import read_json, write_json, write_text
from stlora.serving import ServedNetwork
from stlora.serving.formats import read, write
from stlora.training.run import BackboneRecord, Run

RESULT = Path(__file__).parents[1] / "results" / "speed" / "serving"
NODES, CALLS, LEAST_CALLS, SECONDS = 307, 300, 100, 15
LOADED = "lstm"
MODELS = ("lstm", "stgcn", "gwnet", "agcrn", "staeformer", "d2stgnn", "stid", "dcrnn")
TRAINED = {"stgcn": 16, "stid": 64, "lstm": 16}  # batch
STARTS = {  # from a fresh process to the first forecast
    "run": """
import torch
from stlora.serving import ServedNetwork
from stlora.training import Run
run = Run("{folder}/run")
served = ServedNetwork(run.load(), run.record().scaler, run.filling()).eval()
served(torch.ones(1, 12, {nodes}), torch.arange(12)[None] * 300)
""",
    ".pt2": """
import torch
program = torch.export.load("{folder}/model.pt2").module()
program(torch.ones(1, 12, {nodes}), torch.arange(12)[None] * 300)
""",
    "ONNX": """
import numpy, onnxruntime
session = onnxruntime.InferenceSession("{folder}/model.onnx")
values, time = numpy.ones((1, 12, {nodes}), "float32"), numpy.arange(12)[None] * 300
session.run(None, dict(values=values, time=time))
""",
}


def percentiles(calls: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Milliseconds of processor time, median and 99th percentile, of calls that take turns; the first do not count."""
    for _ in range(3):
        for call in calls.values():
            call()
    found: dict[str, list[float]] = {name: [] for name in calls}
    begun = time.perf_counter()
    for turn in range(CALLS):
        if turn >= LEAST_CALLS and time.perf_counter() - begun > SECONDS:
            break
        for name, call in calls.items():
            started = time.process_time_ns()
            call()
            found[name].append((time.process_time_ns() - started) / 1e6)
    return {name: [*np.percentile(times, [50, 99]), len(times)] for name, times in found.items()}


def served(network: Network, name: str, adapted: bool) -> ServedNetwork:
    torch.manual_seed(0)
    model = network.adapted(name)
    alone_or_not = model if adapted else model.backbone
    return ServedNetwork(alone_or_not.requires_grad_(False), network.windows.scaler, Filling()).eval()


def window(network: Network, batch: int) -> tuple[Tensor, Tensor]:
    scaler = network.windows.scaler
    values = scaler.inverse(network.values[: 12 * batch]).view(batch, 12, NODES)
    return values, (torch.arange(12 * batch) * 300).view(batch, 12)


def measure_export(network: Network, name: str, adapted: bool) -> dict[str, list[float]]:
    model, given = served(network, name, adapted), window(network, 1)
    with tempfile.TemporaryDirectory() as folder:
        answers = {"eager": model}
        for suffix in ("pt2", "onnx"):
            path = Path(folder) / f"model.{suffix}"
            write(model, window(network, 3), "{}", path)
            answers[suffix] = read(path)
        with torch.inference_mode():
            return percentiles({each: lambda run=run: run(*given) for each, run in answers.items()})


def measure_compile(network: Network, name: str, adapted: bool) -> dict[str, list[float]]:
    model, given = served(network, name, adapted), window(network, 1)
    with torch.inference_mode():
        compiled = torch.compile(model)
        started = time.perf_counter()
        compiled(*given)
        took = time.perf_counter() - started
        found = percentiles({"eager": lambda: model(*given), "compiled": lambda: compiled(*given)})
    return {**found, "compiling_s": [took]}


def measure_train(network: Network, name: str) -> dict[str, object]:
    """Seconds of a training step of a backbone, and how far a bfloat16 forecast is from the float32 one."""
    torch.manual_seed(0)
    backbone, batch = network.adapted(name).backbone, TRAINED[name]
    start = torch.randint(len(network.windows), (batch,))
    x, target = network.windows.inputs(start)[..., :3], network.windows.scaler.transform(network.windows.targets(start))

    def low() -> tuple[Tensor, ...]:
        with torch.autocast("cpu", torch.bfloat16):
            return (backbone(x).float(),)

    def step(forward: Callable[[], tuple[Tensor, ...]]) -> Step:
        return Step(backbone.parameters(), forward, target)

    backbone.eval()
    with torch.inference_mode():
        exact = backbone(x)
        difference = float((low()[0] - exact).abs().mean() / (exact - exact.mean()).abs().mean())
    backbone.train()
    compiled: nn.Module = torch.compile(backbone)  # type: ignore[assignment]
    steps = {"float32": step(lambda: (backbone(x),)), "bfloat16": step(low), "compiled": step(lambda: (compiled(x),))}
    return {"batch": batch, "seconds": medians(steps, 3), "bfloat16_difference": difference}


def measure_load(network: Network, name: str) -> dict[str, float]:
    """Seconds of processor time of fresh processes, imports included; median of three."""
    model, nodes = served(network, name, adapted=False), network.windows.num_nodes
    with tempfile.TemporaryDirectory() as folder:
        ids, scaler = [str(node) for node in range(nodes)], network.windows.scaler
        record = BackboneRecord(name, {}, 12, 12, 3, ids, "", 300.0, scaler, {})
        Run(Path(folder) / "run").save_backbone(model.network, record, network.graph.numpy(), Filling())
        for suffix in ("pt2", "onnx"):
            write(model, window(network, 3), "{}", Path(folder) / f"model.{suffix}")
        texts = {way: text.format(folder=folder, nodes=nodes) for way, text in STARTS.items()}
        return {
            way: statistics.median(processor_seconds(["-W", "ignore", "-c", text]) for _ in range(3))
            for way, text in texts.items()
        }


def measure(network: Network, part: str, name: str) -> dict[str, object]:
    if part in ("train", "load"):
        return (measure_train if part == "train" else measure_load)(network, name)
    measured = measure_export if part == "export" else measure_compile
    return {kind: measured(network, name, kind == "adapted") for kind in ("alone", "adapted")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS), help="measure these; default: all")
    parser.add_argument("--parts", default="export,compile,train,load", help="measure these; default: all")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = Network(NODES, days=8)
    kept = RESULT.with_suffix(".json")
    for part in options.parts.split(","):
        for name in options.models.split(","):
            if (part == "train" and name not in TRAINED) or (part == "load" and name != LOADED):
                continue
            entry = measure(network, part, name)
            found = read_json(kept) if kept.exists() else {}
            found["machine"] = describe(1)
            found.setdefault(part, {})[name] = entry
            found[part] = {each: found[part][each] for each in MODELS if each in found[part]}
            write_json(kept, found)
            write_text(RESULT.with_suffix(".md"), serving_page(found))
            print(part, name, entry, flush=True)


if __name__ == "__main__":
    main()
