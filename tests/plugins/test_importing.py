"""How long a function of an extension may take: what waits by the clock, what computes by the processor."""

import sys
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


@pytest.mark.parametrize("last", [lambda: time.sleep(30), lambda: compute(30)], ids=["waits", "computes"])
def test_what_does_not_end_is_given_up(last):
    began = time.monotonic()
    with pytest.raises(TimeIsUp):
        run_within(0.3, last)
    assert time.monotonic() - began < 15
