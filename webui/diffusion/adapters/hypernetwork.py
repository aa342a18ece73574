"""Hypernetworks: small networks that change what attention reads (NovelAI 2022, as A1111 has them)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Hypernetwork:
    """For each width of text or image tokens, what is added to keys' and to values' source."""

    for_keys: Mapping[int, nn.Module]
    for_values: Mapping[int, nn.Module]


@dataclass(frozen=True, slots=True)
class WeightedHypernetwork:
    """A hypernetwork and its strength."""

    hypernetwork: Hypernetwork
    weight: float


@dataclass(frozen=True, slots=True)
class HypernetworkAdapter:
    """Several hypernetworks, one after the other, in front of every attention's keys and values."""

    fits_all_families: ClassVar[bool] = True
    weighted: Sequence[WeightedHypernetwork]

    @contextmanager
    def attach(self, network: nn.Module) -> Iterator[None]:
        """Listen at the layers of keys and values while the context is open."""
        with ExitStack() as stack:
            for module in network.modules():
                to_keys, to_values = getattr(module, "to_k", None), getattr(module, "to_v", None)
                if isinstance(to_keys, nn.Module) and isinstance(to_values, nn.Module):
                    stack.callback(to_keys.register_forward_pre_hook(self._before_keys).remove)
                    stack.callback(to_values.register_forward_pre_hook(self._before_values).remove)
            yield

    def _before_keys(self, module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return self._changed(given, [(each.hypernetwork.for_keys, each.weight) for each in self.weighted])

    def _before_values(self, module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return self._changed(given, [(each.hypernetwork.for_values, each.weight) for each in self.weighted])

    def _changed(
        self, given: tuple[Tensor, ...], parts: Sequence[tuple[Mapping[int, nn.Module], float]]
    ) -> tuple[Tensor, ...]:
        """The tokens (B, T, D) with what each hypernetwork of that width adds."""
        tokens, *others = given
        for by_width, weight in parts:
            layers = by_width.get(tokens.shape[-1])
            if layers is not None:
                exact = tokens.float()
                tokens = (exact + layers(exact) * weight).to(tokens.dtype)
        return (tokens, *others)
