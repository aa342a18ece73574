"""Pictures that clients send: base64, a data URL or, where the server's owner allows it, an address."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event

from webui.core.errors import InvalidRequest
from webui.core.settings import Api
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.web import USER_AGENT, Web, read_at_most
from webui.store.files.folder_rules import FolderRules
from webui.store.pictures.inputs import Inputs
from webui.store.pictures.picture_files import pictures_in

ADDRESSES = ("http://", "https://")
MOST_FETCHED_BYTES = 64 * 2**20
# White space is in base64 that was written in lines.
WHITE_SPACE = str.maketrans("", "", " \t\r\n")
NOT_FETCHED = (
    "A picture is given as an address, but this server fetches no pictures. Send the picture itself in "
    "base64, or ask the server's owner to allow it in the settings ('Fetch pictures for API calls')."
)


@dataclass(frozen=True, slots=True)
class GivenPictures:
    """Keeps the pictures of a request. `fetched` has those that are given as addresses; `folders` tells which
    folders on the server a client may name.
    """

    inputs: Inputs
    fetched: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    folders: FolderRules | None = None

    def keep(self, text: str) -> str:
        """Keep a picture; what requests call it. Raises InvalidRequest or UnusableFile."""
        return self.inputs.add(self.read(text))

    def keep_folder(self, text: str) -> list[str]:
        """Keep the pictures of a folder on the server, by name. Raises InvalidRequest or UnusableFile.

        A client may name no folder but those where pictures lie on this server.
        """
        if self.folders is None:
            raise InvalidRequest(
                "A folder is named where pictures are expected. Send the pictures in base64."
            )
        folder = self.folders.check_folder("The folder of pictures", text.strip())
        found = pictures_in(folder) if folder.is_dir() else []
        if not found:
            raise InvalidRequest(
                f"There is no picture in the folder {text!r}, or the server may not read it."
            )
        return [self.inputs.add(path.read_bytes()) for path in found]

    def read(self, text: str) -> bytes:
        """The bytes of a picture file. Raises InvalidRequest."""
        return self.fetched[text] if text in self.fetched else from_base64(text)


def addresses_in(texts: Iterable[str | None]) -> list[str]:
    """Those pictures that are given as addresses, each once."""
    return list(dict.fromkeys(text for text in texts if text and text.startswith(ADDRESSES)))


def fetch_pictures(addresses: Iterable[str], web: Web, rules: Api) -> dict[str, bytes]:
    """The files at these addresses, from public hosts only. Raises InvalidRequest unless that is allowed, and
    FetchRefused.
    """
    if not rules.api_enable_requests:
        raise InvalidRequest(NOT_FETCHED)
    headers = {"User-Agent": rules.api_useragent or USER_AGENT}
    return {address: fetch_picture(address, web, headers) for address in addresses}


def fetch_picture(address: str, web: Web, headers: Mapping[str, str]) -> bytes:
    """The file at an address. Raises FetchRefused."""
    stop = Event()
    try:
        with web.open(address, headers, stop) as response:
            return read_at_most(response, stop, MOST_FETCHED_BYTES)
    except FetchRefused as error:
        sentence = f"The picture at {address[:100]} could not be fetched. {error}"
        raise FetchRefused(error.cause, sentence) from error


def from_base64(text: str) -> bytes:
    """The bytes of a picture given in base64 or as a data URL. Raises InvalidRequest."""
    if text.startswith(ADDRESSES):
        raise InvalidRequest(NOT_FETCHED)
    try:
        return base64.b64decode(text.rpartition(",")[2].translate(WHITE_SPACE), validate=True)
    # Python raises another error than binascii's for characters outside ASCII.
    except ValueError as error:
        raise InvalidRequest(
            "The picture is not base64. Send the file's bytes in base64 or as a data URL."
        ) from error
