"""What cannot be read on the command line is said by what was found, what was expected and what to do."""

import pytest

from stlora.cli import main

FIT = ("fit", "--data", "simulated", "--backbone", "lstm", "--out", "x")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "a verb is missing; choose one of demo, fit, "),
        (["fitt"], "there is no 'fitt'; did you mean fit? See stlora --help"),
        (["nonsense"], "there is no 'nonsense'; choose one of demo, "),
        (["-x"], "stlora has no option -x; see stlora --help"),
        (["data"], "a verb is missing; choose one of list, info, get, check, convert, and see stlora data --help"),
        (["data", "chek"], "there is no 'chek'; did you mean check? See stlora data --help"),
        (["study", "rnk"], "there is no 'rnk'; did you mean rank? See stlora study --help"),
        (["fit"], "stlora fit needs --data, --out, --backbone; see stlora fit --help"),
        (["data", "check"], "stlora data check needs PATH; see stlora data check --help"),
        (["study", "rank"], "stlora study rank needs --runs, --out; see stlora study rank --help"),
        ([*FIT, "--epohs", "3"], "stlora fit has no option --epohs; did you mean --epochs, see stlora fit --help"),
        ([*FIT, "more"], "stlora fit takes no 'more' there; see stlora fit --help"),
        ([*FIT, "--epochs"], "--epochs has no value; give one, see stlora fit --help"),
        ([*FIT, "--epochs", "ten"], "--epochs is 'ten'; expected a whole number"),
        ([*FIT, "--seed", "1.5"], "--seed is '1.5'; expected a whole number"),
        ([*FIT, "--train_fraction", "all"], "--train_fraction is 'all'; expected a number"),
        ([*FIT, "--compile", "maybe"], "--compile is 'maybe'; expected true or false"),
        ([*FIT, "--zero_is_missing", "maybe"], "--zero_is_missing is 'maybe'; expected true or false"),
        ([*FIT, "--device", "tpu"], "--device is 'tpu'; choose one of auto, cpu, cuda"),
        ([*FIT, "--split", "[0.5,0.5]"], "--split is '[0.5, 0.5]'; expected 3 numbers in brackets"),
        ([*FIT, "--decay_epochs", "3"], "--decay_epochs is '3'; expected numbers in brackets"),
        ([*FIT, "--backbone_options", "3"], "--backbone_options is '3'; expected options with their values"),
        ([*FIT, "--backbone_options.hidden_size", "many"], "hidden_size of lstm is 'many'; expected a whole number"),
        ([*FIT, "--backbone_options.dropout", "3"], "lstm cannot be made with dropout=3: dropout should be"),
        (["adapt", "x", "--out", "y", "--adapter", "lora"], "--adapter is 'lora'; choose one of stlora, large, "),
        ([*FIT, "--config", "no.yaml"], "--config names 'no.yaml', and there is no such file; check the path"),
    ],
)
def test_every_mistake_is_one_line(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "")
    assert said.startswith(f"stlora: error: {told}")
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("epochs: ten\n", "--epochs is 'ten'; expected a whole number"),
        ("epocs: 3\n", "stlora fit has no option --epocs; did you mean --epochs, see stlora fit --help"),
        ("epochs: [3\n", "the file of --config is no YAML: "),
        ("- 3\n", "the file of --config holds '- 3'; expected lines such as epochs: 3"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_one_line(text, told, tmp_path, capsys):
    (tmp_path / "a.yaml").write_text(text)
    assert main([*FIT[:-1], str(tmp_path / "x"), "--config", str(tmp_path / "a.yaml")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"stlora: error: {told}")
    assert len(said.splitlines()) == 1


def test_beginning_of_several_options_names_them(capsys):
    assert main(["fit", "--dat", "x"]) == 2
    said = capsys.readouterr().err
    assert "--dat may be --data or --data_fingerprint; write the one that is meant" in said
    assert main(["compare", "--data", "x", "--backbone", "lstm", "--out", "y"]) == 2
    assert "--backbone may be --backbones or --backbone_options" in capsys.readouterr().err
