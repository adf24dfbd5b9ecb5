"""What the literal backbones share: parameters by their published names."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional as F


class Plain(nn.Module):
    """A module that owns copies of the published parameters and reads them by name, as ``self.p["end_conv.bias"]``."""

    def __init__(self, parameters: Mapping[str, Tensor], adjacency: Tensor, dropout: float) -> None:
        super().__init__()
        self.p = {name: nn.Parameter(tensor.detach().clone()) for name, tensor in parameters.items()}
        for name, parameter in self.p.items():
            self.register_parameter(name.replace(".", "/"), parameter)  # torch takes no points in names
        self.dropout = dropout
        self.prepare(adjacency.double())

    def prepare(self, adjacency: Tensor) -> None:
        """Make what is made once, of the graph ``[N, N]`` in float64."""

    def drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.p[f"{name}.weight"], self.p.get(f"{name}.bias"))

    def convolve(self, x: Tensor, name: str, dilation: int = 1) -> Tensor:
        """A two-dimensional convolution, dilated along the last axis."""
        return F.conv2d(x, self.p[f"{name}.weight"], self.p[f"{name}.bias"], dilation=(1, dilation))

    def layer_norm(self, x: Tensor, name: str) -> Tensor:
        weight = self.p[f"{name}.weight"]
        return F.layer_norm(x, weight.shape, weight, self.p[f"{name}.bias"])

    def track(self, name: str, like: Tensor) -> None:
        """Running statistics of a batch norm."""
        self.register_buffer(f"{name}/mean".replace(".", "/"), like.detach().new_zeros(like.shape))
        self.register_buffer(f"{name}/variance".replace(".", "/"), like.detach().new_ones(like.shape))

    def batch_norm(self, x: Tensor, name: str) -> Tensor:
        running = [self.get_buffer(f"{name}/{kind}".replace(".", "/")) for kind in ("mean", "variance")]
        return F.batch_norm(x, *running, self.p[f"{name}.weight"], self.p[f"{name}.bias"], self.training)
