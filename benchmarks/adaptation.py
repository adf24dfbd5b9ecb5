"""How long it takes to fit an adapter to the kept forecasts of a frozen backbone, and to train both jointly.

    python benchmarks/adaptation.py [--threads 2]

Simulated networks, float32; steps as in ``stlora adapt``, windows cut and masked included. Writes
results/speed/adaptation.json and adaptation.md; a run with another number of threads is added to those that are there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from measuring.machine import describe
from measuring.setting import Network, Step
from measuring.threads import keep
from measuring.turns import medians, seconds
from pages.speed import adaptation_page
from torch import Tensor

from stlora.adapters import STLoRA

RESULT = Path(__file__).parents[1] / "results" / "speed" / "adaptation"
WINDOWS, DAYS, BATCH, JOINT_BATCH, ROUNDS = 10_000, 36, 128, 64, 5  # the default batches of adapt and of fit
BACKBONE = "stgcn"


class Epochs:
    """Training steps and forecasts on batches drawn anew; an adapter on a frozen backbone learns without it."""

    def __init__(self, network: Network, model: STLoRA, batch: int, frozen: bool) -> None:
        self.windows, self.model, self.batch = network.windows, model, batch
        model.freeze_backbone = frozen
        parameters = model.adapter.parameters() if frozen else model.parameters()
        self.train = Step(parameters, self.forecasts, torch.empty(0))

    def forecasts(self) -> tuple[Tensor, ...]:
        start = torch.randint(len(self.windows), (self.batch,))
        x, self.train.target = self.windows.inputs(start), self.windows.targets(start)
        backbone = None if self.model.learns_alone else self.model.backbone_forecast(x)
        return tuple(self.windows.scaler.inverse(scaled) for scaled in self.model.learned(x, backbone))

    def backbone(self) -> None:
        """Forecasts to be kept."""
        with torch.inference_mode():
            self.model.backbone_forecast(self.windows.inputs(torch.randint(len(self.windows), (self.batch,))))

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
