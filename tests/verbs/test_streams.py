"""Commands whose streams are closed, full or poor in letters, and whose files may not grow."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stlora.verbs.streams import reason_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of shells")
NO_ROOM = "no room is left on the disk"
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.fixture
def counts(tmp_path):
    time = pd.date_range("2024-03-04", periods=400, freq="15min", name="time")
    values = np.random.default_rng(0).poisson(30, (400, 3))
    pd.DataFrame(values, index=time, columns=["Straße", "b", "c"]).to_csv(tmp_path / "zählung.csv")
    return tmp_path


def run(folder, line, **environment):
    """A shell line in which ``stlora`` is this interpreter's."""
    line = line.replace("stlora", f'"{sys.executable}" -m stlora.cli')
    given = {**os.environ, "COLUMNS": "100", **environment}
    return subprocess.run(["bash", "-c", line], cwd=folder, env=given, capture_output=True, text=True, timeout=120)


CHECK, CONVERT = "stlora data check zählung.csv", "stlora data convert zählung.csv --output=out.csv"


@pytest.mark.parametrize("verb", [CHECK, CONVERT])
@pytest.mark.parametrize("streams", ["2>&-", ">&-", "<&- >&- 2>&-", "2>/dev/full", "| true"])
def test_command_goes_well_whoever_listens(counts, verb, streams):
    done = run(counts, f"set -o pipefail; {verb} {streams}")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert verb == CHECK or (counts / "out.csv").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
def test_output_without_room_is_one_line(counts):
    done = run(counts, f"{CHECK} >/dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith("stlora: error: ")
    assert NO_ROOM in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_terminal_without_all_letters_shows_them_as_codes(counts):
    done = run(counts, CHECK, **ASCII)
    assert done.returncode == 0, done.stderr
    refused = run(counts, "stlora data check keine-Zählung.csv", **ASCII)
    assert refused.returncode == 2
    assert refused.stderr.isascii()
    assert len(refused.stderr.splitlines()) == 1


def test_file_that_may_not_grow_is_named_and_leaves_nothing(counts):
    done = run(counts, f"ulimit -f 1; {CONVERT}")
    assert done.returncode == 2
    assert done.stderr.startswith("stlora: error: out.csv: the file would be larger than files may be here")
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in counts.iterdir()] == ["zählung.csv"]


def test_files_are_as_private_as_the_umask_says(counts):
    assert run(counts, f"umask 077; {CONVERT}").returncode == 0
    assert (counts / "out.csv").stat().st_mode & 0o777 == 0o600


def test_no_home_is_needed(counts):
    done = run(counts, f"env -u HOME {CHECK}")
    assert done.returncode == 0, done.stderr


def test_reason_of_an_error_names_file_and_remedy():
    assert reason_of(OSError(28, "No space left on device", "a.csv")).startswith(f"a.csv: {NO_ROOM}")
    assert reason_of(OSError(30, "Read-only file system", "a.csv")).endswith("choose another folder")
