"""A second device where there is none: it computes on the processor, and refuses what a GPU refuses."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

import lightning
import pytest
import torch
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

from stlora.training import evaluate, predict
from stlora.training.comparing.trained_on import TrainOnConfig, pace_of

DEVICE = torch.device("meta")  # torch knows it, and nothing else computes on it
_MOVING = {torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default}
_INDEXING = {torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default}  # a GPU takes indices of the processor


class There(Tensor):
    """A tensor whose numbers lie on the processor, said to be on the other device."""

    here: Tensor

    @staticmethod
    def __new__(cls, here):
        there = Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            dtype=here.dtype,
            device=DEVICE,
            storage_offset=here.storage_offset(),
        )
        there.here = here
        return there

    def __reduce_ex__(self, protocol):
        return self.here.detach().__reduce_ex__(protocol)

    def tolist(self):
        return self.here.tolist()

    def __format__(self, form):
        return format(self.item(), form)

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        return _run(op, args, kwargs or {})


class _Made(TorchDispatchMode):
    """Tensors that are made there from nothing that is there already."""

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        return _run(op, args, kwargs or {})


def _run(op, args, kwargs):
    tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, Tensor)]
    there = [each for each in tensors if isinstance(each, There)]
    if any(each.device == DEVICE for each in tensors if not isinstance(each, There)):
        raise RuntimeError(f"{op} got a list, which is sent to the other device at every call")
    first_is_there = bool(args) and isinstance(args[0], There)
    if there and op not in _MOVING:
        mixed = [each for each in tensors if not isinstance(each, There) and each.dim()]
        if mixed and not (op in _INDEXING and first_is_there):
            raise RuntimeError(f"{op} got tensors on two devices")
        if op._schema.is_mutable and isinstance(args[0], Tensor) and not first_is_there:
            raise RuntimeError(f"{op} writes to the processor what lies on the other device")
    wanted = kwargs.get("device")
    goes_there = bool(there) if wanted is None else torch.device(wanted) == DEVICE
    if op is torch.ops.aten.copy_.default:
        goes_there = first_is_there
    if wanted is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    args, kwargs = tree_map_only(There, lambda each: each.here, (args, kwargs))
    answer = op(*args, **kwargs)
    if not goes_there:
        return answer
    same = [each for each in there if each.here is answer]  # written in place
    return same[0] if same else tree_map_only(Tensor, There, answer)


class _Processor(CPUAccelerator):
    def setup_device(self, device: torch.device) -> None:
        pass


@contextmanager
def elsewhere(monkeypatch) -> Iterator[None]:
    """Everything that asks for a device gets the other one."""
    with monkeypatch.context() as patch:
        for module in ("adaptation", "loop", "results", "prediction", "comparing.trained_on"):
            patch.setattr(f"stlora.training.{module}.choose_device", lambda _: DEVICE)
        trainer = lightning.Trainer

        def made(accelerator, devices, **options):
            return trainer(accelerator=_Processor(), strategy=SingleDeviceStrategy(DEVICE), **options)

        patch.setattr("stlora.training.loop.lightning.Trainer", made)
        patch.setattr(torch, "is_autocast_enabled", lambda _: False)  # which does not know the device
        optimizers = import_module("torch.optim.optimizer")
        patch.setattr(optimizers, "_get_fused_kernels_supported_devices", lambda: [DEVICE.type])
        tensor = torch.tensor

        def tensor_of(data, *, device=None, **options):  # torch hides from a mode how it moves what it makes of a list
            made = tensor(data, **options)
            return made if device is None else made.to(device)

        patch.setattr(torch, "tensor", tensor_of)
        for name in ("__enter__", "__exit__"):  # torch makes no views of such tensors in its inference mode
            patch.setattr(torch.inference_mode, name, getattr(torch.no_grad, name))
        patch.setattr("stlora.data.rows.free_memory", lambda _: 2**40)
        with _Made():
            yield


@pytest.fixture
def there(monkeypatch):
    """What asks for a device gets the other one."""
    with elsewhere(monkeypatch):
        yield


@pytest.mark.usefixtures("there")
def test_the_other_device_refuses_what_a_gpu_refuses():
    x = torch.zeros(3, device=DEVICE)
    assert x.device == DEVICE
    assert (x + torch.tensor(1.0)).cpu().tolist() == [1, 1, 1]
    with pytest.raises(RuntimeError, match="tensors on two devices"):
        x + torch.ones(3)
    with pytest.raises(RuntimeError, match="what lies on the other device"):
        torch.zeros(()).add_(x.sum())
    with pytest.raises(RuntimeError, match="got a list"):
        x[[0, 1]]


@pytest.mark.parametrize("adapter", ["stlora", "residual"])
def test_adapting_there_comes_to_the_same(tiny, fitted, tmp_path, monkeypatch, adapter):
    here = tiny.adapt(fitted, tmp_path / "here", epochs=1, adapter=adapter)
    with elsewhere(monkeypatch), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "for .*: copying from a non-meta parameter")  # these have numbers
        run = tiny.adapt(fitted, tmp_path / "there", epochs=1, adapter=adapter)
        assert evaluate(run, series=tiny.series)["average"] == pytest.approx(here.metrics["average"], rel=1e-6)
        forecast = predict(run, tiny.series).table["forecast"]
    assert (run.metrics["device"], here.metrics["device"]) == ("meta", "cpu")
    assert run.metrics["average"] == pytest.approx(here.metrics["average"], rel=1e-6)
    assert forecast.tolist() == pytest.approx(predict(here, tiny.series, device="cpu").table["forecast"].tolist())


@pytest.mark.usefixtures("there")
def test_pace_is_measured_there(tiny, fitted, tmp_path):
    assert pace_of(TrainOnConfig.of(fitted, str(tmp_path / "run"), 1, None, "auto"), tiny.series) > 0
