"""The page about ``data check`` prints what the command prints."""

import re
from pathlib import Path

import pytest

from stlora.cli import main

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "data_check.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```\n\$ stlora data check (\S+)\n(.*?)\n```", PAGE, re.DOTALL)


def test_both_real_networks_are_on_the_page():
    assert [name for name, _ in BLOCKS] == ["metr-la-60", "muenster-bikes"]


@pytest.mark.parametrize(("name", "printed"), BLOCKS)
def test_page_prints_what_the_command_prints(name, printed, capsys):
    pytest.importorskip("pyarrow")
    folder = ROOT / ".." / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip("no real data beside the checkout")
    assert main(["data", "check", str(folder)]) == 0
    assert capsys.readouterr().out.rstrip() == printed
