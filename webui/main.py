"""Builds every object once, in reading order, and serves. The only file that knows every concrete class."""

import gc
import logging
import os
import socket
import sys
import time
import webbrowser
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import get_args

import uvicorn
from fastapi import FastAPI

from webui.api.access import describe_access
from webui.api.app import build_api
from webui.api.connections import Limits, make_protocol
from webui.core.errors import Busy
from webui.core.flags import Flags
from webui.core.readable import readable
from webui.core.settings import Paths
from webui.jobs.job import Job
from webui.jobs.queue import JobQueue
from webui.jobs.saving import PictureSaver
from webui.jobs.services import Services
from webui.jobs.worker import Worker
from webui.library.captioners.fetching import CaptionerFetching, CaptionerFiles
from webui.library.cards.cards import Cards
from webui.library.cards.index import CardIndex
from webui.library.cards.insertion import Insertion
from webui.library.catalog.catalog import Catalog, ModelFolders
from webui.library.catalog.lora_files import LoraFiles
from webui.library.community.community import Community, recover_extensions
from webui.library.community.records import InstallRecords
from webui.library.fetch.civitai import Civitai
from webui.library.fetch.describing import Describer
from webui.library.fetch.downloads import Downloads
from webui.library.fetch.offers import Offers
from webui.library.fetch.proxies import Proxies
from webui.library.fetch.sites import Sites
from webui.library.fetch.web import Web
from webui.library.intake.finishing import UploadFinisher
from webui.library.intake.intake import WILDCARDS, Intake
from webui.library.library import Library
from webui.library.presets.presets import Presets
from webui.plugins.additions import open_for_additions
from webui.plugins.community import choose_community, find_community, has_preload
from webui.plugins.failed_starts import FailedStarts
from webui.plugins.loading import (
    FOLDER,
    Extensions,
    Origin,
    WantedExtensions,
    find_extensions,
    in_order,
    trust_all,
)
from webui.prompts.styles import Styles
from webui.store.card_cache import CardCache
from webui.store.database import Database
from webui.store.files.folder_rules import FolderRules
from webui.store.files.lock import DataLock
from webui.store.files.staging import INCOMING
from webui.store.files.sweep import Sweeping, WrittenFolders
from webui.store.files.uploads import Uploads
from webui.store.header_cache import HeaderCache
from webui.store.keys import Keys
from webui.store.last_infotexts import LastInfotexts
from webui.store.pictures.history import History
from webui.store.pictures.history_gathering import HistoryGathering, output_folders
from webui.store.pictures.images import ImageFiles
from webui.store.pictures.inputs import Inputs
from webui.store.pictures.latents import Latents
from webui.store.pictures.served_pictures import ServedPictures
from webui.store.pictures.thumbnails import Thumbnails
from webui.store.pictures.unsaved import UNSAVED, UnsavedPictures
from webui.store.preset_files import PRESETS, PresetFiles
from webui.store.settings_file import SettingsFile
from webui.store.styles_editor import StylesEditor
from webui.store.styles_file import StylesReader
from webui.store.trash import Trash
from webui.training.data.desk import DATASETS, Desk
from webui.training.run_folder import TRAINING

logger = logging.getLogger(__name__)
PORT, API_PORT, PORTS_TO_TRY = 7860, 7861, 100
MOST_CONNECTIONS = 4000
PAGE_UPLOADS = "page-uploads"
# In the environment of a server that started itself anew, as in A1111's.
RESTARTING = "SD_WEBUI_RESTARTING"


def build_services(
    flags: Flags, root: Path, sites: Sites | None = None, arguments: Sequence[str] = ()
) -> Services:
    """Everything but the doors. Makes the data folder; the job queue is not started yet.

    `sites` is where Civitai and Hugging Face are: tests have their own. `arguments` are the words of the
    command line, for extensions of A1111's.
    """
    paths = flags.paths(root)
    paths.data.mkdir(parents=True, exist_ok=True)
    rules = FolderRules(paths.root, flags.allowed_folders(root))
    settings = SettingsFile(flags.settings_file(root), rules, frozen=flags.freeze_settings)
    database = Database(paths.data / "webui.db")
    history = History(database)
    headers = HeaderCache(database)
    catalog = Catalog(ModelFolders.of(paths), headers)
    catalog.begin()
    select(settings, flags)
    recover_extensions(paths.root / FOLDER, paths.data)
    distrust = InstallRecords(paths.data).explain_distrust
    extensions = load_extensions(flags, root / FOLDER, paths.root / FOLDER, settings, distrust)
    files, inputs = ImageFiles(paths.root), Inputs(paths.data / "inputs")
    latents = Latents(paths.data / "latents")
    loras = LoraFiles(catalog)
    library = build_library(paths, settings, database, catalog, headers, inputs, loras, sites)
    program = f"Atelier {program_version()}"

    styles_reader = StylesReader(paths.styles)
    datasets = Desk(paths.data / DATASETS, rules, library.cards.trash)

    def read_styles() -> Styles:
        styles = styles_reader.load()
        return Styles(styles.styles, styles.messages)

    def make_worker() -> Worker:
        # Loads torch, diffusers and transformers: seconds that the page need not wait for.
        from webui.jobs.local_worker import LocalWorker

        worker = LocalWorker(
            catalog, inputs, latents, flags, program, extensions.plugins, paths, read_styles, datasets
        )
        worker.folders = rules
        worker.preload(settings.current)
        return worker

    unsaved = UnsavedPictures(paths.data / UNSAVED)

    def remembered_jobs() -> tuple[Job, ...]:
        return jobs.remembered()

    last = LastInfotexts(database)
    saver = PictureSaver(files, history, unsaved, remembered_jobs, last, extensions.plugins, rules)
    jobs = JobQueue(make_worker, saver, latents=latents, scratch=paths.data)
    services = Services(
        flags=flags,
        paths=paths,
        settings=settings,
        catalog=catalog,
        jobs=jobs,
        history=history,
        last_infotexts=last,
        files=files,
        inputs=inputs,
        latents=latents,
        pictures=ServedPictures(history),
        folders=rules,
        library=library,
        loras=loras,
        version=program,
        styles_reader=styles_reader,
        styles_editor=StylesEditor(paths.styles),
        datasets=datasets,
        community=Community.build(paths.root / FOLDER, root / FOLDER, paths.data, library.web, os.environ),
        extensions=extensions,
    )
    load_community(services, root, arguments, distrust)
    return services


def load_extensions(
    flags: Flags,
    shipped: Path,
    own: Path,
    settings: SettingsFile,
    distrust: Callable[[Path], str] = trust_all,
) -> Extensions:
    """The extensions of two folders and of installed packages, as flags and settings want them.

    `distrust` tells why the code in a folder is not run, "" if it may be.
    """
    chosen = settings.current.extensions
    without_others = flags.disable_extra_extensions or chosen.disable_all_extensions == "extra"
    origins: tuple[Origin, ...] = ("shipped",) if without_others else get_args(Origin)
    extensions = Extensions()
    wanted = WantedExtensions(wants_none(flags, settings), origins, chosen.disabled_extensions, distrust)
    extensions.load(in_order(find_extensions(shipped, own), chosen.extension_order), wanted)
    return extensions


def wants_none(flags: Flags, settings: SettingsFile) -> bool:
    """Whether no extension at all is to be loaded."""
    chosen = settings.current.extensions.disable_all_extensions
    return flags.safe or flags.disable_all_extensions or chosen == "all"


def load_community(
    services: Services,
    root: Path,
    arguments: Sequence[str],
    distrust: Callable[[Path], str] = trust_all,
) -> None:
    """Load A1111's community extensions, if there are any; else nothing of their host is imported.

    `distrust` tells why the code in a folder is not run, "" if it may be.
    """
    flags = services.flags
    found = find_community(root, services.paths.root)
    if not found:
        return
    starts = FailedStarts.read(services.paths.data)
    refusals = switch_off(starts, services.settings, is_frozen=flags.freeze_settings)
    chosen = services.settings.current.extensions
    without_others = flags.disable_extra_extensions or chosen.disable_all_extensions == "extra"
    choice = choose_community(
        found,
        taken=[each.name for each in services.extensions.records],
        disabled=chosen.disabled_extensions,
        without="all" if wants_none(flags, services.settings) else "extra" if without_others else "",
        refusals=refusals,
        distrust=distrust,
        order=chosen.extension_order,
    )
    services.extensions.add_loader(lambda: choice.others)
    if choice.wanted:
        # Loads Gradio, torch and whatever the extensions want.
        from webui.compat.a1111.start import start

        others_have_flags = any(has_preload(each.folder) for each in choice.others)
        start(services, choice.wanted, arguments, starts=starts, knows_all_flags=not others_have_flags)


def switch_off(starts: FailedStarts, settings: SettingsFile, *, is_frozen: bool) -> dict[str, str]:
    """Switch off extensions that failed too often; a sentence on each that is off for that.

    Where settings cannot be changed, they are off as long as the notes on starts are there.
    """
    exhausted = starts.take_exhausted()
    if not is_frozen:
        off = settings.current.extensions.disabled_extensions
        if exhausted:
            settings.change({"disabled_extensions": (*off, *(name for name in exhausted if name not in off))})
        for name in starts.reasons().keys() - settings.current.extensions.disabled_extensions:
            starts.forgive(name)
    return starts.reasons()


def build_library(
    paths: Paths,
    settings: SettingsFile,
    database: Database,
    catalog: Catalog,
    headers: HeaderCache,
    inputs: Inputs,
    loras: LoraFiles,
    sites: Sites | None,
) -> Library:
    """Everything that takes models in, shows and deletes them."""
    cards = Cards(
        catalog,
        CardIndex(catalog, CardCache(database), Insertion(loras, lambda: settings.current.models)),
        Thumbnails(paths.data / "thumbnails"),
        Trash((*catalog.folders.roots, paths.data / DATASETS, paths.data / TRAINING)),
    )
    presets = Presets(PresetFiles(paths.data / PRESETS), catalog, loras)
    intake = Intake(catalog, headers, paths, inputs, presets.take)
    uploads = Uploads(paths.models / INCOMING / "uploads")
    keys = Keys(paths.data / "keys.json")
    # No proxy leads to sites that tests have on this machine.
    web = Web(sites or Sites(), keys.get, proxies=Proxies({}) if sites else Proxies.of(os.environ))
    civitai = Civitai(web)
    offers, describer = Offers(web, civitai), Describer(cards, web)
    captioner_files = CaptionerFiles(paths.models)
    downloads = Downloads(
        paths.models / INCOMING / "downloads",
        web,
        offers,
        intake,
        describer.note,
        take_part=captioner_files.take,
    )
    return Library(
        catalog=catalog,
        intake=intake,
        uploads=uploads,
        finishing=UploadFinisher(uploads, intake),
        cards=cards,
        presets=presets,
        history=History(database),
        keys=keys,
        web=web,
        civitai=civitai,
        offers=offers,
        downloads=downloads,
        captioners=CaptionerFetching(web, downloads, captioner_files),
        describer=describer,
        settings=settings,
    )


def select(settings: SettingsFile, flags: Flags) -> None:
    """The checkpoint and VAE that --ckpt and --vae-path name."""
    chosen = {"sd_model_checkpoint": flags.ckpt, "sd_vae": flags.vae_path}
    named = {key: readable(path.name) for key, path in chosen.items() if path is not None}
    if named:
        settings.change(named)


def build_app(services: Services) -> FastAPI:
    """The API, and the page on it unless --nowebui was given."""
    app = build_api(services, lifespan=lambda app: running(services, app))
    if services.flags.nowebui:
        with open_for_additions(app):
            services.plugins.collect("page_served", page=None, app=app)
    else:
        # Loads Gradio, which the API alone does without.
        from webui.ui.app import mount_ui

        app = mount_ui(app, services)
    return app


@asynccontextmanager
async def running(services: Services, app: FastAPI | None = None) -> AsyncIterator[None]:
    """The device thread runs while the server does, and what else goes on in the background."""
    gathering = HistoryGathering(
        services.history, lambda: output_folders(services.files, services.settings.current.folders)
    )
    sweeping = Sweeping(lambda: written_folders(services), time.time())
    UnsavedPictures(services.paths.data / UNSAVED).remove_older()
    services.jobs.start()
    services.library.start()
    gathering.start()
    sweeping.start()
    services.extensions.plugins.call_in_time("startup", services=services)
    # There is none without the page.
    uploads = getattr(app.state, "upload_sweeping", None) if app else None
    if uploads is not None:
        uploads.start()
    yield
    if uploads is not None:
        uploads.close()
    services.extensions.plugins.call_in_time("shutdown")
    services.extensions.close()
    sweeping.close()
    gathering.close()
    services.library.close()
    services.jobs.close()


def written_folders(services: Services) -> WrittenFolders:
    """Where this server writes files."""
    paths = services.paths
    pictures = [
        services.files.folder(folder)
        for folder in services.settings.current.folders.model_dump().values()
        if folder
    ]
    models = (paths.models, paths.embeddings, *services.catalog.folders.roots)
    own_files = {paths.root, services.settings.path.parent, *(styles.parent for styles in paths.styles)}
    return WrittenFolders((paths.data, *pictures, *models, paths.root / WILDCARDS), tuple(own_files))


def serve(flags: Flags, root: Path, sites: Sites | None = None, arguments: Sequence[str] = ()) -> int | None:
    """Serve until interrupted; `sites` and `arguments` as `build_services` has them.

    Gives the port at which to start anew if that is wanted, None to end. Raises WebuiError, such as Busy if
    another server holds the data folder.
    """
    began = time.monotonic()
    paths = flags.paths(root)
    with DataLock(paths.data):
        # Where Gradio keeps uploads; in the system's folder, other programs' files would lie among ours.
        os.environ.setdefault("GRADIO_TEMP_DIR", str(paths.data / PAGE_UPLOADS))
        services = build_services(flags, root, sites, arguments)
        app = build_app(services)
        # What the start made stays, so it need not be looked through for garbage again (app.py stopped that).
        gc.freeze()
        gc.enable()
        listening = listen(flags)
        address = address_of(listening, flags)
        for remark in describe_access(flags):
            logger.info(remark)
        logger.info("Ready in %.1f s: %s", time.monotonic() - began, address)
        if flags.autolaunch and RESTARTING not in os.environ:
            webbrowser.open(address)
        server = uvicorn.Server(server_config(app, flags, Limits(connections=most_connections())))
        services.life.begin(partial(setattr, server, "should_exit", True))
        port = int(listening.getsockname()[1])
        server.run([listening])
        return port if services.life.wants_restart else None


def server_config(app: FastAPI, flags: Flags, limits: Limits) -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        app,
        http=make_protocol(limits),
        log_level="warning",
        server_header=False,
        ssl_keyfile=str(flags.tls_keyfile) if flags.tls_keyfile else None,
        ssl_certfile=str(flags.tls_certfile) if flags.tls_certfile else None,
        timeout_graceful_shutdown=3,
    )


def most_connections() -> int:
    """How many clients may be connected: the system must let this program open other files too."""
    if sys.platform == "win32":
        return Limits().connections
    # Not on Windows.
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(soft * 3 // 4, MOST_CONNECTIONS)


def listen(flags: Flags) -> socket.socket:
    """The socket to answer at: the port of the flags, else the first free one from 7860. Raises Busy."""
    first = API_PORT if flags.nowebui else PORT
    ports = range(first, first + PORTS_TO_TRY) if flags.port is None else [flags.port]
    family = socket.AF_INET6 if ":" in flags.host else socket.AF_INET
    reason = ""
    for port in ports:
        try:
            return as_tcp(socket.create_server((flags.host, port), family=family))
        except OSError as error:
            reason = f"{error.strerror} (port {port})"
    raise Busy(f"The server cannot listen at {flags.host}: {reason}. Choose another port with --port.")


def as_tcp(listening: socket.socket) -> socket.socket:
    """The same socket, known to be TCP's: only then does asyncio send answers that come in parts without a
    pause of 40 ms between the parts.
    """
    return socket.socket(listening.family, listening.type, socket.IPPROTO_TCP, fileno=listening.detach())


def address_of(listening: socket.socket, flags: Flags) -> str:
    """The address to open in a browser on this machine."""
    host = "127.0.0.1" if flags.host == "0.0.0.0" else flags.host
    return f"{'https' if flags.tls_certfile else 'http'}://{host}:{listening.getsockname()[1]}"


def program_version() -> str:
    """The installed version."""
    try:
        return version("atelier-webui")
    except PackageNotFoundError:
        return "0"
