"""Which rows of an evaluation are in a call of the U-Net: what attention of one's own has to know.

A batch goes through the U-Net in one call or in several, by length of text or by memory. The number of each
row travels with it as a residual, and is taken out before the U-Net sees it.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from webui.plugins import NetworkInput, Row

NAME = "control_rows"


@dataclass(slots=True)
class Rows:
    """The rows of the evaluation (`all`), and which of them the call that runs now has (`places`)."""

    all: tuple[Row, ...] = ()
    places: tuple[int, ...] = ()
    # Height and width of the latent.
    size: tuple[int, int] = (0, 0)
    # The residual that the numbers travel as.
    name: str = NAME

    @property
    def images(self) -> list[int]:
        """Of each row in the call, its picture's place in the batch."""
        return [self.all[place].image for place in self.places]

    @property
    def are_prompts(self) -> list[bool]:
        """Of each row in the call, whether it is a prompt's, not a negative prompt's."""
        return [self.all[place].is_prompt for place in self.places]

    @contextmanager
    def narrow(self, places: Sequence[int]) -> Iterator[None]:
        """While the context is open, only some rows of the call are computed, by their places in it."""
        kept = self.places
        self.places = tuple(kept[place] for place in places)
        try:
            yield
        finally:
            self.places = kept

    def begin(self, batch: NetworkInput) -> Tensor:
        """An evaluation begins: the numbers of its rows (N,), for the U-Net to be given."""
        self.all, self.size = batch.rows, (batch.latent.shape[-2], batch.latent.shape[-1])
        return torch.arange(len(batch.rows), dtype=torch.float32)


class Attachment(Protocol):
    """Something that listens inside a U-Net."""

    def listen(self, network: nn.Module, stack: ExitStack) -> None:
        """Add hooks to the modules of a network; `stack` removes them."""
        ...


@dataclass(slots=True)
class RowAdapter:
    """Attaches what needs to know the rows, and keeps them up to date."""

    rows: Rows
    attachments: Sequence[Attachment] = field(default_factory=tuple[Attachment, ...])

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at a network while the context is open."""
        with ExitStack() as stack:
            inner = inner_network(network)
            stack.callback(inner.register_forward_pre_hook(self._take_rows, with_kwargs=True).remove)
            stack.callback(inner.register_forward_hook(self._forget_rows, always_call=True).remove)
            for each in self.attachments:
                each.listen(network, stack)
            yield

    def _take_rows(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        numbers: Tensor | None = kwargs.get(NAME)
        self.rows.places = () if numbers is None else tuple(int(number) for number in numbers.tolist())
        return args, {name: value for name, value in kwargs.items() if name != NAME}

    def _forget_rows(self, module: nn.Module, args: object, output: object) -> None:
        self.rows.places = ()


def inner_network(network: nn.Module) -> nn.Module:
    """diffusers' U-Net inside ours."""
    inner = getattr(network, "unet", network)
    assert isinstance(inner, nn.Module), "a U-Net is a module"
    return inner


def attention_blocks(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The transformer blocks of a U-Net with their names, in the order of its modules: down, up, middle."""
    inner = inner_network(network)
    return [
        (name, module)
        for name, module in inner.named_modules()
        if isinstance(getattr(module, "attn1", None), nn.Module)
        and isinstance(getattr(module, "attn2", None), nn.Module)
    ]
