"""What is told of a LoRA that fits a checkpoint in part, not at all, or whole."""

from webui.core.events import LoraReport
from webui.core.model_file import Family
from webui.models.prompt_networks import describe_problem

NAMES = tuple(f"layer{number}" for number in range(10))


def tell(made_for: str, matched: int, unmatched: tuple[str, ...] = ()) -> str | None:
    report = LoraReport(name="ink", made_for=made_for, matched=matched, unmatched=unmatched)
    return describe_problem(report, Family.SD1)


def test_a_lora_that_fits_whole_is_no_problem_whatever_its_sizes_look_like():
    assert tell("SD1", 168) is None
    assert tell("SDXL", 168) is None


def test_one_that_fits_in_part_is_told_of_with_what_it_is_for():
    assert tell("SDXL", 90, NAMES) == (
        "Of the LoRA 'ink' only 90 of 100 tensors fit this SD1 checkpoint. It is for SDXL."
    )
    told = tell("SD1", 5, NAMES)
    assert told is not None and "only 5 of 15" in told and "It is for" not in told


def test_one_that_fits_nowhere_changes_nothing():
    told = tell("Flux", 0, NAMES)
    assert told is not None and told.startswith("The LoRA 'ink' changes nothing: none of its 10 tensors")
