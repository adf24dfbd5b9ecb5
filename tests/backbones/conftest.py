"""The comparison of every backbone with numbers that its published implementation gave.

The published implementation was filled with closed-form parameters keyed by its state-dict names, fed closed-form
inputs on a ring graph of 20 nodes, and its outputs and gradient norms were written down (``parity/<model>.json``:
``eval`` is the output in evaluation mode, ``train`` the one in training mode with every dropout 0, with the gradients
of its mean absolute error). A test says how the published tensors become ours; the gradients flow back through that
same map.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from zlib import crc32

import pytest
import torch
from torch import Tensor, nn

NODES, BATCH, STEPS = 20, 2, 12
RELATIVE = 1e-4
FLOOR = 1e-7  # of the total gradient norm: below it, the float32 rounding of the published run is all there is


class Parity:
    """The recipe: fill, inputs, graph and comparison."""

    num_nodes = NODES

    def expected(self, model: str) -> dict:
        """The numbers of the published implementation."""
        return json.loads((Path(__file__).parent / "parity" / f"{model}.json").read_text())

    def published_fill(self, name: str, shape: list[int]) -> Tensor:
        """The closed-form value of the parameter that the published state dict calls ``name``."""
        index = torch.arange(prod(shape), dtype=torch.float64)
        phase = (crc32(name.encode()) % 1000) / 100
        return (0.2 * torch.sin(0.7 * index + phase)).float().reshape(shape)

    def published_parameters(self, model: str) -> dict[str, Tensor]:
        """Every published parameter of ``model`` at 20 nodes, filled; leaves that collect a gradient."""
        shapes = self.expected(model)["shapes"]
        return {name: self.published_fill(name, shape).requires_grad_() for name, shape in shapes.items()}

    def inputs(self, dow_scale: float = 1.0) -> Tensor:
        """``[2, 12, 20, 3]``: value, time of day, day of week; the recipe's day is 0 to 6, times ``dow_scale``."""
        batch = torch.arange(BATCH, dtype=torch.float64)[:, None]
        step = torch.arange(STEPS, dtype=torch.float64)[None, :]
        time_of_day = ((37 * batch + step) % 288 / 288)[..., None].expand(BATCH, STEPS, NODES)
        day = ((3 * batch) % 7 * dow_scale)[..., None].expand(BATCH, STEPS, NODES)
        return torch.stack([torch.sin(0.1 * self._counter()), time_of_day, day], dim=-1).float()

    def target(self) -> Tensor:
        """``[2, 12, 20, 1]``."""
        return torch.cos(0.05 * self._counter()).float()[..., None]

    def ring(self, nodes: int = NODES) -> Tensor:
        """``[N, N]``: self loops of 1, 0.8 to the next node, 0.5 to the third next."""
        eye = torch.eye(nodes, dtype=torch.float64)
        return eye + 0.8 * eye.roll(1, dims=1) + 0.5 * eye.roll(3, dims=1)

    def check(
        self,
        model: str,
        module: nn.Module,
        ours_from_published: Callable[[Mapping[str, Tensor]], dict[str, Tensor]],
        dow_scale: float = 1.0,
    ) -> None:
        """Compare ``module``, built with dropout 0, with the published numbers.

        ``ours_from_published`` takes the published parameters by name and returns every parameter of ``module`` by
        name, made of them by differentiable operations (rename, reshape, slice, concatenate).
        """
        expected = self.expected(model)
        published = self.published_parameters(model)
        ours = ours_from_published(published)
        parameters = dict(module.named_parameters())
        assert set(ours) == set(parameters)
        with torch.no_grad():
            for name, parameter in parameters.items():
                assert parameter.shape == ours[name].shape, name
                parameter.copy_(ours[name])
        x, target = self.inputs(dow_scale), self.target()

        module.eval()
        with torch.no_grad():
            out = module(x)
        assert out.shape == target.shape
        self._check_output(out, expected["eval"])
        if "train" not in expected:
            return

        module.train()
        out = module(x)
        self._check_output(out.detach(), expected["train"])
        loss = (out - target).abs().mean()
        assert loss.item() == pytest.approx(expected["train"]["loss"], rel=RELATIVE)
        loss.backward()
        used = [name for name, parameter in parameters.items() if parameter.grad is not None]
        torch.autograd.backward([ours[name] for name in used], [parameters[name].grad for name in used])
        self._check_gradients(published, expected["train"])

    def _counter(self) -> Tensor:
        return torch.arange(BATCH * STEPS * NODES, dtype=torch.float64).reshape(BATCH, STEPS, NODES)

    def _check_output(self, out: Tensor, expected: dict) -> None:
        scale = out.abs().mean().item()
        found = {
            "b0_n0": out[0, :, 0, 0].tolist(),
            "b1_n7": out[1, :, 7, 0].tolist(),
            "mean": out.mean().item(),
            "absmean": out.abs().mean().item(),
            "std": out.std().item(),
        }
        for key in found.keys() & expected.keys():
            assert found[key] == pytest.approx(expected[key], rel=RELATIVE, abs=1e-6 * scale), key

    def _check_gradients(self, published: Mapping[str, Tensor], expected: dict) -> None:
        without = {name for name, tensor in published.items() if tensor.grad is None or not tensor.grad.any()}
        assert set(expected["no_grad"]) <= without
        norms = {name: tensor.grad.norm().item() for name, tensor in published.items() if tensor.grad is not None}
        total = torch.tensor(list(norms.values()), dtype=torch.float64).norm().item()
        assert total == pytest.approx(expected["total_norm"], rel=RELATIVE)
        for name, norm in expected["grad_norms"].items():
            assert norms[name] == pytest.approx(norm, rel=RELATIVE, abs=FLOOR * total), name


@pytest.fixture(scope="session")
def parity() -> Parity:
    """The recipe of the comparison with the published implementations."""
    return Parity()
