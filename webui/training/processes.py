"""The processes that train together: one, or those that `accelerate launch` started."""

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from webui.core.errors import InvalidRequest
from webui.training.launched import is_on_one_machine, process_count


class Processes:
    """One process alone."""

    index = 0
    count = 1

    @property
    def is_main(self) -> bool:
        """Whether it is the one that writes files and tells what happens."""
        return self.index == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Every process gets the mean of all gradients."""

    def average(self, value: Tensor) -> Tensor:
        """The mean over all processes."""
        return value

    def any(self, asked: bool) -> bool:
        """Whether any process asks for something: all of them get the same answer."""
        return asked

    def wait(self) -> None:
        """Until all are here."""


class LaunchedProcesses(Processes):
    """Those of accelerate, which found each other by its environment."""

    def __init__(self, accelerator: Any) -> None:  # noqa: ANN401 - accelerate is optional
        self._accelerator = accelerator
        self.index = accelerator.process_index
        self.count = accelerator.num_processes

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """In one message for all of them."""
        parameters = [each for each in parameters if each.requires_grad]
        if not parameters:
            return
        flat = torch.cat(
            [(torch.zeros_like(each) if each.grad is None else each.grad).flatten() for each in parameters]
        )
        flat = self._accelerator.reduce(flat, reduction="mean")
        for parameter, part in zip(
            parameters, flat.split([each.numel() for each in parameters]), strict=True
        ):
            parameter.grad = part.view_as(parameter).clone()

    def average(self, value: Tensor) -> Tensor:
        """The mean over all processes."""
        return self._accelerator.reduce(value.clone(), reduction="mean")

    def any(self, asked: bool) -> bool:
        """Whether any process asks for something."""
        flag = torch.tensor([float(asked)], device=self._accelerator.device)
        return bool(self._accelerator.reduce(flag, reduction="sum").item())

    def wait(self) -> None:
        """Until all are here."""
        self._accelerator.wait_for_everyone()


def join_processes(device: torch.device) -> Processes:
    """Those that train together with this one. Raises InvalidRequest where accelerate is missing."""
    if process_count() < 2:
        return Processes()
    if is_on_one_machine():
        # mpirun does not say where they meet.
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    try:
        # An extra: one process does without.
        from accelerate import Accelerator
    except ImportError as error:
        raise InvalidRequest(
            "Training with several processes needs the package accelerate. Install it with "
            '`.venv/bin/python -m pip install "atelier-webui[training]"`.'
        ) from error
    return LaunchedProcesses(Accelerator(cpu=device.type == "cpu"))
