"""Networks of a handful of sensors, ready to be served, and windows for them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from stlora import STLoRA, backbones
from stlora.data import simulate
from stlora.data.filling import Filling
from stlora.data.scaling import Scaler
from stlora.data.time.clock import clock, daily_profile
from stlora.serving import ServedNetwork

HISTORY, HORIZON, NODES = 5, 2, 6
SMALL = {
    "lstm": {"hidden_size": 4, "num_layers": 1},
    "stgcn": {"kernel_size": 2},
    "gwnet": {"blocks": 1, "layers": 1},
    "agcrn": {"num_layers": 1},
    "staeformer": {"num_layers": 1},
    "d2stgnn": {"num_layers": 1},
    "stid": {"num_layers": 1},
    "dcrnn": {"num_layers": 1},
}


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Sums in one order, and nobody else's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def series():
    """Six sensors over two days of half hours, with gaps and a graph."""
    return simulate(num_nodes=NODES, days=2, interval="30min", seed=1, missing=0.1).series


@pytest.fixture(scope="session")
def scaler(series):
    return Scaler.fit(series.values)


@pytest.fixture(scope="session")
def serve(series, scaler):
    """A network of that name with weights that matter, alone or adapted, behind the call of a server."""

    def make(name: str, adapted: bool = False, fill: str = "last") -> ServedNetwork:
        torch.manual_seed(0)
        graph = torch.zeros(NODES, NODES)
        graph[[0, 2, 5], [1, 3, 0]] = 1.0  # few enough edges for sparse products
        network: nn.Module = backbones.create(name, NODES, graph, HISTORY, HORIZON, **SMALL[name])
        if adapted:
            network = STLoRA(network, NODES)
            network.learn_profile(
                scaler.transform(torch.as_tensor(series.values)), torch.from_numpy(clock(series.time))
            )
            for parameter in network.adapter.parameters():
                nn.init.normal_(parameter, std=0.3)
        profile = daily_profile(series.values, clock(series.time)[:, 0], 48) if fill == "profile" else None
        return ServedNetwork(network.requires_grad_(False), scaler, Filling(fill, profile)).eval()

    return make


@pytest.fixture(scope="session")
def windows(series):
    """That many windows: values with gaps, one sensor without any, and seconds of the wall clock."""

    def cut(batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows = torch.arange(batch)[:, None] * 7 + torch.arange(HISTORY)
        values = torch.from_numpy(series.values)[rows].clone()
        values[0, :, 1] = torch.nan
        seconds = torch.from_numpy(series.time.to_numpy().astype("datetime64[s]").astype("int64"))
        return values, seconds[rows]

    return cut
