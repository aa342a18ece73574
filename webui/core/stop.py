"""How a running job is told to end early. Set by any thread, read by the device thread between steps."""

from threading import Lock


class Stop:
    """Three requests, each stronger than the one before: skip the batch, stop the job, cancel it.

    A fourth lets the running batch come to its end, and no other begin.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._skip = self._stop = self._cancel = self._finish = False

    def skip(self) -> None:
        """End the running batch after this step and go on with the next."""
        with self._lock:
            self._skip = True

    def stop(self) -> None:
        """End the job after this step, keeping what is there."""
        with self._lock:
            self._stop = True

    def cancel(self) -> None:
        """End the job and drop what is unfinished."""
        with self._lock:
            self._cancel = self._stop = True

    def finish(self) -> None:
        """End the job after the running batch, whose pictures are made as they were asked for."""
        with self._lock:
            self._finish = True

    @property
    def is_finishing(self) -> bool:
        """No further batch should begin."""
        return self._finish or self._stop

    @property
    def is_stopped(self) -> bool:
        """The job should end."""
        return self._stop

    @property
    def is_cancelled(self) -> bool:
        """The job should end without decoding."""
        return self._cancel

    @property
    def is_skipped(self) -> bool:
        """This batch should end."""
        return self._skip

    def take_skip(self) -> bool:
        """Whether a skip was asked for since the last call; forgets it."""
        with self._lock:
            asked, self._skip = self._skip, False
            return asked

    @property
    def ends_batch(self) -> bool:
        """The running batch should end, for whichever reason."""
        return self._skip or self._stop
