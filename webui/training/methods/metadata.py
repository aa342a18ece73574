"""What a trained file says of itself, as kohya and the modelspec have it. Loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

# Digits of a checkpoint's hash that A1111 shows.
SHORT_HASH = 10


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What A1111's own files note: steps, and the checkpoint's short hash and name, None where unknown."""

    step: int
    short_hash: str | None
    checkpoint: str | None

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> "TrainedOn":
        """From kohya's fields."""
        steps, digest = metadata.get("ss_steps", ""), metadata.get("ss_new_sd_model_hash", "")
        name = metadata.get("ss_sd_model_name", "")
        return cls(
            int(steps) if steps.isdigit() else 0,
            digest[:SHORT_HASH] or None,
            PurePath(name).stem or None,
        )
