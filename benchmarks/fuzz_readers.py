"""Random bytes and damaged files through every reader: each must end in a clear error or a correct series.

    python benchmarks/fuzz_readers.py --count 100000 --seed 0 --kept fuzz.log

Where it was stopped, the same command goes on from what it has kept. A worker process reads the files under a limit of
memory and of time per file, so that a crash of a C library and a hang are seen and counted; an audit hook counts
attempts to run programs, open connections or import code that reading valid files has not imported. One file in fifty
is left valid and must give the original series.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from fuzz_files import Layout, layouts, mutate, random_bytes

from stlora.data import SensorSeries
from stlora.data.readers.graph import Graph
from stlora.errors import InputError

SECONDS, PATIENCE, MEMORY, VALID_SHARE, RANDOM_SHARE = 10, 60, 2 << 30, 0.02, 0.25  # of processor, and by the clock
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "ctypes.dlopen")


@dataclass
class Tally:
    """What became of the files of one reader."""

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


def check(result: object) -> str:
    """Raise AssertionError unless what was read is whole; otherwise its kind."""
    if isinstance(result, Graph):
        assert result.adjacency.shape == (len(result.adjacency),) * 2
        assert np.isfinite(result.adjacency).all()
        assert (result.adjacency >= 0).all()
        return "read"
    assert isinstance(result, SensorSeries)
    steps, nodes = result.values.shape
    assert len(result.time) == steps
    assert len(set(result.node_ids)) == nodes
    assert not np.isinf(result.values).any()
    assert (np.diff(np.diff(result.time.asi8)) == 0).all()
    assert result.adjacency is None or result.adjacency.shape == (nodes, nodes)
    assert all("\n" not in note for note in result.notes)
    return "read"


def same(result: object, original: object) -> bool:
    """Whether two results are equal."""
    if isinstance(result, Graph):
        return bool((result.adjacency == original.adjacency).all())
    return result.fingerprint() == original.fingerprint()


def damaged(layout: Layout, rng: np.random.Generator) -> tuple[str, bytes | None]:
    """The file to change and its new content; None to leave it valid."""
    names = list(layout.files)
    if layout.target in layout.files:
        names += [layout.target] * len(names)
    name = names[int(rng.integers(len(names)))]
    kind = rng.random()
    if kind < VALID_SHARE:
        return name, None
    if kind < VALID_SHARE + RANDOM_SHARE:
        return name, random_bytes(layout, name, rng)
    return name, mutate(layout.files[name], rng)


def read_one(layout: Layout, folder: Path, rng: np.random.Generator, original: object) -> str:
    """Read one damaged file; ``error``, ``read``, or ``crash`` with a traceback on stderr."""
    name, content = damaged(layout, rng)
    if content is not None:
        (folder / name).write_bytes(content)
    try:
        result = layout.read(folder / layout.target)
        outcome = check(result)
        if content is None and not same(result, original):
            raise AssertionError("a valid file gave another series")
    except InputError as error:
        outcome = "error" if "\n" not in str(error) and content is not None else "crash"
        if outcome == "crash":
            traceback.print_exc()
    except Exception:
        traceback.print_exc()
        outcome = "crash"
    finally:
        (folder / name).write_bytes(layout.files[name])
    return outcome


def work(first: int, count: int, seed: int, root: Path, known: list[Layout], out: int) -> None:
    """Read files ``first`` to ``count``; a line of index, outcome and seconds for each, and of forbidden deeds."""
    originals = [layout.read(root / layout.name.replace(" ", "-") / layout.target) for layout in known]
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    loaded, deeds = set(sys.modules), []
    libraries = ("stlora", "numpy", "pandas", "pyarrow", "h5py", "encodings", "unittest", "logging")

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        foreign = event == "import" and str(arguments[0]).partition(".")[0] not in {*libraries, *loaded}
        if foreign or event.startswith(FORBIDDEN):
            deeds.append(f"{event} {arguments[:1]}")

    sys.addaudithook(watch)
    for index in range(first, count):
        layout = known[index % len(known)]
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        began = time.process_time()
        outcome = read_one(  # equal seeds and numbers make equal files
            layout,
            root / layout.name.replace(" ", "-"),
            np.random.default_rng([seed, index]),
            originals[index % len(known)],
        )
        seconds = time.process_time() - began
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if outcome == "crash":
            print("crash:", layout.name, index, file=sys.stderr)
        if deeds:
            print("foreign:", layout.name, index, deeds, file=sys.stderr)
            outcome = "foreign"
            deeds.clear()
        os.write(out, f"{index} {outcome} {seconds:.6f}\n".encode())


def run(count: int, seed: int, root: Path, known: list[Layout], kept: Path | None = None) -> dict[str, Tally]:
    """Read ``count`` files in worker processes; one that dies is counted and followed by the next."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    done = 0

    def note(index: int, outcome: str, seconds: float, fresh: bool = True) -> None:
        nonlocal done
        tally = tallies[known[index % len(known)].name]
        tally.outcomes[outcome] += 1
        tally.slowest = max(tally.slowest, seconds)
        done = index + 1
        if fresh and kept is not None:
            with kept.open("a") as file:
                file.write(f"{index} {outcome} {seconds:.6f}\n")

    for line in kept.read_text().splitlines() if kept is not None and kept.exists() else ():
        index, outcome, seconds = line.split()
        if int(index) == done < count:
            note(done, outcome, float(seconds), fresh=False)
    while done < count:
        inward, outward = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(inward)
            warnings.simplefilter("ignore")
            work(done, count, seed, root, known, outward)
            os._exit(0)
        os.close(outward)
        with os.fdopen(inward) as lines:
            for line in lines:
                index, outcome, seconds = line.split()
                note(int(index), outcome, float(seconds))
        status = os.waitpid(child, 0)[1]
        if status:
            killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            outcome = "hang" if killed in (signal.SIGPROF, signal.SIGALRM) else "crash"
            layout = known[done % len(known)]
            print(f"{outcome}: {layout.name} {done}, status {status}", file=sys.stderr)
            restore(root, layout)
            note(done, outcome, float(SECONDS if outcome == "hang" else 0))
    return tallies


def restore(root: Path, layout: Layout) -> None:
    """Put the valid files back after a worker died."""
    for name, content in layout.files.items():
        (root / layout.name.replace(" ", "-") / name).write_bytes(content)


def table(tallies: dict[str, Tally]) -> str:
    """One line per reader and a sum."""
    columns = ("error", "read", "crash", "hang", "foreign")
    lines = [
        f"{'reader':<20}{'files':>8}{'errors':>8}{'read':>8}{'crashes':>8}{'hangs':>8}{'foreign':>8}{'slowest':>10}"
    ]
    whole = Tally()
    for name, tally in tallies.items():
        whole.outcomes += tally.outcomes
        whole.slowest = max(whole.slowest, tally.slowest)
        lines.append(_line(name, tally, columns))
    return "\n".join([*lines, _line("all", whole, columns)])


def _line(name: str, tally: Tally, columns: tuple[str, ...]) -> str:
    counts = "".join(f"{tally.outcomes[column]:>8}" for column in columns)
    return f"{name:<20}{tally.outcomes.total():>8}{counts}{tally.slowest:>8.2f} s"


def main() -> int:
    """Run it and print the table; 1 if anything crashed, hung or ran foreign code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=100_000, help="number of files")
    parser.add_argument("--seed", type=int, default=0, help="equal seeds make equal files")
    parser.add_argument("--kept", type=Path, help="a file for what is known so far")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tallies = run(arguments.count, arguments.seed, Path(folder), layouts(Path(folder)), arguments.kept)
    packages = ", ".join(f"{name} {version(name)}" for name in ("stlora", "numpy", "pandas", "h5py", "pyarrow"))
    print(f"python benchmarks/fuzz_readers.py --count {arguments.count} --seed {arguments.seed}")
    print(f"Python {platform.python_version()}, {packages}; at most {SECONDS} s and {MEMORY >> 30} GiB a file\n")
    print(table(tallies))
    bad = sum(tally.outcomes[kind] for tally in tallies.values() for kind in ("crash", "hang", "foreign"))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
