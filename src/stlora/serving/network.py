"""A run's network behind the call that a server wants: measurements and wall clock in, physical units out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stlora.data.filling import Filling, carry_forward, interpolate
from stlora.data.scaling import Scaler
from stlora.training.forecasts import network_forecast

_DAY = 86_400  # seconds
_THURSDAY = 3  # 1970-01-01


class ServedNetwork(nn.Module):
    """Scaling, filling of gaps, clock channels, network and the way back to physical units, as one module.

    Args:
        network: a backbone, alone or adapted, ``[B, T, N, C]`` to ``[B, H, N, 1]`` in scaled units.
        scaler: of the run.
        filling: of the run.
        zero_is_missing: whether a zero stands for a missing value, as in the run's data.

    Example:
        >>> from stlora.backbones import create
        >>> served = ServedNetwork(create("lstm", num_nodes=5), Scaler(50.0, 10.0), Filling()).eval()
        >>> served(torch.full((2, 12, 5), torch.nan), torch.arange(12).mul(300).expand(2, 12)).shape
        torch.Size([2, 12, 5])
    """

    def __init__(self, network: nn.Module, scaler: Scaler, filling: Filling, zero_is_missing: bool = False) -> None:
        super().__init__()
        self.network = network
        self.scaler = scaler
        self.fill = filling.fill
        self.zero_is_missing = zero_is_missing
        self.profile: Tensor | None
        profile = None
        if filling.profile is not None:
            profile = scaler.transform(torch.from_numpy(filling.profile)).nan_to_num(nan=0.0)
        self.register_buffer("profile", profile, persistent=False)  # [slots, N], scaled

    def forward(self, values: Tensor, time: Tensor) -> Tensor:
        """Forecast from the newest measurements.

        Args:
            values: ``[B, T, N]`` float32 in physical units, oldest first, NaN where nothing was observed, or zero where
                that means so.
            time: ``[B, T]`` int64, seconds from 1970-01-01 00:00 to each step, as wall clocks show both.

        Returns:
            ``[B, H, N]`` float32 in physical units.
        """
        time_of_day = (time.remainder(_DAY).double() / _DAY).to(values.dtype)
        weekday = (torch.div(time, _DAY, rounding_mode="floor") + _THURSDAY).remainder(7).to(values.dtype) / 7
        observed = ~values.isnan()
        if self.zero_is_missing:
            observed = observed & (values != 0)
        filled = self._filled(self.scaler.transform(values), observed, time_of_day)
        clock = (each.unsqueeze(-1).expand(values.shape) for each in (time_of_day, weekday))
        x = torch.stack([filled, *clock, observed.to(values.dtype)], dim=-1)  # [B, T, N, 4]
        return self.scaler.inverse(network_forecast(self.network, x)).squeeze(-1)

    def _filled(self, scaled: Tensor, observed: Tensor, time_of_day: Tensor) -> Tensor:
        if self.profile is not None:
            slots = len(self.profile)
            slot = (time_of_day.double() * slots).round().long().remainder(slots)  # as clock_slot
            return torch.where(observed, scaled, self.profile[slot])
        return (interpolate if self.fill == "linear" else carry_forward)(scaled, observed)
