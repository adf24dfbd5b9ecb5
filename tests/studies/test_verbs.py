"""The studies as a user types them."""

import pandas as pd
import pytest
import yaml

from stlora.cli import main
from stlora.studies.designs import studied_fields
from stlora.verbs.parser import field_help
from stlora.verbs.studies import study_verbs


@pytest.fixture(scope="module")
def run(town, tmp_path_factory):
    """A trained backbone on data in a file."""
    folder = tmp_path_factory.mktemp("typed")
    series = town.series[0]
    frame = pd.DataFrame(series.values, columns=list(series.node_ids))
    frame.insert(0, "time", series.time)
    frame.to_csv(folder / "north.csv", index=False)
    small = ["--backbone_options", "{hidden_size: 4, input_size: 4, output_size: 8}", "--epochs", "1"]
    data = ["--data", str(folder / "north.csv"), "--history", "4", "--horizon", "3"]
    assert main(["fit", *data, "--backbone", "lstm", *small, "--out", str(folder / "run"), "--device", "cpu"]) == 0
    return folder / "run"


def one_error(capsys):
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith("stlora: error: ")
    return err.splitlines()[-1]


def test_a_study_from_the_command_line(run, tmp_path, capsys):
    options = ["--values", "1,2", "--adapt_epochs", "1", "--device", "cpu", "--out", str(tmp_path / "study")]
    assert main(["study", "rank", "--runs", str(run), *options]) == 0
    out = capsys.readouterr().out
    assert "Δ validation %" in out
    assert f"written to {tmp_path / 'study'}: study.json, study.md" in out
    assert str(tmp_path / "study" / "study.svg") in out
    assert {path.name for path in (tmp_path / "study").iterdir()} == {"runs", *(f"study.{e}" for e in ENDINGS)}


ENDINGS = ("json", "md", "svg", "png")


def test_options_in_a_file_and_without_matplotlib(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "stlora.studies.field_figure", None)
    options = {"runs": [str(run)], "out": str(tmp_path / "study"), "values": [False, True], "adapt_epochs": 1}
    (tmp_path / "options.yaml").write_text(yaml.safe_dump(options))
    assert main(["study", "gaps", "--config", str(tmp_path / "options.yaml")]) == 0
    assert 'no figure: it needs matplotlib; run pip install "stlora[report]"' in capsys.readouterr().out
    assert "| lstm | false | 1 |" in (tmp_path / "study" / "study.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "ranks", "--runs", "r", "--out", "o"], "there is no 'ranks'; did you mean rank? See stlora study"),
        (["study", "rank", "--out", "o"], "stlora study rank needs --runs; see stlora study rank --help"),
        (["study", "rank", "--runs", "nowhere", "--out", "o"], "nowhere holds no finished run; give"),
        (["study", "rank", "--runs", "nowhere", "--out", "o", "--values", "x"], "rank is 'x'; expected a whole"),
        (["study", "rank", "--runs", "r", "--out", "o", "--adapt_epochs", "0"], "adapt_epochs is 0; expected 1"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in one_error(capsys)


def test_failed_cells_end_with_status_2(run, tmp_path, capsys):
    options = ["--values", "0,2", "--adapt_epochs", "1", "--device", "cpu", "--out", str(tmp_path / "study")]
    assert main(["study", "rank", "--runs", str(run), *options]) == 2
    assert "1 cell failed: north lstm rank 0 seed 0: " in one_error(capsys)
    assert "| lstm | 2 | 1 |" in (tmp_path / "study" / "study.md").read_text()


def test_every_field_has_a_verb_that_says_what_it_is():
    verbs = study_verbs()
    assert list(verbs) == [*studied_fields(), "fewshot", "transfer"]
    assert all(verbs[field].about for field in studied_fields())


def test_help_of_a_field_has_all_its_lines():
    class Options:
        """Options.

        Attributes:
            first: one line
                and another.
            second: more.
        """

    assert field_help(Options, "first") == "one line and another."
    assert field_help(Options, "second") == "more."
    assert field_help(Options, "third") == ""
