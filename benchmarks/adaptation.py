"""How long it takes to fit an adapter to the kept forecasts of a frozen backbone, and to train both jointly.

    python benchmarks/adaptation.py [--threads 2]

Simulated networks, float32; steps as in ``stlora adapt``, which keeps what the adapter sees of each window where there
is room for all of them; elsewhere windows are cut and masked at every step. Writes results/speed/adaptation.json and
adaptation.md; a run with another number of threads is added to those that are there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest import mock

import torch
from measuring.machine import describe
from measuring.setting import Network, Step
from measuring.threads import keep
from measuring.turns import medians, seconds
from pages.speed import EPOCHS, adaptation_page
from torch import Tensor

from stlora.adapters import STLoRA
from stlora.training.batches import windows_at_once
from stlora.training.seen import ROOM, SeenWindows, keep_seen

RESULT = Path(__file__).parents[1] / "results" / "speed" / "adaptation"
WINDOWS, DAYS, BATCH, JOINT_BATCH, ROUNDS = 10_000, 36, 128, 64, 5  # the default batches of adapt and of fit
BACKBONE = "stgcn"


class Epochs:
    """Training steps and forecasts on batches drawn anew; an adapter on a frozen backbone learns without it."""

    def __init__(self, network: Network, model: STLoRA, batch: int, frozen: bool) -> None:
        self.windows, self.model, self.batch = network.windows, model, batch
        self.seen: dict[str, SeenWindows] = {}
        model.freeze_backbone = frozen
        parameters = model.adapter.parameters() if frozen else model.parameters()
        self.train = Step(parameters, self.forecasts, torch.empty(0))

    def forecasts(self) -> tuple[Tensor, ...]:
        start = torch.randint(len(self.windows), (self.batch,))
        self.train.target = self.windows.targets(start)
        if self.seen:
            return (self.windows.scaler.inverse(self.seen["all"].forecast(start)),)
        x = self.windows.inputs(start)
        backbone = None if self.model.learns_alone else self.model.backbone_forecast(x)
        return tuple(self.windows.scaler.inverse(scaled) for scaled in self.model.learned(x, backbone))

    def see(self) -> None:
        """What is kept for all epochs, if 10,000 windows would find room."""
        windows = len(self.windows)
        with mock.patch("stlora.training.seen.ROOM", ROOM * windows / WINDOWS):
            self.seen = keep_seen(self.model, self.windows, {"all": range(windows)}, passes=EPOCHS)

    def backbone(self) -> None:
        """Forecasts to be kept."""
        with torch.inference_mode():
            size = windows_at_once(self.batch, self.windows.num_nodes, self.windows.device)
            for start in torch.randint(len(self.windows), (self.batch,)).split(size):
                self.model.backbone_forecast(self.windows.inputs(start))

    def validate(self) -> None:
        with torch.inference_mode():
            self.forecasts()


def measure(nodes: int, days: int, batch: int, joint: bool) -> dict[str, object]:
    torch.manual_seed(0)
    network = Network(nodes, days)
    model = network.adapted(BACKBONE if joint else "stid")  # which is not run, and needs no graph
    found: dict[str, object] = {
        "nodes": nodes,
        "batch": batch,
        "profile_s": seconds(lambda: model.learn_profile(network.values, network.clock)),
    }
    if joint:
        both = Epochs(network, model, JOINT_BATCH, frozen=False)
        steps = medians({"joint": both.train, "forecast": both.backbone}, 1)
        found |= {f"{name}_s": each / JOINT_BATCH for name, each in steps.items()}
    epochs = Epochs(network, model, batch, frozen=True)
    see = seconds(epochs.see)
    if epochs.seen:
        found["see_s"] = see / len(network.windows)
    found |= {
        f"{name}_s": each / batch
        for name, each in medians({"train": epochs.train, "validate": epochs.validate}, ROUNDS).items()
    }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    sizes = ((60, DAYS, BATCH), (307, DAYS, BATCH), (883, DAYS, BATCH), (8_600, 4, BATCH // 16))
    measured = [measure(*size, joint=size[0] <= 307) for size in sizes]  # s a window
    common = {"rounds": ROUNDS, "windows": WINDOWS, "joint_batch": JOINT_BATCH, "backbone": BACKBONE}
    keep(RESULT, common, threads, {"machine": describe(threads), "measured": measured}, adaptation_page)


if __name__ == "__main__":
    main()
