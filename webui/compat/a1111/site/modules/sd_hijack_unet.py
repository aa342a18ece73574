"""What A1111 changes of its U-Net: names."""
# pyright: basic

import torch


class TorchHijackForUnet:
    """torch, whose `cat` extensions of A1111 replace; this program's U-Net does not ask it."""

    def __getattr__(self, item):
        return self.cat if item == "cat" else getattr(torch, item)

    def cat(self, tensors, *args, **kwargs):
        return torch.cat(tensors, *args, **kwargs)


th = TorchHijackForUnet()
