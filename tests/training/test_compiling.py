"""Compiled for the training steps, as it was for everything else, and one line where it cannot be."""

import copy
import pickle
import shutil
from importlib.util import find_spec

import pytest
import torch
from torch._dynamo.utils import counters

from stlora import InputError
from stlora.adapters import NodeSpecificPredictor
from stlora.adapters.files import fingerprint
from stlora.training import compiling, evaluate
from stlora.training.comparing.trained_on import TrainOnConfig, pace_of
from stlora.training.compiling import compiled, parts_that_learn
from stlora.training.prepare import open_run
from stlora.training.wrapping import wrap


@pytest.fixture
def calls():
    """Graphs that were compiled, and how often they ran; without a C++ compiler."""
    found = {"compiled": 0, "run": 0, "measuring": 0}

    def backend(graph, inputs):
        found["compiled"] += 1

        def run(*arguments):
            found["run" if torch.is_grad_enabled() else "measuring"] += 1
            return graph(*arguments)

        return run

    with pytest.MonkeyPatch.context() as patch:  # of its own: an interruption takes back those of the test
        patch.setattr(compiling, "BACKEND", backend)
        yield found


def check_ran(found):
    assert found["compiled"] > 0
    assert found["run"] > 0
    assert found["measuring"] == 0


def check_plain(model):
    assert all(part._compiled_call_impl is None for part in model.modules())
    assert not any("_orig_mod" in name for name in model.state_dict())


def test_fit_runs_compiled_steps_and_comes_to_the_same(tiny, fitted, tmp_path, calls):
    run = tiny.fit(tmp_path / "run", compile=True)
    check_ran(calls)
    assert tiny.weights(run).keys() == tiny.weights(fitted).keys()
    assert run.metrics["average"] == pytest.approx(fitted.metrics["average"], rel=1e-4)
    count = dict(calls)
    assert evaluate(run, series=tiny.series, device="cpu")["average"] == run.metrics["average"]
    assert calls == count


def test_backbone_of_the_call_is_left_as_it_was(tiny, tmp_path, calls):
    module, plain = tiny.own(), tiny.own()
    tiny.fit(tmp_path / "run", module=module, compile=True, epochs=1)
    tiny.fit(tmp_path / "plain", module=plain, epochs=1)
    check_ran(calls)
    check_plain(module)
    assert module.state_dict().keys() == plain.state_dict().keys()
    assert pickle.loads(pickle.dumps(module)).state_dict().keys() == plain.state_dict().keys()  # noqa: S301


@pytest.mark.parametrize("adapter", ["stlora", "paper", "finetune", "clora"])
def test_adapter_trains_compiled_and_comes_to_the_same(tiny, fitted, tmp_path, calls, adapter):
    run = tiny.adapt(fitted, tmp_path / "run", adapter=adapter, compile=True, epochs=1)
    check_ran(calls)
    plain = tiny.adapt(fitted, tmp_path / "plain", adapter=adapter, epochs=1)
    assert run.metrics["average"] == pytest.approx(plain.metrics["average"], rel=1e-3)
    assert tiny.weights(run).keys() == tiny.weights(plain).keys()
    check_plain(run.load())


@pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed")
def test_backbone_with_changed_weights_trains_compiled(tiny, fitted, tmp_path, calls):
    run = tiny.adapt(fitted, tmp_path / "run", adapter="peft", compile=True, epochs=1)
    check_ran(calls)
    plain = tiny.adapt(fitted, tmp_path / "plain", adapter="peft", epochs=1)
    assert run.metrics["average"] == pytest.approx(plain.metrics["average"], rel=1e-3)


def test_both_options_go_together(tiny, tmp_path, calls):
    low = tiny.fit(tmp_path / "low", precision="bf16", epochs=1)
    run = tiny.fit(tmp_path / "run", precision="bf16", compile=True, epochs=1)
    check_ran(calls)
    assert run.metrics["average"] == pytest.approx(low.metrics["average"], rel=0.01)


def test_parts_are_those_that_a_step_calls(tiny, fitted):
    data = open_run(fitted.record(), tiny.series)

    def parts(adapter, freeze):
        model = wrap(fitted.load_backbone(), adapter, {}, data, freeze=freeze)
        return [type(part).__name__ for part in parts_that_learn(model)]

    backbone = type(fitted.load_backbone()).__name__
    assert parts("stlora", True) == ["NodeSpecificPredictor"]
    assert parts("stlora", False) == [backbone, "NodeSpecificPredictor"]
    assert parts("clora", True) == [backbone]
    assert parts("bias_scale", True) == []
    assert parts_that_learn(module := tiny.own()) == [module]


def test_nothing_of_it_shows_outside_of_steps(tiny, calls):
    module = tiny.own()
    names, mark = list(module.state_dict()), fingerprint(module)
    x = torch.randn(5, 4, 6, 3)
    with compiled(module, True):
        assert (list(module.state_dict()), fingerprint(module)) == (names, mark)
        check_plain(copy.deepcopy(module))
        check_plain(pickle.loads(pickle.dumps(module)))  # noqa: S301
        with torch.no_grad():
            module(x)
        assert calls["compiled"] == 0
        module(x)
        assert calls["compiled"] == 1
    check_plain(module)
    module(x)
    assert calls["run"] == 1


def test_a_network_that_was_compiled_before_stays_so(tiny, calls):
    module = tiny.own()
    module.compile(backend="eager")
    before = module._compiled_call_impl
    with compiled(module, True):
        assert module._compiled_call_impl is not before
    assert module._compiled_call_impl is before


def test_networks_of_one_kind_after_each_other_are_all_compiled(tiny, calls):
    for count in range(1, 12):  # torch compiles one function for 8 kinds of input and then gives up
        module = NodeSpecificPredictor(num_nodes=2, in_features=count, horizon=1)
        with compiled(module, True):
            module(torch.ones(3, 2, count))
        assert calls["compiled"] == count


def test_what_cannot_be_compiled_is_one_line(tiny, tmp_path, monkeypatch):
    def backend(graph, inputs):
        raise RuntimeError("No working C++ compiler found\n\nand much more")

    monkeypatch.setattr(compiling, "BACKEND", backend)
    module = tiny.own()
    with pytest.raises(InputError, match=r"RuntimeError: No working C\+\+ compiler found\); it takes a C\+\+") as error:
        tiny.fit(tmp_path / "run", module=module, compile=True)
    assert "\n" not in str(error.value)
    check_plain(module)


def test_another_error_in_a_step_stays_what_it_is(tiny, tmp_path, calls, interrupt):
    with pytest.raises(interrupt(epoch=0)):
        tiny.fit(tmp_path / "run", module=tiny.own(), compile=True)


def test_interrupted_run_is_taken_up(tiny, tmp_path, calls, interrupt):
    with pytest.raises(interrupt(epoch=1)):
        tiny.fit(tmp_path / "run", module=tiny.own(), compile=True)
    with pytest.raises(InputError, match="other options"):
        tiny.fit(tmp_path / "run", module=tiny.own())
    run, whole = (tiny.fit(tmp_path / name, module=tiny.own(), compile=True) for name in ("run", "whole"))
    assert tiny.results(run) == tiny.results(whole)


def test_training_on_and_its_pace_are_compiled_as_the_run_was(tiny, tmp_path, calls):
    run = tiny.fit(tmp_path / "run", compile=True, epochs=1, train_fraction=0.2)
    options = TrainOnConfig.of(run, str(tmp_path / "on"), 1, None, "cpu")
    assert options.compile
    before = calls["run"]
    assert pace_of(options, tiny.series) > 0
    assert calls["run"] > before


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++ to compile with")
def test_a_step_runs_through_the_real_compiler():
    module = NodeSpecificPredictor(num_nodes=2, in_features=3, horizon=1)
    plain = copy.deepcopy(module)
    x = torch.randn(4, 2, 3)
    for network, wanted in ((module, True), (plain, False)):
        with compiled(network, wanted):
            network(x).square().sum().backward()
    assert counters["inductor"]
    torch.testing.assert_close(module.embed.weight.grad, plain.embed.weight.grad)
    check_plain(module)
