"""Damaged run folders through every verb that reads them: each must end in one clear line, or go well.

    python benchmarks/fuzz_runs.py --count 5000 --seed 0

Runs of a backbone, a baseline and several adapters, one that was interrupted, a comparison and a study are made once.
Then, case by case, a file of a copy is changed: values, keys and text of JSON and YAML; types, shapes, names and values
of tensors; what is in a checkpoint, with a digest that fits; bytes of anything. One case in fifty is left as it is and
must go well. A worker process that has done every verb before runs the cases under a limit of memory and of processor
time, so that a crash of a C library and a hang are seen and counted.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import math
import os
import platform
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from fuzz_files import mutate
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from stlora.cli import main as stlora
from stlora.data import simulate
from stlora.data.writers import write_series
from stlora.serving import exporting
from stlora.training.callbacks import SafeCheckpoints, read_checkpoint
from stlora.training.task import ForecastTask

SECONDS, MEMORY, VALID_SHARE = 10, 2 << 30, 0.02
SIZES = ["--history", "4", "--horizon", "3", "--batch_size", "32", "--device", "cpu"]
SMALL = {
    "lstm": '{"input_size": 4, "hidden_size": 6, "output_size": 8}',
    "stid": '{"embed_size": 4, "node_size": 4, "num_layers": 1}',
}
LSTM = ["--backbone", "lstm", "--backbone_options", SMALL["lstm"]]
GWNET = ["--backbone", "gwnet", "--backbone_options", '{"blocks": 1, "layers": 1}', "--graph", "correlation"]
FIT = ["fit", "--data", "data.csv", *SIZES]
COMPARE = [
    *["compare", "--data", "data.csv", "--backbones", "lstm,ha", "--adapters", "none,stlora", "--seeds", "0", *SIZES],
    *["--backbone_options", f"{{lstm: {SMALL['lstm']}}}", "--epochs", "1", "--adapt_epochs", "1"],
]
STUDY = ["study", "rank", "--runs", "lstm", "--values", "1,2", "--adapt_epochs", "1", "--device", "cpu"]
READ = [
    ["evaluate", "@", "--device", "cpu"],
    ["predict", "@", "--data", "data.csv", "--output", "out.csv", "--device", "cpu"],
    ["export", "@", "--output", "out.pt2"],
]
ADAPT = ["adapt", "@", "--out", "out", "--epochs", "1", "--device", "cpu"]
MADE = {  # how each folder is made, and the commands it goes through; @ is the folder
    "lstm": ([*FIT, *LSTM, "--epochs", "1", "--fill", "profile"], [*READ, ADAPT]),
    "stid": ([*FIT, "--backbone", "stid", "--epochs", "1"], [*READ, [*ADAPT, "--adapter", "bias_scale"]]),
    "gwnet": ([*FIT, *GWNET, "--epochs", "1"], READ),
    "ha": ([*FIT, "--backbone", "ha"], READ),
    "stlora": (["adapt", "lstm", "--epochs", "1", "--device", "cpu"], [*READ, ["report", "@"]]),
    "paper": (["adapt", "lstm", "--adapter", "paper", "--epochs", "1", "--device", "cpu"], READ),
    "clora": (["adapt", "lstm", "--adapter", "clora", "--epochs", "1", "--device", "cpu"], [*READ, ["report", "@"]]),
    "half": ([*FIT, *LSTM, "--epochs", "3"], [[*FIT, *LSTM, "--epochs", "3", "--out", "@"]]),
    "comparison": (COMPARE, [[*COMPARE, "--out", "@"], ["report", "@"], [*STUDY, "--runs", "@", "--out", "out"]]),
    "study": (STUDY, [[*STUDY, "--out", "@"]]),
}
VALUES: list[Any] = [
    *[None, True, False, 0, -1, 1, 2, 7, 1.5, -1e-300, 1e300, 1e308, 2**31, 2**63, 10**19, 10**30, 10**6, 10**9],
    *["", "x", "12", "none", "a" * 10_000, "../..", "\n", [], {}, [1], [[1]], [0] * 10_000, {"a": 1}, {"": {}}],
    *[["a", "b"], "2024-01-01", "Europe/Berlin", math.nan, math.inf],
]


FORECASTS: dict[str, pd.DataFrame] = {}  # of the folders as they were made


class HalfError(Exception):
    """Where the unfinished run stops."""


@dataclass
class Tally:
    """What became of the cases of one folder."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    memory: float = 0.0  # GiB


def make(root: Path) -> None:
    """Every folder of :data:`MADE`, in the current folder."""
    series = simulate(num_nodes=6, days=5, interval="30min", seed=1, missing=0.1).series
    write_series(series, root / "data.csv")
    for name, (command, _) in MADE.items():
        if name == "half":
            with stopping(), contextlib.suppress(HalfError):
                code, said = command_line([*command, "--out", name])
                assert code == 1, said
        else:
            code, said = command_line([*command, "--out", name])
            assert code == 0, said
    assert (root / "half" / "checkpoints" / "last.ckpt").exists()


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Trainings end in their third epoch."""
    step = ForecastTask.training_step

    def training_step(self: ForecastTask, start: torch.Tensor, index: int) -> Any:
        if self.current_epoch == 2:
            raise HalfError
        return step(self, start, index)

    ForecastTask.training_step = training_step
    try:
        yield
    finally:
        ForecastTask.training_step = step


def command_line(words: list[str]) -> tuple[int, str]:
    """Run a command; its status and all that it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = stlora(words)
    return code, said.getvalue()


def without_compiler() -> None:
    """An export takes seconds for what is no part of this: the answer of the file is that of the network."""

    def write(served: Any, example: Any, facts: str, path: Path) -> None:
        json.loads(facts)
        path.write_text(facts)
        write.served = served

    exporting.write = write
    exporting.read = lambda path: write.served


def places(content: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value in JSON."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in items:
        yield (*before, name)
        yield from places(value, (*before, name))


def change_content(content: Any, rng: np.random.Generator) -> Any:
    """One to three values of JSON become others, go, double, or get company."""
    for _ in range(int(rng.integers(1, 4))):
        found = list(places(content))
        if not found:
            return content
        depths = [len(place) for place in found]
        wanted = int(rng.choice(sorted(set(depths))))  # a long list is no likelier than a short one
        found = [place for place in found if len(place) == wanted]
        *above, name = found[int(rng.integers(len(found)))]
        part = content
        for each in above:
            part = part[each]
        value, change = part[name], int(rng.integers(9))
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if change == 0:
            del part[name]
        elif change == 1 and isinstance(part, dict):
            part[str(rng.choice(["extra", "format_version", "method", "fit", f"{name}_"]))] = pick(rng)
        elif change == 2 and number:
            part[name] = value * int(rng.choice([-1, 0, 2, 10, 10**6, 10**9]))
        elif change == 3:
            part[name] = str(value)
        elif change == 4:
            part[name] = [value]
        elif change == 5 and isinstance(value, list):
            part[name] = value * int(rng.choice([0, 2, 1000]))
        elif change == 5 and isinstance(value, dict):
            part[name] = list(value.values())
        elif change == 6 and number:
            part[name] = value + int(rng.choice([-1, 1, 100]))
        else:
            part[name] = pick(rng)
    return content


def pick(rng: np.random.Generator) -> Any:
    """A value that does not belong."""
    return copy.deepcopy(VALUES[int(rng.integers(len(VALUES)))])


def change_text(raw: bytes, yaml_file: bool, rng: np.random.Generator) -> bytes:
    """JSON or YAML that no writer would write."""
    kind = int(rng.integers(5))
    if kind == 0:
        return b"\xef\xbb\xbf" + raw
    if kind == 1:
        depth = int(rng.choice([10, 100, 100_000]))
        deep = b"[" * depth + b"]" * depth
        return (b"deep: " + deep + b"\n" + raw) if yaml_file else raw.replace(b"{", b'{"deep": ' + deep + b",", 1)
    if kind == 2:
        lines = raw.splitlines(keepends=True)
        at = int(rng.integers(len(lines)))
        return b"".join([*lines[: at + 1], *lines[at:]])  # a key twice
    if kind == 3 and yaml_file:
        return raw + b"".join(
            b"k%d: &k%d [%s]\n" % (i, i, b",".join([b"*k%d" % (i - 1)] * 9 if i else [b"1"])) for i in range(30)
        )
    return mutate(raw, rng)


def change_tensors(path: Path, rng: np.random.Generator) -> None:
    """A tensor, its name or what is said of them all becomes another."""
    with safe_open(path, "pt") as file:
        metadata = dict(file.metadata() or {})
    tensors = load_file(path)
    if len(metadata) > 1 and rng.random() < 0.3:
        name = str(rng.choice(sorted(metadata)))
        metadata[name] = str(pick(rng))[:1000]
    else:
        name = str(rng.choice(sorted(tensors)))
        change_tensor(tensors, name, rng)
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path, metadata)


DTYPES = [torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.int64, torch.int32, torch.bool, torch.uint8]


def change_tensor(tensors: dict[str, Any], name: str, rng: np.random.Generator) -> None:
    """Its type, shape or values; or it goes, or another comes."""
    tensor, kind = tensors[name], int(rng.integers(10))
    if kind == 0:
        tensors[name] = tensor.nan_to_num().to(DTYPES[int(rng.integers(len(DTYPES)))])
    elif kind == 1 and tensor.numel():
        value = [math.nan, math.inf, -math.inf, 1e38, -1][int(rng.integers(5))]
        wrong = tensor.clone()
        flat = wrong.view(-1)
        flat[int(rng.integers(flat.numel()))] = (
            value if tensor.is_floating_point() else int(rng.choice([-1, 7, 2**31 - 1]))
        )
        tensors[name] = wrong
    elif kind == 2:
        tensors[name] = tensor.flatten()
    elif kind == 3 and tensor.dim():
        tensors[name] = tensor[: int(rng.integers(tensor.shape[0] + 1))]
    elif kind == 4:
        tensors[name] = tensor.unsqueeze(0)
    elif kind == 5 and tensor.dim() > 1:
        tensors[name] = tensor.transpose(0, 1)
    elif kind == 6 and tensor.is_floating_point():
        tensors[name] = tensor * float(rng.choice([1e10, 1e30, 1e38, -1]))
    elif kind == 7:
        del tensors[name]
    elif kind == 8:
        tensors[f"{name}_"] = tensors.pop(name)
    else:
        tensors[name] = torch.cat([tensor.reshape(-1)] * 2)


def change_checkpoint(path: Path, rng: np.random.Generator) -> None:
    """Its content, with a digest that fits; or another file altogether."""
    if rng.random() < 0.2:
        torch.save(read_checkpoint(path), path)  # without the digest
        return
    content = read_checkpoint(path)
    kind = int(rng.integers(4))
    if kind == 0:
        change_tensor(content["state_dict"], str(rng.choice(sorted(content["state_dict"]))), rng)
    elif kind == 1:
        state = content["optimizer_states"][0]["state"]
        part = state[int(rng.choice(sorted(state)))]
        change_tensor(part, str(rng.choice(sorted(part))), rng)
    else:
        keys = [key for key in content if key not in ("state_dict", "optimizer_states")]
        key = str(rng.choice(keys))
        content[key] = change_content({"": content[key]}, rng).get("", pick(rng))
    SafeCheckpoints().save_checkpoint(content, path)


def change(path: Path, rng: np.random.Generator) -> None:
    """Damage a file in the way of its kind, or its bytes."""
    raw = path.read_bytes()
    bytes_only = rng.random() < 0.2
    if path.suffix in (".json", ".yaml") and not bytes_only:
        if rng.random() < 0.2:
            path.write_bytes(change_text(raw, path.suffix == ".yaml", rng))
        elif path.suffix == ".json":
            path.write_text(json.dumps(change_content(json.loads(raw), rng)))
        else:
            path.write_text(yaml.safe_dump(change_content(yaml.safe_load(raw), rng)))
    elif path.suffix == ".safetensors" and not bytes_only:
        change_tensors(path, rng)
    elif path.suffix == ".ckpt" and not bytes_only:
        change_checkpoint(path, rng)
    elif rng.random() < 0.05:
        path.unlink()
    else:
        path.write_bytes(mutate(raw, rng))


def check(name: str, words: list[str], code: int, said: str, valid: bool) -> str:
    """``error``, ``well``, or ``other`` for another forecast; AssertionError if it is none of these."""
    assert "Traceback" not in said, said
    lines = [line for line in said.splitlines() if line.startswith("stlora: error: ")]
    if code == 2:
        assert len(lines) == 1, said
        assert not valid, said
        assert not Path("out.csv").exists(), "an error left a forecast"
        return "error"
    assert code == 0, said
    if words[0] == "predict":
        table = pd.read_csv("out.csv")
        assert np.isfinite(table["forecast"]).all(), "a forecast is none"
        if not table.equals(FORECASTS.setdefault(name, table)):
            assert not valid, "another forecast of the same run"
            return "other"
    return "well"


def run_case(root: Path, index: int, seed: int) -> str:
    """Damage one file of one copy and give one command."""
    rng = np.random.default_rng([seed, index])
    name, valid = list(MADE)[index % len(MADE)], rng.random() < VALID_SHARE
    commands = MADE[name][1]
    command = commands[int(rng.integers(len(commands)))]
    shutil.copytree(root / name, root / "case")
    try:
        if not valid:
            files = sorted(path for path in (root / "case").rglob("*") if path.suffix in KINDS and path.is_file())
            path = files[int(rng.integers(len(files)))]
            where = f"{name} {path.relative_to(root / 'case')}"
            change(path, rng)
        else:
            where = name
        words = on_the_case(command)
        try:
            return check(name, words, *command_line(words), valid)
        except Exception:
            print(f"case {index}: {where}: {' '.join(words)}", file=sys.stderr)
            traceback.print_exc()
            return "crash"
    finally:
        clean(root)


KINDS = {".json", ".yaml", ".safetensors", ".ckpt", ".npy", ".csv"}


def clean(root: Path) -> None:
    """Remove what a case left."""
    for name in ("case", "out"):
        shutil.rmtree(root / name, ignore_errors=True)
    for path in root.glob("out.*"):
        path.unlink()


def peak() -> float:
    """GiB that were resident at most since the last call."""
    status = Path("/proc/self/status").read_text()
    found = int(status.partition("VmHWM:")[2].split()[0]) / 2**20
    Path("/proc/self/clear_refs").write_text("5")
    return found


def warm(root: Path) -> None:
    """Every command on every folder as it was made: it goes well, and what it imports is there."""
    for name, (_, commands) in MADE.items():
        for command in commands:
            shutil.copytree(root / name, root / "case")
            words = on_the_case(command)
            assert check(name, words, *command_line(words), True) == "well"
            clean(root)


def on_the_case(command: list[str]) -> list[str]:
    """The command on the copy; of two places to take backbones from the last."""
    words = ["case" if word == "@" else word for word in command]
    if words.count("--runs") == 2:
        first = words.index("--runs")
        del words[first : first + 2]
    return words


def work(first: int, count: int, seed: int, root: Path, out: int) -> None:
    """Cases ``first`` to ``count``; a line of index, outcome, seconds and GiB for each."""
    warnings.simplefilter("ignore")
    warm(root)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    peak()
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**30
    for index in range(first, count):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        began = time.process_time()
        outcome = run_case(root, index, seed)
        seconds = time.process_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.write(out, f"{index} {outcome} {seconds:.6f} {max(0.0, peak() - before):.6f}\n".encode())


def run(count: int, seed: int, root: Path) -> dict[str, Tally]:
    """All cases in worker processes; one that dies is counted and followed by the next."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    done = 0
    while done < count:
        inward, outward = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(inward)
            try:
                work(done, count, seed, root, outward)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(outward)
        with os.fdopen(inward) as lines:
            for line in lines:
                index, outcome, seconds, memory = line.split()
                tally = tallies[list(MADE)[int(index) % len(MADE)]]
                tally.outcomes[outcome] += 1
                tally.slowest = max(tally.slowest, float(seconds))
                tally.memory = max(tally.memory, float(memory))
                done = int(index) + 1
        status = os.waitpid(child, 0)[1]
        if status:
            killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            outcome, name = "hang" if killed == signal.SIGPROF else "crash", list(MADE)[done % len(MADE)]
            print(f"{outcome}: {name} {done}, status {status}", file=sys.stderr)
            tallies[name].outcomes[outcome] += 1
            clean(root)
            done += 1
    return tallies


def table(tallies: dict[str, Tally]) -> str:
    """A line for each folder, and a sum."""
    whole = Tally()
    for tally in tallies.values():
        whole.outcomes += tally.outcomes
        whole.slowest, whole.memory = max(whole.slowest, tally.slowest), max(whole.memory, tally.memory)
    titles = ("errors", "well", "other", "crashes", "hangs")
    head = f"{'folder':<12}{'cases':>8}{''.join(f'{title:>8}' for title in titles)}{'slowest':>10}{'memory':>11}"
    lines = [_line(name, tally) for name, tally in [*tallies.items(), ("all", whole)]]
    return "\n".join([head, *lines])


def _line(name: str, tally: Tally) -> str:
    counts = "".join(f"{tally.outcomes[column]:>8}" for column in ("error", "well", "other", "crash", "hang"))
    return f"{name:<12}{tally.outcomes.total():>8}{counts}{tally.slowest:>8.2f} s{tally.memory:>7.2f} GiB"


def main() -> int:
    """Run it and print the table; 1 if anything crashed or hung."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=5000, help="number of cases")
    parser.add_argument("--seed", type=int, default=0, help="equal seeds make equal cases")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    without_compiler()
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make(Path(folder))
        tallies = run(arguments.count, arguments.seed, Path(folder))
        os.chdir(before)
    packages = ", ".join(f"{name} {version(name)}" for name in ("stlora", "torch", "safetensors", "msgspec"))
    print(f"python benchmarks/fuzz_runs.py --count {arguments.count} --seed {arguments.seed}")
    print(f"Python {platform.python_version()}, {packages}; at most {SECONDS} s and {MEMORY >> 30} GiB more a case\n")
    print(table(tallies))
    return int(any(tally.outcomes["crash"] + tally.outcomes["hang"] for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
