"""How the learning rate goes on over a run: a factor for each step. Pure, so that a run resumes anywhere."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from webui.core.errors import InvalidRequest
from webui.core.work.training_run import RateSchedule

# Where the polynomial schedule ends, as a share of the rate; diffusers' and kohya's.
POLYNOMIAL_END = 1e-7
BLOCK = re.compile(r"(IN|M|OUT)\d{0,2}")


@dataclass(frozen=True, slots=True)
class RateCourse:
    """A schedule over `steps`, of which the first `warmup_steps` rise from 0."""

    schedule: RateSchedule
    steps: int
    warmup_steps: int = 0
    restarts: int = 1
    power: float = 1.0
    # The rate at factor 1; the polynomial schedule ends at an absolute rate.
    rate: float = 1.0

    def factor(self, step: int) -> float:
        """What the rate is multiplied with at a step, counted from 0."""
        if step < self.warmup_steps:
            return step / max(1, self.warmup_steps)
        if self.schedule == "constant":
            return 1.0
        if step >= self.steps:
            return POLYNOMIAL_END / self.rate if self.schedule == "polynomial" else 0.0
        return self._fall((step - self.warmup_steps) / max(1, self.steps - self.warmup_steps))

    def _fall(self, share: float) -> float:
        """The factor when so large a share of the steps after the warm-up is done."""
        if self.schedule == "linear":
            return 1.0 - share
        if self.schedule == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * share))
        if self.schedule == "cosine_with_restarts":
            return 0.5 * (1.0 + math.cos(math.pi * ((self.restarts * share) % 1.0)))
        end = POLYNOMIAL_END / self.rate
        return (1.0 - end) * (1.0 - share) ** self.power + end


def parse_block_rates(text: str) -> dict[str, float]:
    """Factors by the beginnings of blocks' names, from `IN00=0,M00=1,OUT05=0.5`. Raises InvalidRequest."""
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, factor = (side.strip() for side in part.partition("="))
        try:
            value = float(factor)
        except ValueError:
            value = -1.0
        if not BLOCK.fullmatch(name.upper()) or not 0 <= value <= 100:
            raise InvalidRequest(
                f"block_rates has {part!r}; it takes a block and a factor from 0 to 100, such as OUT05=0.5. "
                "Blocks are IN00 to IN11, M00, OUT00 to OUT11."
            )
        found[name.upper()] = value
    return found


def block_factor(factors: Mapping[str, float], block: str) -> float:
    """The factor of the longest beginning of a block's name; 1 where none is named."""
    fitting = [name for name in factors if block.startswith(name)]
    return factors[max(fitting, key=len)] if fitting and block else 1.0


def parse_stepped_rates(text: str) -> list[tuple[float, float]]:
    """A1111's `0.005:100, 1e-3:1000`: rates and the steps up to which they hold. Raises InvalidRequest."""
    found: list[tuple[float, float]] = []
    try:
        for part in filter(None, (part.strip() for part in text.split(","))):
            rate, _, until = part.partition(":")
            last = float(until) if until.strip() else math.inf
            found.append((float(rate), math.inf if last < 0 else last))
        if not found or not all(0 <= rate <= 10 for rate, _ in found):
            raise ValueError
    except ValueError as error:
        raise InvalidRequest(
            f"The learning rates {text!r} are no rates with steps, such as 0.005:100, 1e-3:1000."
        ) from error
    return found


def stepped_rate(rates: list[tuple[float, float]], step: int) -> float:
    """The rate of a step, counted from 0; the last one holds to the end."""
    return next((rate for rate, until in rates if step < until), rates[-1][0])
