"""A1111's `shared.state` over our jobs: what extensions read of the run, and how they end it."""

import io
import time
from typing import Any

from PIL import Image

from webui.compat.a1111.host import current
from webui.core.events import Phase, Preview
from webui.core.stop import Stop

TIME_FORMAT = "%Y%m%d%H%M%S"


class ProgramState:
    """A plain object to read and write; only stopping, texts and pictures reach the job. Any thread."""

    def __init__(self) -> None:
        self.job = ""
        self.job_no = 0
        self.job_count = 0
        self.job_timestamp = "0"
        self.processing_has_refined_job_count = False
        self.sampling_step = 0
        self.sampling_steps = 0
        self.current_latent: Any = None
        self.current_image: Image.Image | None = None
        self.current_image_sampling_step = 0
        self.id_live_preview = 0
        self.time_start: float | None = None
        self.need_restart = False
        self.oom = False
        self._textinfo: str | None = None
        # Set by extensions where no job runs that could be told.
        self._is_interrupted = self._is_skipped = self._is_stopping = False

    @property
    def _stop(self) -> Stop | None:
        """How the job of an extension is told to end, else the job that runs."""
        host = current()
        if host.runs.context is not None:
            return host.runs.context.stop
        if host.services is None:
            return None
        return next((job.halt for job in host.services.jobs.active()), None)

    @property
    def interrupted(self) -> bool:
        """Whether the run is to end."""
        stop = self._stop
        return self._is_interrupted or (stop is not None and stop.is_stopped)

    @interrupted.setter
    def interrupted(self, value: bool) -> None:
        stop = self._stop
        if value and stop is not None:
            stop.stop()
        # A run that was stopped stays so: the artist asked for it.
        self._is_interrupted = bool(value) and stop is None

    @property
    def skipped(self) -> bool:
        """Whether the batch is to end."""
        stop = self._stop
        return self._is_skipped or (stop is not None and stop.is_skipped)

    @skipped.setter
    def skipped(self, value: bool) -> None:
        stop = self._stop
        self._is_skipped = bool(value) and stop is None
        if stop is None:
            return
        if value:
            stop.skip()
        else:
            stop.take_skip()

    @property
    def stopping_generation(self) -> bool:
        """Whether no further batch is to begin."""
        stop = self._stop
        return self._is_stopping or (stop is not None and stop.is_finishing)

    @stopping_generation.setter
    def stopping_generation(self, value: bool) -> None:
        stop = self._stop
        if value and stop is not None:
            stop.finish()
        self._is_stopping = bool(value) and stop is None

    @property
    def textinfo(self) -> str | None:
        """What the page says is going on."""
        return self._textinfo

    @textinfo.setter
    def textinfo(self, value: str | None) -> None:
        self._textinfo = value
        if value:
            self._tell(Phase(name=str(value)[:200]))

    @property
    def server_command(self) -> str | None:
        """What the server is told to do; None once it knows."""
        return None

    @server_command.setter
    def server_command(self, value: str | None) -> None:
        """Tell the server to start anew ("restart") or to end ("stop", "kill")."""
        if value == "restart":
            self.request_restart()
        elif value in ("stop", "kill"):
            current().ready.life.stop()

    def _tell(self, event: Phase | Preview) -> None:
        context = current().runs.context
        if context is not None:
            context.emit(event)

    def begin(self, job: str = "(unknown)") -> None:
        """A piece of work begins."""
        self.job, self.job_no, self.job_count = job, 0, -1
        self.job_timestamp = time.strftime(TIME_FORMAT)
        self.sampling_step = 0
        self.current_latent = self.current_image = None
        self.current_image_sampling_step = self.id_live_preview = 0
        self.processing_has_refined_job_count = False
        self.time_start = time.time()
        self._textinfo = None
        self._is_interrupted = self._is_skipped = self._is_stopping = False

    def end(self) -> None:
        """It is over."""
        self.job, self.job_count = "", 0

    def nextjob(self) -> None:
        """One of its runs is done."""
        self.job_no += 1
        self.sampling_step = self.current_image_sampling_step = 0

    def interrupt(self) -> None:
        """End the run after this step."""
        self.interrupted = True

    def skip(self) -> None:
        """End the batch after this step."""
        self.skipped = True

    def stop_generating(self) -> None:
        """Begin no further batch."""
        self.stopping_generation = True

    def request_restart(self) -> None:
        """End what runs, and let the server start anew with its page. Raises NotOffered while it starts."""
        self.need_restart = True
        self.interrupt()
        current().ready.life.restart()

    def wait_for_server_command(self, timeout: float | None = None) -> None:
        """None comes."""

    def assign_current_image(self, image: Image.Image) -> None:
        """Show a picture while the run goes on."""
        self.current_image = image
        self.id_live_preview += 1
        shown = io.BytesIO()
        image.convert("RGB").save(shown, "jpeg", quality=85)
        self._tell(Preview(data=shown.getvalue(), mime="image/jpeg", step=self.sampling_step))

    def set_current_image(self) -> None:
        """Nothing: the program shows previews by itself."""

    do_set_current_image = set_current_image

    def dict(self) -> dict[str, Any]:
        """What the API tells of it."""
        return {
            "skipped": self.skipped,
            "interrupted": self.interrupted,
            "stopping_generation": self.stopping_generation,
            "job": self.job,
            "job_count": self.job_count,
            "job_timestamp": self.job_timestamp,
            "job_no": self.job_no,
            "sampling_step": self.sampling_step,
            "sampling_steps": self.sampling_steps,
        }
