"""Handlers of signals that extensions set while they are imported."""

import signal
import threading

import pytest

from webui.compat.a1111.loading.late_signals import late_signals, sets_signals
from webui.compat.a1111.loading.old_packages import OldPackages


def elsewhere(function):
    """What a function raises on another thread; None if nothing."""
    found = []

    def run():
        try:
            function()
        except Exception as error:  # noqa: BLE001 - it is told
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0] if found else None


def test_a_handler_is_set_once_all_are_imported_and_put_back():
    calls = []
    first = signal.getsignal(signal.SIGUSR1)
    given = OldPackages.of("import signal\nsignal.signal(signal.SIGUSR1, x)").import_name(
        "signal", (), lambda: signal
    )

    def set_handler():
        before = given.signal(given.SIGUSR1, lambda *_: calls.append(before))

    late_signals.open()
    try:
        assert elsewhere(set_handler) is None
        assert given.getsignal(signal.SIGUSR1) is not first
        assert signal.getsignal(signal.SIGUSR1) is first
        late_signals.set_all()
        signal.raise_signal(signal.SIGUSR1)
        assert calls == [first]
        assert isinstance(elsewhere(set_handler), ValueError)
    finally:
        late_signals.put_back()
    assert signal.getsignal(signal.SIGUSR1) is first


def test_a_handler_that_was_replaced_since_stays():
    first = signal.getsignal(signal.SIGUSR1)
    late_signals.open()
    elsewhere(lambda: late_signals.signal(signal.SIGUSR1, lambda *_: None))
    late_signals.set_all()
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    late_signals.put_back()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN
    signal.signal(signal.SIGUSR1, first)


def test_a_number_that_is_no_signal_is_refused():
    late_signals.open()
    assert isinstance(elsewhere(lambda: late_signals.signal(999, None)), ValueError)
    late_signals.set_all()


@pytest.mark.parametrize(
    ("source", "sets"),
    [("signal.signal(2, f)", True), ("from signal import signal", True), ("the signal (x)", False)],
)
def test_which_files_set_signals(source, sets):
    assert sets_signals(source) is sets
