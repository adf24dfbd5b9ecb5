"""The node-adaptive low-rank layer: one linear map for all nodes plus a small one of each node's own."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stlora.adapters.folding import Foldable
from stlora.errors import InputError

NodeFactor = Literal["full", "core", "diagonal", "none"]

LARGEST_UNROLLED = 8
"""Ranks up to which node cores are multiplied entry by entry over all nodes; above, a product a node is faster."""

MOST_NODES_WITH_WEIGHTS = 64
"""Nodes up to which a folded layer holds a whole weight of each; a product a node takes longer with more of them.

Measured for one window at a time and both factors that are common, in docs/speed.md.
"""


class _Products(NamedTuple):
    """What a forward pass makes of the parameters before it sees an input."""

    weight: Tensor  # [out, in], or [N, in, out] where it is each node's own
    own: tuple[Tensor, Tensor] | None  # the nodes' factor and (α/r) Bᵀ above b, [r + 1, out]; None where W_i holds both


class NodeAdaptiveLowRankLayer(Foldable[_Products]):
    """Linear layer whose weight is ``W + (α/r) B A_i`` for node i (ST-LoRA, section "NALL").

    ``B`` starts at zero, so a new layer equals the shared linear map. The factor ``A_i`` comes in four forms:

    ========== ============================= =====================================
    factor     ``A_i``                       parameters besides ``weight``, ``bias``
    ========== ============================= =====================================
    full       free, ``[r, in]`` per node    ``r·out + N·r·in``
    core       ``C_i A``, ``C_i`` ``[r, r]`` ``r·(in + out) + N·r²``
    diagonal   ``diag(c_i) A``               ``r·(in + out) + N·r``
    none       ``A``: the control            ``r·(in + out)``
    ========== ============================= =====================================

    ``full`` is the published definition; ``core`` has the parameter count that the paper states. ``C_i`` starts
    at the identity and ``c_i`` at ones, so all nodes start alike.

    Args:
        num_nodes: N.
        in_features: features of a node that enter.
        out_features: features of a node that leave.
        rank: r, the rank of the node's own part.
        alpha: α; the node's own part is scaled by ``alpha / rank``.
        node_factor: how ``A_i`` is made, see the table.

    Raises:
        InputError: a size is not positive, or the factor is unknown.

    Example:
        >>> layer = NodeAdaptiveLowRankLayer(num_nodes=7, in_features=16, out_features=12)
        >>> layer(torch.zeros(2, 3, 7, 16)).shape
        torch.Size([2, 3, 7, 12])
        >>> layer.delta_weight().shape
        torch.Size([7, 12, 16])
    """

    def __init__(
        self,
        num_nodes: int,
        in_features: int,
        out_features: int,
        rank: int = 4,
        alpha: float = 8.0,
        node_factor: NodeFactor = "core",
    ) -> None:
        super().__init__()
        if min(num_nodes, in_features, out_features, rank) < 1:
            raise InputError(
                f"num_nodes={num_nodes}, in_features={in_features}, out_features={out_features}, rank={rank}: "
                "all must be 1 or more"
            )
        if node_factor not in get_args(NodeFactor):
            raise InputError(f"node_factor is {node_factor!r}; choose one of {', '.join(get_args(NodeFactor))}")
        self.num_nodes = num_nodes
        self.in_features = in_features
        self.out_features = out_features
        self.rank = rank
        self.alpha = alpha
        self.node_factor = node_factor
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features))
        self.lora_B = nn.Parameter(torch.empty(out_features, rank))
        self.lora_A = nn.Parameter(
            torch.empty((num_nodes, rank, in_features) if node_factor == "full" else (rank, in_features))
        )
        if node_factor == "core":
            self.node_core = nn.Parameter(torch.empty(num_nodes, rank, rank))
        elif node_factor == "diagonal":
            self.node_scale = nn.Parameter(torch.empty(num_nodes, rank))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw ``weight``, ``bias`` and ``lora_A`` as ``nn.Linear`` does; the node's own part starts at zero."""
        bound = 1 / math.sqrt(self.in_features)
        for parameter in (self.weight, self.bias, self.lora_A):
            nn.init.uniform_(parameter, -bound, bound)
        nn.init.zeros_(self.lora_B)
        if self.node_factor == "core":
            with torch.no_grad():
                self.node_core.copy_(torch.eye(self.rank).expand_as(self.node_core))
        elif self.node_factor == "diagonal":
            nn.init.ones_(self.node_scale)

    def reset_to_zero(self) -> None:
        """Let the layer start by answering zero: the shared map is zero as well."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``y_i = W x_i + (α/r) B A_i x_i + b``.

        Args:
            x: ``[..., N, in_features]``; any leading shape.

        Returns:
            ``[..., N, out_features]``.

        Raises:
            InputError: the last two axes are not ``[N, in_features]``.
        """
        if x.shape[-2:] != (self.num_nodes, self.in_features):
            raise InputError(
                f"the layer got shape {list(x.shape)}; expected [..., {self.num_nodes}, {self.in_features}] "
                "(nodes, features)"
            )
        weight, own = self._folded_products() or self._products()
        if weight.dim() == 3:
            answer = torch.baddbmm(self.bias, x.reshape(-1, self.num_nodes, self.in_features).transpose(0, 1), weight)
            return answer.transpose(0, 1).reshape(*x.shape[:-1], self.out_features).contiguous()
        rows = x.reshape(-1, self.in_features)
        if own is None:
            answer = F.linear(rows, weight, self.bias)
        else:
            factor, left = own
            answer = rows @ weight.t()
            projected = self._project(rows.t(), factor)
            answer.addmm_(projected.t().to(answer.dtype), left.to(answer.dtype))  # in place: an array less to write
        return answer.view(*x.shape[:-1], self.out_features)

    def map_columns(self, x: Tensor, onto: Tensor | None = None) -> Tensor:
        """As :meth:`forward`, for an input that lies features first: faster where one layer follows another.

        Args:
            x: ``[in_features, B·N]``, the nodes of a sample side by side.
            onto: ``[out_features, B·N]`` that the answer is added to, in place.

        Returns:
            ``[out_features, B·N]``.
        """
        weight, own = self._folded_products() or self._products()
        if weight.dim() == 3:
            each = torch.baddbmm(self.bias, x.view(self.in_features, -1, self.num_nodes).permute(2, 1, 0), weight)
            answer = each.permute(2, 1, 0).reshape(self.out_features, -1)
            return answer if onto is None else onto.add_(answer)
        answer = weight @ x if onto is None else onto.addmm_(weight.to(onto.dtype), x.to(onto.dtype))
        if own is None:
            return answer.add_(self.bias.to(answer.dtype).unsqueeze(1))
        factor, left = own
        return answer.addmm_(left.t().to(answer.dtype), self._project(x, factor).to(answer.dtype))

    def _products(self) -> _Products:
        left = self.lora_B.t() * (self.alpha / self.rank)
        if self.node_factor == "none":
            return _Products(torch.addmm(self.weight, left.t(), self.lora_A), None)
        return _Products(self.weight, (self._factor(), torch.cat([left, self.bias.unsqueeze(0)])))

    def _factor(self) -> Tensor:
        """The nodes' own numbers in the order in which :meth:`_project` reads them: if it can, nodes last."""
        if self.node_factor == "full":
            return self.lora_A
        if self.node_factor == "diagonal":
            return self.node_scale.t().contiguous()  # [r, N]
        if self.rank > LARGEST_UNROLLED:
            return self.node_core
        return self.node_core.reshape(self.num_nodes, -1).t().contiguous().view(self.rank, self.rank, self.num_nodes)

    def _to_fold(self) -> _Products:
        """``W + ΔW_i`` of every node where there are few, otherwise what :meth:`forward` makes of the weights."""
        products = self._products()
        if products.own is None or self.num_nodes > MOST_NODES_WITH_WEIGHTS:
            return products
        return _Products((self.weight + self.delta_weight()).transpose(1, 2).contiguous(), None)

    def _numbers(self) -> tuple[float, ...]:
        return (self.alpha,)

    def _project(self, columns: Tensor, factor: Tensor) -> Tensor:
        """``A_i x_i`` where nodes differ, above ones for the bias: ``[in, B·N]`` -> ``[r + 1, B·N]``."""
        if self.node_factor == "full":
            own = _each_node(factor, columns)
        elif self.node_factor == "core" and self.rank > LARGEST_UNROLLED:
            own = _each_node(factor, self.lora_A @ columns)
        else:
            shared = (self.lora_A @ columns).view(self.rank, -1, self.num_nodes)  # [r, B, N]
            factor = factor.unsqueeze(-2).to(shared.dtype)
            if self.node_factor == "diagonal":
                own = factor * shared
            else:
                parts = list(zip(factor.unbind(1), shared.unbind(), strict=True))
                own = parts[0][0] * parts[0][1]
                for column, part in parts[1:]:
                    own.addcmul_(column, part)
        return F.pad(own.view(self.rank, -1), (0, 0, 0, 1), value=1.0)

    def node_factors(self) -> Tensor:
        """``A_i`` of every node, ``[N, r, in]``."""
        if self.node_factor == "full":
            return self.lora_A
        if self.node_factor == "core":
            return self.node_core @ self.lora_A
        if self.node_factor == "diagonal":
            return self.node_scale.unsqueeze(-1) * self.lora_A
        return self.lora_A.expand(self.num_nodes, -1, -1)

    def delta_weight(self) -> Tensor:
        """``ΔW_i = (α/r) B A_i`` of every node, ``[N, out_features, in_features]``."""
        return (self.alpha / self.rank) * (self.lora_B @ self.node_factors())

    def extra_repr(self) -> str:
        """The sizes, for ``print(layer)``."""
        return (
            f"num_nodes={self.num_nodes}, in_features={self.in_features}, out_features={self.out_features}, "
            f"rank={self.rank}, alpha={self.alpha}, node_factor={self.node_factor!r}"
        )


def _each_node(matrices: Tensor, columns: Tensor) -> Tensor:
    """``M_i x_i``: ``[N, out, in]`` and ``[in, B·N]`` -> ``[out, B·N]``.

    A batch becomes columns, so that every node's product reads and writes them in order.
    """
    nodes, out_features, in_features = matrices.shape
    of_node = columns.t().reshape(-1, nodes * in_features).t().reshape(nodes, in_features, -1)  # [N, in, B]
    answers = torch.bmm(matrices, of_node)  # [N, out, B]
    return answers.view(nodes * out_features, -1).t().reshape(-1, out_features).t()
