"""Which formats are chosen."""

import pytest
import torch

from webui.models.cpu.precision import (
    EXACT,
    FULL,
    SMALL_NETWORK,
    Precision,
    Speeds,
    choose_numbers,
    fastest_rounds,
    measure_speeds,
)

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
    works = dict.fromkeys((F32, BF16, F16), lambda: None)
    assert fastest_rounds(works, lambda: next(ticks)) == {F32: 3.0, BF16: 1.0, F16: 90.0}


def test_measuring_leaves_the_number_of_threads_and_knows_32_bits() -> None:
    threads = torch.get_num_threads()
    speeds = measure_speeds(torch.device("cpu"))
    assert torch.get_num_threads() == threads
    assert 0 < speeds.seconds[F32] < 10
    assert F32 not in speeds.in_blocks


def test_a_network_too_small_to_gain_computes_as_the_exact_mode_does() -> None:
    fast = Speeds({F32: 1.0, BF16: 0.1}, packs=frozenset({F32, BF16}))
    assert choose_numbers(Precision.AUTO, fast, F16, weights=SMALL_NETWORK - 1) == EXACT
    assert choose_numbers(Precision.AUTO, fast, F16, weights=SMALL_NETWORK).network == BF16


def test_weights_are_packed_only_in_formats_that_can_be() -> None:
    seconds = {F32: 1.0, BF16: 0.3}
    assert choose_numbers(Precision.AUTO, Speeds(seconds, packs=frozenset({F32, BF16})), F16).packed
    assert not choose_numbers(Precision.AUTO, Speeds(seconds, packs=frozenset({F32})), F16).packed
    assert not choose_numbers(Precision.EXACT, Speeds(seconds, packs=frozenset({F32})), F16).packed
    attention = Speeds(seconds, packs=frozenset({BF16}), in_blocks=frozenset({BF16}))
    assert choose_numbers(Precision.AUTO, attention, F16).in_blocks
