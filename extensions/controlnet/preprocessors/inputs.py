"""What every preprocessor is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PreprocessorInputs:
    """A picture (H, W, 3) in RGB, its numbers, and where networks come from.

    `mask` is (H, W), above 127 where it is set, None without one. `seed` is for what draws by chance.
    `context` leases networks; `weights` are the files of those, in the order of `Preprocessor.weights`.
    """

    pixels: NDArray[np.uint8]
    resolution: int
    threshold_a: float
    threshold_b: float
    mask: NDArray[np.uint8] | None = None
    seed: int = 0
    # A Context of webui.plugins, or what leases as it does.
    context: Any = None
    weights: tuple[Path, ...] = ()
