"""Published captioners fetched by the usual downloads, file by file, each into its captioner's folder."""

from pathlib import Path

from webui.core.errors import NotFound
from webui.library.captioners.published import BY_REPO, HOMES, PublishedCaptioner
from webui.library.fetch.downloads import UNFINISHED, Download, Downloads
from webui.library.fetch.huggingface import HuggingFace
from webui.library.fetch.links import HuggingFaceLink
from webui.library.fetch.refusals import FetchRefused
from webui.library.fetch.web import Web
from webui.library.intake.arrival import Arrival, refuse_arrival
from webui.store.files.staging import file_away


class CaptionerFiles:
    """Where files of published captioners go. Any thread."""

    def __init__(self, models: Path) -> None:
        """`models` is the folder of models."""
        self._models = models

    def folder(self, published: PublishedCaptioner) -> Path:
        """Where a captioner's files lie once they are fetched."""
        return self._models / HOMES[published.sort] / published.name

    def take(self, repo: str, path: Path) -> Arrival:
        """Move a file that was fetched into its captioner's folder; refuses what belongs to none."""
        published = BY_REPO.get(repo)
        if published is None or path.name not in published.files:
            return refuse_arrival(path.name, f"{path.name} belongs to no captioner that is known here.")
        folder = self.folder(published)
        if not file_away(path, folder / path.name):
            sentence = f"{path.name} of {published.name} is here already. It was not stored twice."
            return Arrival(outcome="duplicate", name=path.name, sentence=sentence)
        place = f"{folder.parent.parent.name}/{folder.parent.name}/{folder.name}"
        return Arrival(outcome="filed", name=path.name, sentence=f"{path.name} is filed in {place}.")


class CaptionerFetching:
    """Begins downloads of published captioners, and tells of them. Asks the site only in `begin`."""

    def __init__(self, web: Web, downloads: Downloads, files: CaptionerFiles) -> None:
        self._huggingface = HuggingFace(web)
        self._downloads = downloads
        self._files = files

    def find(self, repo: str) -> PublishedCaptioner:
        """A published captioner. Raises NotFound."""
        if repo not in BY_REPO:
            raise NotFound(
                f"{repo[:100]!r} is no captioner that can be fetched. Those: {', '.join(BY_REPO)}."
            )
        return BY_REPO[repo]

    def begin(self, repo: str) -> list[Download]:
        """Fetch what is not here yet of a captioner: asks the site which files there are.

        Raises NotFound, and FetchRefused as downloads do.
        """
        published = self.find(repo)
        offered = {
            file.path for file in self._huggingface.all_files(HuggingFaceLink(repo, published.revision))
        }
        missing = [name for name in published.needed_files if name not in offered]
        if missing:
            raise FetchRefused("gone", f"{repo} has no {missing[0]} any more. See {published.page}.")
        folder = self._files.folder(published)
        wanted = [name for name in published.files if name in offered and not (folder / name).is_file()]
        return [self._downloads.add(published.link_to(name), part_of=repo) for name in wanted]

    def running(self, published: PublishedCaptioner) -> list[Download]:
        """The downloads of a captioner's files that are not finished."""
        links = {published.link_to(name) for name in published.files}
        return [
            each
            for each in self._downloads.all()
            if each.link in links and each.state in (*UNFINISHED, "paused", "failed")
        ]
