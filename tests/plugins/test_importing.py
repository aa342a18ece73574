"""How long a function of an extension may take: what computes has longer than what waits."""

import sys
import threading
import time

import pytest

from webui.plugins.importing import TimeIsUp, run_within


def compute(seconds: float) -> None:
    """Keep the processor for so long."""
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only there the system tells what a thread computes")
def test_what_computes_on_a_busy_machine_is_not_given_up():
    def compute_slowly() -> str:
        # As beside others: a quarter of the time it has the processor.
        for _ in range(8):
            compute(0.05)
            time.sleep(0.15)
        return "there"

    assert run_within(1.0, compute_slowly) == "there"


@pytest.mark.skipif(sys.platform != "linux", reason="only there the system tells what a thread computes")
def test_what_goes_on_computing_has_more_time_than_what_waits():
    assert run_within(1.0, lambda: compute(1.05) or "there") == "there"


def test_time_does_not_count_while_a_thread_is_excused():
    ends = time.monotonic() + 2.0
    asked: list[int] = []

    def is_excused(thread: int) -> bool:
        asked.append(thread)
        return time.monotonic() < ends

    assert run_within(0.2, lambda: time.sleep(0.9) or threading.get_ident(), is_excused=is_excused) in asked
    with pytest.raises(TimeIsUp):
        run_within(0.2, lambda: time.sleep(30), is_excused=is_excused)


@pytest.mark.parametrize("last", [lambda: time.sleep(30), lambda: compute(30)], ids=["waits", "computes"])
def test_what_does_not_end_is_given_up(last):
    began = time.monotonic()
    with pytest.raises(TimeIsUp):
        run_within(0.3, last)
    assert time.monotonic() - began < 15
