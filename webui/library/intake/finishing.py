"""Uploads that are whole are filed, once each, whatever breaks meanwhile: the page's line or the server."""

import logging
import threading
from collections import OrderedDict

from webui.core.errors import WebuiError
from webui.library.intake.arrival import Arrival, refuse_arrival
from webui.library.intake.intake import Intake
from webui.library.recognise.kinds import describe
from webui.store.files.uploads import Upload, Uploads

logger = logging.getLogger(__name__)
# What became of so many uploads is remembered, for a page that did not hear the answer.
REMEMBERED = 200


class UploadFinisher:
    """Files uploads. Any thread; who asks for one that is being filed waits for it."""

    def __init__(self, uploads: Uploads, intake: Intake) -> None:
        self._uploads = uploads
        self._intake = intake
        self._changed = threading.Condition()
        self._under_way: set[str] = set()
        self._told: OrderedDict[str, list[Arrival]] = OrderedDict()

    def finish(self, identity: str) -> tuple[list[Arrival], bool]:
        """What became of an upload, and whether that is news. Nothing is left of it in any case.

        Raises NotFound, and InvalidRequest if the file is not whole.
        """
        with self._changed:
            self._changed.wait_for(lambda: identity not in self._under_way)
            if identity in self._told:
                return self._told[identity], False
            self._under_way.add(identity)
        try:
            return self._take(identity), True
        finally:
            with self._changed:
                self._under_way.discard(identity)
                self._changed.notify_all()

    def resume(self) -> None:
        """After a start: finish what a killed server had begun to file."""
        for upload, sha256 in self._uploads.begun():
            try:
                if upload.offset == upload.size:
                    self.finish(upload.id)
                else:
                    self._remember(upload.id, [self._moved(upload, sha256)])
                    self._uploads.cancel(upload.id)
            except WebuiError as error:
                logger.warning("An upload that was being filed could not be finished: %s", error)

    def _take(self, identity: str) -> list[Arrival]:
        staged, sha256 = self._uploads.finished(identity)
        try:
            arrivals = self._intake.take(staged.content, sha256)
            self._remember(identity, arrivals)
        finally:
            self._uploads.cancel(identity)
        return arrivals

    def _moved(self, upload: Upload, sha256: str | None) -> Arrival:
        """What became of a file that was moved away just before the server was killed."""
        file = self._intake.find_same(upload.size, sha256)
        if file is None:
            return refuse_arrival(
                upload.name,
                f"The server was stopped while it put {upload.name} in its place. Look whether it is there; "
                "if not, drop it again.",
            )
        sentence = f"{describe(file)} Filed in {file.path.parent.name}."
        return Arrival(outcome="filed", name=upload.name, sentence=sentence, file=file)

    def _remember(self, identity: str, arrivals: list[Arrival]) -> None:
        with self._changed:
            self._told[identity] = arrivals
            while len(self._told) > REMEMBERED:
                self._told.popitem(last=False)
