"""Commands that are killed at random moments and given again: each must end as if nothing had happened.

    python benchmarks/kill_commands.py --count 200 --seed 0

``fit``, ``adapt``, ``compare --jobs 2``, ``study``, ``data convert``, ``export`` and ``data get`` are killed with
SIGKILL or SIGTERM, some of them a second time when they go on, and then given again until they end. What they leave is
compared with what the same command leaves when nobody kills it: the same files by name, equal to the bit but for times,
memory and pages made of them. A command is run in a process that is forked from one with everything imported; one in
ten in a process of its own, and the workers of ``compare`` there as well.

What is known so far is kept in the file of ``--kept``, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import http.server
import importlib
import io
import json
import multiprocessing
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stlora import cli
from stlora.data.catalogue import download, entries

OWN_PROCESS, SECOND, LIMIT = 0.1, 0.3, 600  # shares of the tries, and seconds for a command
STOPPED = 130  # what a training makes of SIGTERM
SET, FILES = "pems04", ("PEMS04.npz", "PEMS04.csv")
LSTM = '{"input_size": 4, "hidden_size": 6, "output_size": 8}'
TASK = ["--history=4", "--horizon=3", "--device=cpu"]
FIT = [f"--backbone_options={LSTM}", "--epochs=6", "--batch_size=32", *TASK]
COMMANDS = {
    "fit": ["fit", "--data=net.csv", "--backbone=lstm", *FIT, "--out=run"],
    "adapt": ["adapt", "alone", "--epochs=6", "--batch_size=32", "--device=cpu", "--out=run"],
    "compare": [
        *["compare", "--data=net.csv", "--backbones=lstm,naive", "--adapters=none,stlora", "--seeds=0", "--jobs=2"],
        *[f"--backbone_options={{lstm: {LSTM}}}", "--epochs=3", "--adapt_epochs=3", *TASK, "--out=runs"],
    ],
    "study": ["study", "rank", "--runs=alone", "--values=2,4", "--adapt_epochs=3", "--device=cpu", "--out=study"],
    "convert wide": ["data", "convert", "net.csv", "--output=out.csv", "--graph=net_graph.npy"],
    "convert long": ["data", "convert", "net.csv", "--layout=long", "--output=out.parquet"],
    "convert basicts": ["data", "convert", "net.csv", "--layout=basicts", "--output=out", "--graph=net_graph.npy"],
    "convert largest": ["data", "convert", "net.csv", "--layout=largest", "--output=out", "--graph=net_graph.npy"],
    "export": ["export", "alone", "--output=net.pt2"],
    "data get": ["data", "get", SET, "--root=sets"],
}
ORDER = ("fit", "adapt", "compare", "study", "convert", "export", "data get")
VARYING = ("seconds", "memory", "versions", "window_ms")
PAGES = (".html", ".md", ".tex", ".svg", ".png")  # made of times, too


@dataclass(frozen=True)
class Try:
    """What became of one command.

    Attributes:
        verb: of the command.
        signal: that it was killed with.
        kills: how often it was killed before it ended.
        fault: what was wrong afterwards; empty if nothing was.
        leftovers: files that nobody had asked for.
    """

    verb: str
    signal: str
    kills: int
    fault: str
    leftovers: list[str]


class Stage:
    """A folder in which a command runs, made anew for every try.

    Args:
        root: for the folder and what it is made from.
        url: of the server that stands in for those of the data sets.
    """

    def __init__(self, root: Path, url: str) -> None:
        self.work, self.stock, self.url = root / "work", root / "stock", url
        self.stock.mkdir()
        self.modules = root / "modules.txt"
        self.expected: dict[str, tuple[dict[str, str], float]] = {}

    def prepare(self, count: int = 6, days: int = 10) -> None:
        """Make the data and the run that some commands start from."""
        program = (
            "from stlora.data import simulate; from stlora.data.writers import write_series; "
            f"write_series(simulate(num_nodes={count}, days={days}).series, 'net.csv')"
        )
        subprocess.run([sys.executable, "-c", program], cwd=self.stock, check=True)
        self.clear()
        status, told = self.run(COMMANDS["fit"], lambda child: wait_for(child))
        assert status == 0, told
        shutil.copytree(self.work / "run", self.stock / "alone")

    def clear(self) -> None:
        """The folder as it is before any command."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.stock, self.work)

    def run(self, command: list[str], watch: Callable[[int], int], own: bool = False) -> tuple[int, str]:
        """Run a command, in a process that ``watch`` waits for; its status and what it printed."""
        with tempfile.TemporaryFile("w+b") as output:
            watched = self._spawn(command, output.fileno()) if own else self._fork(command, output.fileno())
            status = os.waitstatus_to_exitcode(watch(watched))
            output.seek(0)
            return status, output.read().decode(errors="replace")

    def _fork(self, command: list[str], output: int) -> int:
        child = os.fork()
        if child:
            return child
        os.chdir(self.work)
        for number in (1, 2):
            os.dup2(output, number)
        stand_in(self.url)
        workers = multiprocessing.get_context("fork")
        multiprocessing.get_context = lambda method=None: workers  # type: ignore[assignment,return-value]
        try:
            status = cli.main(command)
            self.modules.write_text("\n".join(sys.modules))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)

    def _spawn(self, command: list[str], output: int) -> int:
        program = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import kill_commands; "
            f"kill_commands.stand_in({self.url!r}); from stlora.cli import main; sys.exit(main(sys.argv[1:]))"
        )
        child = os.fork()
        if not child:
            os.chdir(self.work)
            for number in (1, 2):
                os.dup2(output, number)
            os.execv(sys.executable, [sys.executable, "-c", program, *command])
        return child

    def expect(self, name: str) -> tuple[dict[str, str], float]:
        """What a command leaves when nobody kills it, and its seconds; found out once, and again for a check."""
        if name not in self.expected:
            found = []
            for _ in range(2):
                self.clear()
                self.import_what_was_imported()
                started = time.perf_counter()
                status, told = self.run(COMMANDS[name], wait_for)
                seconds = time.perf_counter() - started
                assert status == 0, f"{name} fails by itself: {told}"
                found.append(contents(self.work))
            assert found[0] == found[1], f"{name} is not the same twice: {differing(*found)}"
            self.expected[name] = found[1], seconds
        return self.expected[name]

    def import_what_was_imported(self) -> None:
        """Import what the last command did, so that the next fork of this process need not."""
        for name in self.modules.read_text().split("\n"):
            if name not in sys.modules:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)

    def attempt(self, name: str, chance: random.Random) -> Try:
        """Kill a command once or twice, give it again until it ends, and compare."""
        number = chance.choice((signal.SIGKILL, signal.SIGTERM))
        own, twice = chance.random() < OWN_PROCESS, chance.random() < SECOND
        expected, seconds = self.expect(name)
        self.clear()
        kills = 0
        for share in [chance.random() for _ in range(1 + twice)]:
            moment = 1.05 * share * (seconds + 6 * own)  # imports of its own take about so long
            status, told = self.run(COMMANDS[name], lambda child, at=moment: kill_after(child, at, number), own)
            if status not in (-number, STOPPED):
                break
            kills += 1
        else:
            status, told = self.run(COMMANDS[name], wait_for, own)
        ended = status == 0 or (status == 2 and "holds a finished run" in told and kills)
        verb = name.partition(" ")[0] if name.startswith("convert") else name
        if not ended:
            return Try(verb, number.name, kills, f"status {status}: {told.strip()[-300:]}", [])
        found = contents(self.work)
        leftovers = sorted(found.keys() - expected.keys())
        fault = "" if found == expected else f"differs in {differing(found, expected)}"
        return Try(verb, number.name, kills, fault, leftovers)


def wait_for(child: int) -> int:
    """The status of a process that ends by itself."""
    deadline = time.monotonic() + LIMIT
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)


def kill_after(child: int, seconds: float, number: int) -> int:
    """The status of a process that is killed after so long, unless it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.002)
    os.kill(child, number)
    return os.waitpid(child, 0)[1]


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder by its path, with a digest of what must be equal in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(_content(path)).hexdigest()
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix in PAGES or path.name == "table.csv":
        return b""
    if path.suffix == ".json":
        return json.dumps(_lasting(json.loads(content)), sort_keys=True).encode()
    if path.name == "log.csv":
        rows = [row[:-1] for row in csv.reader(io.StringIO(content.decode()))]  # the last column is of seconds
        return repr(rows).encode()
    if path.suffix == ".safetensors":  # a header in no fixed order, and the tensors
        end = 8 + int.from_bytes(content[:8], "little")
        return json.dumps(json.loads(content[8:end]), sort_keys=True).encode() + content[end:]
    if path.suffix == ".pt2":  # an archive, with dates in it
        with zipfile.ZipFile(path) as archive:
            return repr([(file.filename, file.CRC) for file in archive.infolist()]).encode()
    return content


def _lasting(content: Any) -> Any:
    """Without what no two runs have in common."""
    if isinstance(content, dict):
        return {name: _lasting(value) for name, value in content.items() if not any(word in name for word in VARYING)}
    return [_lasting(value) for value in content] if isinstance(content, list) else content


def differing(found: dict[str, str], expected: dict[str, str]) -> str:
    """The files that two tries do not have in common."""
    names = found.keys() | expected.keys()
    return ", ".join(sorted(name for name in names if found.get(name) != expected.get(name))[:8])


def file_content(name: str) -> bytes:
    """What the server sends."""
    return random.Random(name).randbytes(400_000)


class Server(http.server.BaseHTTPRequestHandler):
    """Sends files slowly, from where they are asked for."""

    def do_GET(self) -> None:
        content = file_content(self.path.strip("/"))
        asked = self.headers.get("Range")
        start = int(asked[len("bytes=") : -1]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            for place in range(start, len(content), 20_000):
                self.wfile.write(content[place : min(place + 20_000, len(content))])
                time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def stand_in(url: str) -> None:
    """Let one data set of the catalogue come from a server of this machine."""
    digests = {name: hashlib.sha256(file_content(name)).hexdigest() for name in FILES}
    files = tuple(entries.DataFile(name, (f"{url}/{name}",), (f"sha256:{digests[name]}",)) for name in FILES)
    entry = replace(entries.look_up(SET), files=files)
    download.look_up = lambda _: entry  # type: ignore[assignment]


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """A server in a process of its own, and its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    child = os.fork()
    if not child:
        server.serve_forever()
    server.server_close()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def table(tries: list[Try]) -> str:
    """A line for each command and signal, and a sum."""
    lines = [f"{'command':<12}{'signal':<10}{'tries':>7}{'kills':>7}{'equal':>7}{'leftovers':>11}"]
    for verb in ORDER:
        for name in ("SIGKILL", "SIGTERM"):
            mine = [one for one in tries if (one.verb, one.signal) == (verb, name)]
            if mine:
                lines.append(_line(verb, name, mine))
    return "\n".join([*lines, _line("all", "", tries)])


def _line(verb: str, name: str, tries: list[Try]) -> str:
    kills, equal = sum(one.kills for one in tries), sum(not one.fault for one in tries)
    left = sum(len(one.leftovers) for one in tries)
    return f"{verb:<12}{name:<10}{len(tries):>7}{kills:>7}{equal:>7}{left:>11}"


def run_tries(stage: Stage, count: int, seed: int, kept: Path | None, names: list[str]) -> list[Try]:
    """Tries until so many kills are made, those that were kept from before among them."""
    tries = [Try(**json.loads(line)) for line in kept.read_text().splitlines()] if kept and kept.exists() else []
    while sum(one.kills for one in tries) < count:
        number = len(tries)
        tries.append(stage.attempt(names[number % len(names)], random.Random(f"{seed} {number}")))
        if kept:
            with kept.open("a") as file:
                file.write(json.dumps(asdict(tries[-1])) + "\n")
        if tries[-1].fault or tries[-1].leftovers:
            print(f"try {number}: {tries[-1]}", file=sys.stderr, flush=True)
    return tries


@contextlib.contextmanager
def staged() -> Iterator[Stage]:
    """A stage with everything in it that the commands need, below a folder that is removed in the end."""
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        stage = Stage(Path(folder), url)
        stage.prepare()
        yield stage


def main() -> int:
    """Run it and print the table; 1 if a command left anything else than it leaves when nobody kills it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=200, help="number of kills")
    parser.add_argument("--seed", type=int, default=0, help="of the commands' moments and signals")
    parser.add_argument("--kept", type=Path, help="a file for what is known so far")
    parser.add_argument("--commands", default=",".join(COMMANDS), help="some of them, with commas")
    given = parser.parse_args()
    with staged() as stage:
        tries = run_tries(stage, given.count, given.seed, given.kept, given.commands.split(","))
    packages = ", ".join(f"{name} {version(name)}" for name in ("stlora", "torch", "lightning", "numpy", "pandas"))
    print(f"python benchmarks/kill_commands.py --count {given.count} --seed {given.seed}")
    print(f"Python {platform.python_version()}, {packages}; {platform.system()}\n")
    print(table(tries))
    return int(any(one.fault or one.leftovers for one in tries))


if __name__ == "__main__":
    sys.exit(main())
