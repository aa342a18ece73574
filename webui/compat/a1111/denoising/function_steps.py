"""Samplers that are plain functions: their steps, told by a callback, as a generator gives them.

The function has a thread of its own, that runs only while the generator waits for it: one of the two works at
any time, so the device is used by one thread at a time.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor

from webui.diffusion.step import Step

# Takes what the function tells of a step: x, i, sigma, denoised.
Callback = Callable[[dict[str, Any]], None]


class SamplingStopped(BaseException):
    """Leaves a sampler's function when nobody wants its steps any more."""


def steps_of(function: Callable[[Callback], Tensor], device: torch.device) -> Iterator[Step]:
    """The steps of a function that is given a callback and returns the last latent."""
    running = _RunningFunction(function, device)
    last: dict[str, Any] | None = None
    try:
        for told in running:
            # Some tell of a step with less, as A1111 asks for no more.
            latent = told["x"] if "x" in told else told["denoised"]
            if last is not None:
                yield _step(last, latent)
            last = {"denoised": latent} | told
    finally:
        running.stop()
    latent = running.result
    told = last or {"i": 0, "sigma": torch.zeros(()), "denoised": latent}
    yield _step(told, latent)


def _step(told: dict[str, Any], latent: Tensor) -> Step:
    sigma = torch.as_tensor(told.get("sigma", 0.0)).detach().float().cpu().flatten()
    return Step(int(told["i"]), sigma[0] if len(sigma) else torch.zeros(()), latent, told["denoised"])


class _RunningFunction:
    """A function on a thread of its own, one of its steps at a time."""

    def __init__(self, function: Callable[[Callback], Tensor], device: torch.device) -> None:
        self._function, self._device = function, device
        self._told: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._goes_on: SimpleQueue[bool] = SimpleQueue()
        self._result: Tensor | None = None
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._work,), daemon=True)

    @property
    def result(self) -> Tensor:
        """The last latent."""
        assert self._result is not None, "it has not come to its end"
        return self._result

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """What it tells of each step. Raises what it raises."""
        self._thread.start()
        while True:
            kind, value = self._told.get()
            if kind == "raised":
                raise value
            if kind == "returned":
                self._result = value
                return
            yield value
            self._goes_on.put(True)

    def stop(self) -> None:
        """Let it end where it stands."""
        if self._thread.is_alive():
            self._goes_on.put(False)
            self._thread.join()

    def _callback(self, told: dict[str, Any]) -> None:
        self._told.put(("step", told))
        if not self._goes_on.get():
            raise SamplingStopped

    def _work(self) -> None:
        try:
            # Both are settings of a thread.
            if self._device.type == "cuda":
                torch.cuda.set_device(self._device)
            with torch.no_grad():
                result = self._function(self._callback)
        except BaseException as error:  # noqa: BLE001 - raised again on the thread that waits
            self._told.put(("raised", error))
        else:
            self._told.put(("returned", result))
