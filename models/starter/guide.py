"""Shows the cross-attention where the words for sides point, until the network has found out what they mean.

Left to itself the network never begins to use them: a word that says where is of use only once some layer
knows both what is meant and where it is itself, and a layer learns that only once the word is of use. So a
few heads are asked to look at "left" from the left third of the picture; what to make of it they learn alone.
"""

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from models.starter.captions import token_ids

# Column thirds by word.
THIRDS = {"left": 0, "middle": 1, "center": 1, "right": 2}
HEADS = 4
# Share of a guided head's attention that a word should get in its third.
SHARE = 0.15
# Layers that know where they are: the zero padding of the coarse levels tells them.
GUIDED = ("mid_block", "up_blocks")


class SideGuide:
    """Measures how far the guided heads are from looking where the side words point."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        self._losses: list[Tensor] = []
        self._words = {int(token_ids(word)[1]): third for word, third in THIRDS.items()}
        self._rows = self._columns = self._thirds = torch.zeros(0, dtype=torch.long)
        for name, module in unet.named_modules():
            if isinstance(module, Attention) and name.endswith("attn2") and name.startswith(GUIDED):
                module.register_forward_pre_hook(self._measure, with_kwargs=True)

    def expect(self, tokens: Tensor) -> None:
        """Find the side words of the next batch's captions, token ids (B, 77)."""
        self._losses = []
        found = [(token, third, (tokens == token).nonzero()) for token, third in self._words.items()]
        places = torch.cat([place for _, _, place in found])
        self._rows, self._columns = places[:, 0], places[:, 1]
        self._thirds = torch.cat([torch.full((len(place),), third) for _, third, place in found])

    def loss(self) -> Tensor:
        """The mean over the guided layers of the batch just run, in nats."""
        return torch.stack(self._losses).mean()

    def _measure(self, module: Attention, args: tuple[Tensor, ...], named: dict[str, Any]) -> None:
        states = args[0] if args else named["hidden_states"]
        words = named["encoder_hidden_states"]
        count, places, _ = states.shape
        side = int(places**0.5)
        query = module.to_q(states).view(count, places, module.heads, -1)[:, :, :HEADS]
        key = module.to_k(words).view(count, words.shape[1], module.heads, -1)[:, :, :HEADS]
        scores = torch.einsum("bphd,bthd->bhpt", query.float(), key.float()) * module.scale
        attention = scores.log_softmax(-1)[self._rows, :, :, self._columns]
        column = torch.arange(places, device=states.device) % side
        inside = (column * 3 // side)[None] == self._thirds.to(states.device)[:, None]
        inside = inside[:, None].expand_as(attention)
        where = -attention.log_softmax(-1)[inside].mean()
        weak = (torch.tensor(SHARE).log() - attention[inside]).clamp(min=0).mean()
        self._losses.append(where + weak)
