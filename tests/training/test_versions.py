"""With what a run was made, and what a table says of it."""

from importlib.metadata import version

import torch

from stlora.training.versions import about_versions, cpu_model, versions_now, versions_of


def test_a_run_says_what_made_it(fitted):
    made = fitted.metrics["versions"]
    assert list(made) == ["stlora", "torch", "lightning", "numpy", "python", "cpu", "threads", "gpu"]
    assert made["torch"] == torch.__version__
    assert made["lightning"] == version("lightning")
    assert (made["threads"], made["gpu"]) == (torch.get_num_threads(), None)
    assert made["cpu"]


def test_the_gpu_is_named_where_one_was_used(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"a fast one, {device}")
    assert versions_now("none", torch.device("cuda"))["gpu"] == "a fast one, cuda"


def test_peft_is_named_where_it_was_used(monkeypatch):
    monkeypatch.setattr("stlora.training.versions.version", lambda name: f"{name}'s")
    assert versions_now("peft", torch.device("cpu"))["peft"] == "peft's"


def test_the_processor_is_named_by_the_system(tmp_path):
    (tmp_path / "info").write_text("processor\t: 0\nmodel name\t: Best CPU 3000\nprocessor\t: 1\nmodel name\t: Other\n")
    assert cpu_model(tmp_path / "info") == "Best CPU 3000"
    assert cpu_model(tmp_path / "nothing")


def test_a_version_that_some_cells_alone_have_is_no_difference():
    runs = {"a": {"versions": {"torch": "2"}}, "b": {"versions": {"torch": "2", "peft": "1"}}}
    assert versions_of(runs) == {"versions": {"torch": "2", "peft": "1"}, "other_versions": []}


def test_a_gpu_beside_none_is_a_difference():
    runs = {f"lstm none seed {seed}": {"versions": {"gpu": None if seed == 2 else "H"}} for seed in range(3)}
    assert about_versions(versions_of(runs)) == "gpu H; lstm none seed 2: no gpu"


def test_a_table_without_versions_says_so():
    assert about_versions(versions_of({"a": {}})) == "versions not recorded"
    assert about_versions(versions_of({})) == ""
    assert about_versions({"versions": {"torch": "2"}}) == "torch 2"  # as earlier versions wrote it
