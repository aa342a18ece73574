"""Token merging (Bolya and Hoffman 2023): similar image tokens share one place in self-attention.

As A1111 does it: 2x2 windows, the first token of each kept, only self-attention at the finest level.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

WINDOW = 2


@dataclass(frozen=True, slots=True)
class Matching:
    """Which tokens go together: `source` tokens are averaged into `target` places, `kept` ones stay.

    `corners` (1, K, 1) are the first tokens of each window, `others` (1, N - K, 1) the rest; `kept`, `source`
    (B, ., 1) are places among the others, `target` (B, R, 1) places among the corners.
    """

    tokens: int
    corners: Tensor
    others: Tensor
    kept: Tensor
    source: Tensor
    target: Tensor

    def merge(self, hidden: Tensor) -> Tensor:
        """(B, N, D) to (B, N - R, D)."""
        others, corners = take(hidden, self.others), take(hidden, self.corners)
        target = self.target.expand(-1, -1, hidden.shape[-1])
        corners = corners.scatter_reduce(-2, target, take(others, self.source), reduce="mean")
        return torch.cat([take(others, self.kept), corners], dim=1)

    def unmerge(self, hidden: Tensor) -> Tensor:
        """(B, N - R, D) to (B, N, D); merged tokens get equal values."""
        kept, corners = hidden[:, : self.kept.shape[1]], hidden[:, self.kept.shape[1] :]
        out = hidden.new_zeros(hidden.shape[0], self.tokens, hidden.shape[-1])
        others = self.others.expand(hidden.shape[0], -1, -1)
        put(out, self.corners.expand(hidden.shape[0], -1, -1), corners)
        put(out, take(others, self.kept), kept)
        put(out, take(others, self.source), take(corners, self.target))
        return out


def take(values: Tensor, index: Tensor) -> Tensor:
    """Rows of (B, N, D) by index (B or 1, K, 1)."""
    return values.gather(1, index.expand(values.shape[0], -1, values.shape[-1]))


def put(values: Tensor, index: Tensor, rows: Tensor) -> None:
    """Write rows (B, K, D) into (B, N, D) at index (B, K, 1)."""
    values.scatter_(1, index.expand(-1, -1, values.shape[-1]), rows)


def match_tokens(hidden: Tensor, height: int, width: int, ratio: float) -> Matching | None:
    """Pair the most similar tokens of (B, height * width, D); None if there is nothing to merge."""
    count = int(hidden.shape[1] * ratio)
    if count <= 0:
        return None
    is_corner = torch.zeros(height, width, dtype=torch.bool, device=hidden.device)
    is_corner[: height // WINDOW * WINDOW : WINDOW, : width // WINDOW * WINDOW : WINDOW] = True
    corners = is_corner.flatten().nonzero()[None]
    others = (~is_corner).flatten().nonzero()[None]
    normed = hidden / hidden.norm(dim=-1, keepdim=True)
    similarity, nearest = (take(normed, others) @ take(normed, corners).transpose(-1, -2)).max(dim=-1)
    order = similarity.argsort(dim=-1, descending=True)[..., None]
    count = min(others.shape[1], count)
    source = order[:, :count]
    return Matching(
        hidden.shape[1], corners, others, order[:, count:], source, nearest[..., None].gather(-2, source)
    )


@dataclass(slots=True)
class TokenMerging:
    """Merges `ratio` of the tokens (0 to 0.9) before each self-attention at the finest level."""

    fits_all_families: ClassVar[bool] = True
    ratio: float
    _size: tuple[int, int] = field(default=(0, 0), init=False)

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the network and its transformer blocks while the context is open."""
        with ExitStack() as stack:
            hook = network.register_forward_pre_hook(self._remember_size, with_kwargs=True)
            stack.callback(hook.remove)
            for block in network.modules():
                attention = getattr(block, "attn1", None)
                if isinstance(attention, nn.Module):
                    self._listen(block, attention, stack)
            yield

    def _remember_size(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        latent = args[0] if args else kwargs["latent"]
        self._size = (latent.shape[-2], latent.shape[-1])

    def _listen(self, block: nn.Module, attention: nn.Module, stack: ExitStack) -> None:
        matching: list[Matching | None] = [None]

        def before_block(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            hidden = args[0] if args else kwargs["hidden_states"]
            height, width = self._size
            shrink = math.ceil(math.sqrt(height * width // hidden.shape[1]))
            matching[0] = match_tokens(hidden, height, width, self.ratio) if shrink <= 1 else None

        def before_attention(
            module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
            if matching[0] is None:
                return None
            return (matching[0].merge(args[0]), *args[1:]), kwargs

        def after_attention(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
            return output if matching[0] is None else matching[0].unmerge(output)

        for hook in (
            block.register_forward_pre_hook(before_block, with_kwargs=True),
            attention.register_forward_pre_hook(before_attention, with_kwargs=True),
            attention.register_forward_hook(after_attention),
        ):
            stack.callback(hook.remove)
