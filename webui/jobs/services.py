"""What the front doors are given: everything a page or a route may touch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import Any

from webui.core.events import Message
from webui.core.flags import Flags
from webui.core.request import GenerationRequest
from webui.core.settings import Paths
from webui.core.work.kinds import WorkRequest
from webui.jobs.job import Delivery, Job
from webui.jobs.queue import JobQueue
from webui.jobs.requests import RequestMaker
from webui.jobs.server_life import ServerLife
from webui.library.catalog.catalog import Catalog
from webui.library.catalog.embedding_sizes import embedding_sizes
from webui.library.catalog.lora_files import LoraFiles
from webui.library.community.community import Community
from webui.library.library import Library
from webui.plugins.host import Plugins
from webui.plugins.loading import Extensions
from webui.prompts.chunks import EmbeddingNames
from webui.prompts.tokenizer import ClipTokenizer
from webui.store.files.folder_rules import FolderRules
from webui.store.last_infotexts import LastInfotexts
from webui.store.pictures.history import History
from webui.store.pictures.images import ImageFiles
from webui.store.pictures.inputs import Inputs
from webui.store.pictures.latents import Latents
from webui.store.pictures.served_pictures import ServedPictures
from webui.store.settings_file import SettingsFile
from webui.store.styles_editor import StylesEditor
from webui.store.styles_file import StylesReader
from webui.training.data.desk import Desk


@dataclass(frozen=True, slots=True)
class Services:
    """Made once in `main`."""

    flags: Flags
    paths: Paths
    settings: SettingsFile
    catalog: Catalog
    jobs: JobQueue
    history: History
    last_infotexts: LastInfotexts
    files: ImageFiles
    inputs: Inputs
    latents: Latents
    pictures: ServedPictures
    folders: FolderRules
    library: Library
    loras: LoraFiles
    version: str
    styles_reader: StylesReader
    styles_editor: StylesEditor
    datasets: Desk
    community: Community
    extensions: Extensions = field(default_factory=Extensions)
    random: Random = field(default_factory=SystemRandom)
    life: ServerLife = field(default_factory=ServerLife)

    @property
    def plugins(self) -> Plugins:
        """The extensions that run: their hooks, request parts and scripts."""
        return self.extensions.plugins

    @property
    def requests(self) -> RequestMaker:
        """What makes requests from form values."""
        return RequestMaker(
            self.settings, self.catalog, self.loras, self.styles_reader, self.random, self.plugins
        )

    def remarks_on_styles(self, names: Iterable[str]) -> list[str]:
        """Sentences on names of styles that there are none of, for a request that asked for them."""
        sentence = self.requests.styles().describe_unknown(names)
        return [sentence] if sentence else []

    def remarks_on(self, fields: Mapping[str, Any]) -> list[str]:
        """Sentences on fields of a new request that have no effect here: styles, parts of extensions."""
        unknown = self.plugins.describe_unknown(fields.get("extras") or {})
        return [*self.remarks_on_styles(fields.get("styles") or ()), *unknown]

    def new_request(
        self, fields: dict[str, Any], overrides: dict[str, Any] | None = None
    ) -> GenerationRequest:
        """As `RequestMaker.make`; an extended canvas has the size that it has around its first picture."""
        request = self.requests.make(fields, overrides)
        if request.outpainting is None:
            return request
        return request.around_picture(*self.inputs.open(request.init_images[0]).size)

    def embedding_names(self, text: str, tokenizer: ClipTokenizer) -> EmbeddingNames | None:
        """The embeddings that a text may name and how many tokens they take; None if there are none."""
        sizes = embedding_sizes(self.catalog, text)
        return EmbeddingNames(tokenizer, sizes) if sizes else None

    def submit(
        self,
        request: WorkRequest,
        delivery: Delivery | None = None,
        overrides: dict[str, Any] | None = None,
        remarks: Iterable[str] = (),
    ) -> Job:
        """Put a request in the queue with a frozen copy of the settings; its log gets the remarks."""
        settings = self.settings.current.changed_for_request(overrides or {})
        job = self.jobs.submit(request, delivery or Delivery(), settings)
        for remark in remarks:
            job.append(Message(text=remark, level="warning"))
        return job
