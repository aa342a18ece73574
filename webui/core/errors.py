"""Every refusal is a sentence: what was wrong, what was expected, what to do."""

from webui.core.readable import readable


class WebuiError(Exception):
    """Base of all errors whose text is shown to the user as it stands."""

    def __init__(self, text: str = "") -> None:
        """`text` may hold names of files that are no UTF-8."""
        super().__init__(readable(text))


class InvalidRequest(WebuiError):
    """A request that cannot be carried out as it was written (API: 422 or 400)."""


class NotFound(WebuiError):
    """Something named does not exist; the text names the nearest spelling (API: 404)."""


class NotAllowed(WebuiError):
    """Something that only the owner of the server may do (API: 403)."""


class ModelNotFound(NotFound):
    """No file of that name or hash in the model folders."""


class UnusableFile(WebuiError):
    """A file that is damaged, dangerous or of the wrong kind (API: 422)."""


class OutOfMemory(WebuiError):
    """The device or the machine has too little memory for the request."""


class InvalidNumbers(WebuiError):
    """A network gave no valid numbers (NaN), so there is no picture to show."""


class ServerEnding(WebuiError):
    """The server ends before it can do what was asked (API: 503)."""


class NotOffered(WebuiError):
    """Something that A1111 has and this program does not have yet (API: 501)."""


class ScriptNotFound(InvalidRequest):
    """A request that asks for a script or an extension that is not there (API: 422)."""


class Busy(WebuiError):
    """Another process holds what is needed, such as the data folder."""


class StorageError(WebuiError):
    """A folder cannot be written or is full (API: 507)."""
