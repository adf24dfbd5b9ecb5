"""The page on models of one's own does what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from stlora.cli import main

PAGE = Path(__file__).parents[1] / "docs" / "own_module.md"


def test_every_block_of_the_page_runs(tmp_path, monkeypatch, capfd):
    if not PAGE.is_file():
        pytest.skip("the documentation does not lie beside the tests")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    blocks = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    ran = []
    for language, text in blocks:
        if text.startswith("# my_model.py"):
            Path("my_model.py").write_text(text)
        elif language == "python":
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", *sys.path])}
            subprocess.run([sys.executable, "-c", text], check=True, env=environment)
            ran.append("python")
        else:
            for line in text.splitlines():
                program, *arguments = shlex.split(line)
                assert program == "stlora"
                assert main([*arguments, "--device", "cpu"]) == 0, (line, capfd.readouterr().err)
                ran.append(arguments[0])
    sys.modules.pop("my_model", None)
    assert ran == ["fit", "adapt", "evaluate", "compare", "fit", "python"]
    assert Path("runs/python-adapted/metrics.json").is_file()
