"""What guidance does to attention: switched off, whole layers left out, or watched. Hooks, taken away."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from webui.plugins import NetworkInput

BLOCK_NAME = re.compile(r"(mid|down|up)(?:\.(\d+))?(?:\.(\d+))?")
TRANSFORMER_BLOCK = re.compile(r"\.transformer_blocks\.\d+$")
WATCHED = re.compile(r"\bmid_block\.attentions\.0\.transformer_blocks\.0\.attn1$")


def matching_blocks(network: nn.Module, names: str) -> list[nn.Module]:
    """The transformer blocks of a U-Net under names such as "mid, down.2, up.1.0", each once."""
    prefixes = [prefix for name in names.split(",") if (prefix := prefix_of(name.strip()))]
    return [
        module
        for name, module in network.named_modules()
        if TRANSFORMER_BLOCK.search(name) and any(f".{name}.".find(prefix) >= 0 for prefix in prefixes)
    ]


def prefix_of(name: str) -> str:
    """How the names of the modules of a block begin; empty for what names no block."""
    found = BLOCK_NAME.fullmatch(name)
    if found is None or (found[1] == "mid" and found[3]) or (found[1] != "mid" and not found[2]):
        return ""
    if found[1] == "mid":
        return ".mid_block.attentions." + (f"{found[2]}." if found[2] else "")
    return f".{found[1]}_blocks.{found[2]}.attentions." + (f"{found[3]}." if found[3] else "")


class Switched(ABC):
    """A change to some blocks of a network that acts only while it is switched on."""

    fits_all_families: ClassVar[bool] = True

    def __init__(self, blocks: str) -> None:
        """`blocks` as `matching_blocks` reads them."""
        self.blocks = blocks
        self._is_on = False

    @contextmanager
    def switched_on(self) -> Iterator[None]:
        """On while the context is open."""
        self._is_on = True
        try:
            yield
        finally:
            self._is_on = False

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the blocks while the context is open."""
        with ExitStack() as stack:
            for block in matching_blocks(network, self.blocks):
                # Before the hooks of others, so that what comes in and goes out belong together.
                hook = self._place(block).register_forward_hook(self._hook, with_kwargs=True, prepend=True)
                stack.callback(hook.remove)
            yield

    def _place(self, block: nn.Module) -> nn.Module:
        return block

    def _hook(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor
    ) -> Tensor | None:
        return self._changed(module, hidden_of(args, kwargs)) if self._is_on else None

    @abstractmethod
    def _changed(self, module: nn.Module, hidden: Tensor) -> Tensor:
        """What the block gives while it is switched on."""


class Perturbation(Switched):
    """Self-attention in which every token attends to itself alone."""

    def _place(self, block: nn.Module) -> nn.Module:
        return block.get_submodule("attn1")

    def _changed(self, module: nn.Module, hidden: Tensor) -> Tensor:
        return module.get_submodule("to_out.0")(module.get_submodule("to_v")(hidden))


class SkippedLayers(Switched):
    """Transformer blocks that give back what they are given."""

    def _changed(self, module: nn.Module, hidden: Tensor) -> Tensor:
        return hidden


class AttentionRecorder:
    """Keeps how much attention each place of the middle block gets, in the main evaluation of a step."""

    fits_all_families: ClassVar[bool] = True

    def __init__(self) -> None:
        self._wanted = 0
        self._size = (0, 0)
        # Of the call that runs now, and of those that are done.
        self._current: list[Tensor] = []
        self._done: list[Tensor] = []

    def __call__(self, batch: NetworkInput) -> None:
        """Before the network: begin anew."""
        self._wanted = len(batch.rows)
        self._done = []

    def take(self, count: int) -> Tensor | None:
        """Attention of each row (count, 1, h, w), 1 in the mean; None if it was not of whole pictures."""
        maps, self._done, self._wanted = self._done, [], 0
        if sum(len(each) for each in maps) != count or len({each.shape[1:] for each in maps}) != 1:
            return None
        return torch.cat(maps)

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the network and its middle block while the context is open."""
        with ExitStack() as stack:
            before = network.register_forward_pre_hook(self._begin_call, with_kwargs=True)
            after = network.register_forward_hook(self._end_call, with_kwargs=True)
            stack.callback(before.remove)
            stack.callback(after.remove)
            for name, module in network.named_modules():
                if WATCHED.search(name):
                    transformer = network.get_submodule(name.rpartition(".transformer_blocks")[0])
                    stack.callback(transformer.register_forward_pre_hook(self._keep_size).remove)
                    hook = module.register_forward_pre_hook(self._record, with_kwargs=True, prepend=True)
                    stack.callback(hook.remove)
            yield

    def _begin_call(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._current = []

    def _end_call(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Tensor
    ) -> None:
        if self._wanted and self._current:
            # What a call without enough memory began comes before, and is of no use.
            self._done.append(torch.cat(self._current)[-len(output) :])
        self._current = []

    def _keep_size(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self._size = (args[0].shape[-2], args[0].shape[-1])

    def _record(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self._wanted:
            return
        hidden = hidden_of(args, kwargs)
        heads = int(getattr(module, "heads"))  # noqa: B009 - diffusers' attention has it
        query, key = (
            module.get_submodule(name)(hidden).unflatten(-1, (heads, -1)).transpose(1, 2).float()
            for name in ("to_q", "to_k")
        )
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        # Of all queries, in the mean of the heads.
        received = functional.softmax(scores, dim=-1).mean(dim=1).sum(dim=1)
        self._current.append(received.unflatten(-1, self._size)[:, None])


def hidden_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """The tokens that a block is given."""
    return args[0] if args else kwargs["hidden_states"]
