"""A folder is written to by one process at a time, and a killed one leaves nothing for long."""

import os
import subprocess
import sys

import pytest

from stlora import InputError
from stlora.files import write_text
from stlora.folders import LOCK, PARTIAL, check_filled, claimed, filled

HOLD = """
import sys
from stlora.folders import {way}
with {way}(sys.argv[1]) as place:
    (place / "half.txt").write_text("half")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder():
    """Starts a process that holds a folder; ended by the test."""
    started = []

    def start(folder, way="claimed"):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(way=way), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_second_process_is_refused_and_the_folder_is_free_after_the_first(tmp_path, holder):
    first = holder(tmp_path / "run")
    with pytest.raises(InputError, match=r"another process is writing to .*run"), claimed(tmp_path / "run"):
        pass
    first.communicate()
    assert first.returncode == 0
    with claimed(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK).exists()
    assert os.listdir(tmp_path / "run") == ["half.txt"]


def test_lock_of_a_killed_process_holds_nothing(tmp_path, holder):
    process = holder(tmp_path / "run")
    process.kill()
    process.wait()
    assert (tmp_path / "run" / LOCK).exists()
    with claimed(tmp_path / "run"):
        pass
    assert os.listdir(tmp_path / "run") == ["half.txt"]


def test_locks_of_killed_processes_below_go_and_those_of_others_stay(tmp_path, holder):
    dead, alive = holder(tmp_path / "runs" / "a"), holder(tmp_path / "runs" / "b")
    dead.kill()
    dead.wait()
    with claimed(tmp_path):
        assert not (tmp_path / "runs" / "a" / LOCK).exists()
        assert (tmp_path / "runs" / "b" / LOCK).exists()
        assert alive.poll() is None


def test_same_process_cannot_claim_twice(tmp_path):
    with claimed(tmp_path), pytest.raises(InputError, match="another process is writing"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_a_folder_made_for_nothing_goes_again(tmp_path):
    with pytest.raises(ZeroDivisionError), claimed(tmp_path / "a" / "b"):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


def fail_in(folder):
    with filled(folder, ["*.txt", "below/*.txt"]) as place:
        write_text(place / "a.txt", "3")
        raise ZeroDivisionError


def test_a_filled_folder_is_whole_or_as_it_was(tmp_path):
    folder = tmp_path / "net"
    with filled(folder, ["*.txt"]) as place:
        assert place.name == "net"
        write_text(place / "a.txt", "1")
        write_text(place / "below" / "b.txt", "2")
        with pytest.raises(InputError, match="in part"):
            check_filled(folder)
    assert sorted(path.name for path in folder.rglob("*")) == ["a.txt", "b.txt", "below"]
    with pytest.raises(ZeroDivisionError):
        fail_in(folder)
    assert (folder / "a.txt").read_text() == "1"
    with filled(folder, ["*.txt", "below/*.txt"]) as place:
        write_text(place / "c.txt", "4")
    assert sorted(path.name for path in folder.rglob("*")) == ["c.txt"]


def test_other_files_are_not_emptied_away(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not an empty folder"), filled(tmp_path, ["*.npy"]):
        pass
    assert os.listdir(tmp_path) == ["thesis.txt"]


def test_a_folder_whose_filling_was_killed_is_refused_by_readers_and_filled_anew(tmp_path, holder):
    process = holder(tmp_path / "net", "filled")
    process.kill()
    process.wait()
    assert (tmp_path / "net" / PARTIAL).exists()
    with pytest.raises(InputError, match="in part"):
        check_filled(tmp_path / "net")
    with filled(tmp_path / "net") as place:
        write_text(place / "whole.txt", "whole")
    assert os.listdir(tmp_path / "net") == ["whole.txt"]
