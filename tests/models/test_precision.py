"""Which formats are chosen."""

import pytest
import torch

from webui.models.precision import EXACT, FULL, Precision, Speeds, choose_numbers, measure_speeds

F32, BF16, F16 = torch.float32, torch.bfloat16, torch.float16


@pytest.mark.parametrize(
    ("seconds", "stored", "expected"),
    [
        ({F32: 1.0, BF16: 0.3, F16: 0.31}, F16, F16),
        ({F32: 1.0, BF16: 0.3, F16: 0.31}, BF16, BF16),
        ({F32: 1.0, BF16: 0.3, F16: 0.31}, F32, BF16),
        ({F32: 1.0, BF16: 0.3, F16: 0.9}, F16, BF16),
        ({F32: 1.0, BF16: 0.9, F16: 2.0}, F16, F32),
        ({F32: 1.0, BF16: float("inf"), F16: float("inf")}, BF16, F32),
        ({F32: 1.0}, F16, F32),
    ],
)
def test_the_fastest_format_wins_unless_the_files_own_is_as_good(
    seconds: dict[torch.dtype, float], stored: torch.dtype, expected: torch.dtype
) -> None:
    assert choose_numbers(Precision.AUTO, Speeds(seconds), stored).network == expected


def test_flags_and_choice_go_before_speed() -> None:
    fast = Speeds({F32: 1.0, BF16: 0.1, F16: 0.1})
    assert choose_numbers(Precision.EXACT, fast, F16) == EXACT
    assert choose_numbers(Precision.AUTO, fast, F16, full_network=True) == FULL
    numbers = choose_numbers(Precision.AUTO, fast, F16, full_vae=True)
    assert (numbers.network, numbers.vae) == (F16, F32)


def test_the_vae_takes_the_format_with_the_range_of_32_bits() -> None:
    assert choose_numbers(Precision.AUTO, Speeds({F32: 1.0, BF16: 0.12, F16: 0.1}), F16).vae == BF16
    assert choose_numbers(Precision.AUTO, Speeds({F32: 1.0, F16: 0.1}), F16).vae == F16


def test_the_fastest_of_several_rounds_counts() -> None:
    # Seconds of float32, bfloat16 and float16 in turn, five rounds; the hopeless float16 is tried once.
    took = [4.0, 2.0, 90.0, 3.0, 1.0, 5.0, 2.5, 3.0, 2.0, 4.0, 4.0]
    ticks = iter([tick for place, each in enumerate(took) for tick in (100.0 * place, 100.0 * place + each)])
    threads = torch.get_num_threads()
    speeds = measure_speeds(torch.device("cpu"), lambda: next(ticks))
    assert speeds.seconds == {F32: 3.0, BF16: 1.0, F16: 90.0}
    assert torch.get_num_threads() == threads
