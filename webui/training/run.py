"""A training run from its request to the file that comes of it."""

import math
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from PIL import Image

from webui.core.errors import InvalidRequest, StorageError, WebuiError
from webui.core.events import Event, Message, Phase, TrainingSample, TrainingSaved
from webui.core.work.training_run import TrainingRun
from webui.diffusion.prediction import Prediction
from webui.models.cpu.precision import FULL
from webui.models.network_holder import Loading, SizedValue
from webui.plugins.context import Context
from webui.store.files.atomic import write_atomically
from webui.store.files.sweep import WrittenFolders, sweep
from webui.training.carriers import carry_embedding
from webui.training.data.cache import sample_anew, sample_posterior, take_mean
from webui.training.data.desk import DATASETS, Desk
from webui.training.data.reading import read_data
from webui.training.data.source import BatchSource
from webui.training.loop import Diverged, Loop, gradient_checkpointing
from webui.training.methods.registry import make_trainable
from webui.training.networks import TrainingNetworks
from webui.training.preparing import PreparedRun, prepare, resume_or_begin
from webui.training.preserving import make_preserving
from webui.training.processes import Processes, join_processes
from webui.training.reporting import Reporter
from webui.training.run_folder import RunFolder
from webui.training.samples import (
    CFG_SCALE,
    SMALL_CFG_SCALE,
    SamplePicture,
    choose_size,
    draw,
    first_pictures,
    read_options,
    save_webp,
)
from webui.training.saving import FileSaver
from webui.training.seeds import seed_for
from webui.training.state import StateFiles
from webui.training.texts import Texts

WEIGHT_BYTES = 4


def train(run: TrainingRun, context: Context) -> Generator[Event]:
    """Everything that happens; the last event tells of the finished file. Raises WebuiError."""
    if context.paths is None:
        raise InvalidRequest("There is no data folder to keep the run in.")
    folder = RunFolder.of(context.paths.data, run.name)
    processes = join_processes(context.models.device)
    with ExitStack() as stack:
        if processes.is_main:
            stack.enter_context(folder.lock())
            # What a killed process left; nobody else writes here while this one holds the lock.
            sweep(WrittenFolders(whole=(folder.path,)), math.inf)
        desk = Desk(context.paths.data / DATASETS, context.folders)
        yield from Session(run, context, folder, desk, processes).events()


class Session:
    """One start of a run in one process."""

    def __init__(
        self, asked: TrainingRun, context: Context, folder: RunFolder, desk: Desk, processes: Processes
    ) -> None:
        self._asked, self._context, self._desk = asked, context, desk
        self._folder, self._processes = folder, processes
        self._states = StateFiles(folder.state)
        self._saved_step = -1

    def events(self) -> Generator[Event]:
        """See `train`."""
        yield Phase(name="Reading the data")
        prepared, run = self._prepare()
        for sentence in prepared.dataset.sentences:
            yield Message(text=sentence, level="warning")
        yield Phase(name="Loading the checkpoint")
        with ExitStack() as stack:
            networks = self._load(prepared, run, stack)
            run = yield from self._draw_class(prepared, run, networks)
            if self._context.stop.is_stopped:
                # Before anything was learned: the same run begins again.
                return
            loop = self._make_loop(prepared, run, networks)
            self._go_on(loop)
            reporter = Reporter(self._folder, loop.steps, networks.device)
            stack.callback(reporter.close)
            stack.enter_context(gradient_checkpointing(networks, enabled=bool(run.checkpointing)))
            stack.enter_context(loop.trainable.attach())
            yield from self._run(loop, reporter, prepared)

    def _prepare(self) -> tuple[PreparedRun, TrainingRun]:
        context = self._context
        prepared = prepare(self._asked, context.models.catalog, self._desk, context.models.device)
        if not self._processes.is_main:
            self._processes.wait()
            return prepared, self._folder.read_run("filled")
        run, sentences = resume_or_begin(prepared, self._folder)
        for sentence in sentences:
            context.tell(sentence)
        self._folder.ask_pause(asked=False)
        self._folder.write_run("run", prepared.asked)
        self._folder.write_run("filled", run)
        known, wanted = self._folder.read_prompts(), list(run.samples or ())
        self._folder.write_prompts([*wanted, *known[len(wanted) :]])
        self._processes.wait()
        return prepared, run

    def _load(self, prepared: PreparedRun, run: TrainingRun, stack: ExitStack) -> TrainingNetworks:
        """The run's own copy of the checkpoint, within the budget of all networks, and gone with the run."""
        context, file = self._context, prepared.checkpoint
        device = context.models.device
        vae_file = context.models.catalog.vae_for(file)
        estimated = WEIGHT_BYTES * (prepared.facts.network + prepared.facts.text)

        def load(_: torch.device) -> SizedValue[TrainingNetworks]:
            loaded = TrainingNetworks.load(file, device, FULL, vae_file)
            return SizedValue(loaded, tuple(loaded.model.modules()))

        holder, key = context.models.holder, ("training", object())
        held = stack.enter_context(holder.lease(key, load, Loading(file.name, estimated)))
        # It is dropped as soon as the lease ends.
        holder.drop(key)
        networks = held.value
        model = networks.model
        prediction = Prediction(run.prediction or model.prediction, model.alphas_cumprod)
        return replace(networks, prediction=prediction.changed(zero_terminal_snr=bool(run.zero_snr)))

    def _draw_class(
        self, prepared: PreparedRun, run: TrainingRun, networks: TrainingNetworks
    ) -> Generator[Event, None, TrainingRun]:
        """Pictures of the class with the checkpoint as it is, where the run asks for them: a folder."""
        count = run.class_pictures or 0
        if not run.class_prompt or run.regularisation or not count:
            return run
        folder = self._folder.path / "class"
        for number in range(count if self._processes.is_main else 0):
            path = folder / f"{number:05d}.webp"
            if path.is_file():
                continue
            yield Phase(name="Drawing the class", detail=f"picture {number + 1} of {count}")
            seed = seed_for(run.seed, "class", number) % 2**32
            picture = self._picture(run.class_prompt, seed, run, prepared)
            image = draw(picture, networks, None, run.clip_skip or 1)
            save_webp(path, image, lossless=True)
            write_atomically(path.with_suffix(".txt"), run.class_prompt.encode())
            if self._context.stop.is_stopped:
                break
        self._processes.wait()
        return run.model_copy(update={"regularisation": str(folder)})

    def _make_loop(self, prepared: PreparedRun, run: TrainingRun, networks: TrainingNetworks) -> Loop:
        dataset = prepared.dataset
        if run.regularisation and run.regularisation != prepared.run.regularisation:
            # Pictures of the class were drawn since.
            dataset = read_data(self._desk.resolve(run.data), run, self._desk.guard)
        cache, file = self._folder.cache, prepared.checkpoint
        vae = networks.model.vae
        encode = take_mean(vae) if run.latents == "deterministic" else sample_posterior(vae)
        anew = partial(sample_anew, vae) if run.latents == "random" else None
        source = BatchSource(dataset, run, encode, cache / "latents", self._context.tell, anew)
        if run.steps is None:
            batches = (run.accumulation or 1) * self._processes.count
            run = run.model_copy(
                update={"steps": max(1, (run.epochs or 1) * source.steps_per_epoch // batches)}
            )
        trainable = make_trainable(run, networks, self._context.plugins.trainables)
        folder = cache / "text" / f"{file.stem}-{file.size}-{file.mtime_ns}" if run.cache_text else None
        texts = Texts(networks, trainable, run.clip_skip or 1, folder)
        captions = [each.caption for each in prepared.dataset.examples if not each.is_regularisation]
        preserving = make_preserving(run, networks, trainable, captions)
        return Loop(run, networks, trainable, source, texts, self._processes, preserving)

    def _go_on(self, loop: Loop) -> None:
        """Where the last start of the run came to."""
        state = self._states.load()
        if state is not None:
            loop.load_state(state)
            self._saved_step = loop.step
        if self._processes.is_main:
            self._folder.cut_log(loop.step)

    def _run(self, loop: Loop, reporter: Reporter, prepared: PreparedRun) -> Generator[Event]:
        """The steps, and whatever way they end."""
        saver = FileSaver(loop.run, self._folder, prepared, self._context.models.catalog)
        if not self._processes.is_main:
            for _ in self._follow(loop):
                pass
            return
        if sentence := reporter.open_board():
            yield Message(text=sentence, level="info")
        reporter.write_status("running", loop.step)
        if loop.step:
            yield Message(text=f"The run goes on from step {loop.step}.", level="info")
        try:
            yield from self._steps(loop, reporter, saver, prepared)
        except GeneratorExit:
            # Cancelled, or the server ends: nothing of it is lost.
            self._stop(loop, reporter)
            raise
        except WebuiError as error:
            yield from self._fail(loop, reporter, saver, error)
        finally:
            if reporter.state == "running":
                # Something that nobody foresaw; the states so far are whole.
                reporter.write_status("stopped", loop.step)

    def _steps(
        self, loop: Loop, reporter: Reporter, saver: FileSaver, prepared: PreparedRun
    ) -> Generator[Event]:
        run = loop.run
        if not loop.step:
            yield from self._draw_samples(loop, prepared)
        yield Phase(name="Training", counts_steps=True)
        while loop.step < loop.steps:
            if self._processes.any(self._context.stop.is_stopped):
                yield from self._save_stopped(loop, reporter, saver)
                return
            done = loop.take_step()
            yield reporter.tell_step(done)
            if is_due(done.step, run.sample_every) or done.step == loop.steps:
                yield from self._draw_samples(loop, prepared)
            if is_due(done.step, run.save_every) and done.step < loop.steps:
                yield TrainingSaved(step=done.step, path=str(saver.save_checkpoint(loop)))
            if is_due(done.step, run.state_every):
                self._save_state(loop)
                reporter.write_status("running", loop.step)
        file = saver.save_final(loop)
        self._save_state(loop)
        reporter.write_status("done", loop.step, file=str(file.path))
        if file.stem != run.name:
            yield Message(
                text=f"There was a file named {run.name} already, so this one is {file.stem}.",
                level="warning",
            )
        yield TrainingSaved(step=loop.step, path=str(file.path), is_final=True)

    def _follow(self, loop: Loop) -> Iterator[None]:
        """The steps of a process that writes nothing."""
        while loop.step < loop.steps:
            if self._processes.any(self._context.stop.is_stopped):
                return
            loop.take_step()
            yield

    def _save_stopped(self, loop: Loop, reporter: Reporter, saver: FileSaver) -> Generator[Event]:
        """Everything that was learned, to use and to go on from."""
        if loop.step:
            yield TrainingSaved(step=loop.step, path=str(saver.save_checkpoint(loop)))
        self._stop(loop, reporter)
        yield Message(text=f"The run is stopped at step {loop.step} and can be resumed.", level="info")

    def _stop(self, loop: Loop, reporter: Reporter) -> None:
        self._save_state(loop)
        reporter.write_status("paused" if self._folder.is_pausing else "stopped", loop.step)

    def _fail(self, loop: Loop, reporter: Reporter, saver: FileSaver, error: WebuiError) -> Generator[Event]:
        """Keep what is good, then raise what went wrong with how to go on."""
        text = str(error)
        if isinstance(error, Diverged):
            good = self._last_good(loop, saver)
            if good is not None:
                text += f" The last good file is {good.name}."
                yield TrainingSaved(step=loop.step, path=str(good))
        else:
            with suppress(StorageError):
                self._save_state(loop)
            if self._states.steps:
                text += f" Then start the run again: it goes on from step {max(self._states.steps)}."
        with suppress(StorageError):
            reporter.write_status("failed", loop.step, error=text)
        raise type(error)(text) from error

    def _last_good(self, loop: Loop, saver: FileSaver) -> Path | None:
        """What was learned before the numbers broke, or the newest file from before."""
        if loop.step and all(bool(each.isfinite().all()) for each in loop.trainable.state().values()):
            return saver.save_checkpoint(loop)
        found = self._folder.list_checkpoints()
        return found[-1].path if found else None

    def _save_state(self, loop: Loop) -> None:
        if self._processes.is_main and loop.step != self._saved_step:
            self._states.save(loop.step, loop.state())
            self._saved_step = loop.step

    def _draw_samples(self, loop: Loop, prepared: PreparedRun) -> Generator[Event]:
        """The run's prompts with the networks as they are now, always with the same seeds."""
        run = loop.run
        if not run.sample_every:
            return
        yield Phase(name="Drawing samples")
        for number, picture in enumerate(self._sample_pictures(loop, prepared)):
            if self._context.stop.is_stopped:
                return
            path = self._folder.samples / f"{loop.step:06d}-{number}.webp"
            with loop.average.applied(), loop.autocast():
                image = draw(picture, loop.networks, loop.trainable, run.clip_skip or 1)
            save_webp(path, image)
            if run.sample_embedding and run.method == "textual_inversion" and not number:
                with loop.average.applied():
                    self._keep_carrier(loop, image)
            yield TrainingSample(step=loop.step, prompt=number, path=str(path))
        yield Phase(name="Training", counts_steps=True)

    def _keep_carrier(self, loop: Loop, image: Image.Image) -> None:
        """The sample as a picture that carries the embedding."""
        path = self._folder.path / "image_embeddings" / f"{loop.run.name}-{loop.step}.png"
        write_atomically(path, carry_embedding(image, loop.run.name, loop.step, loop.trainable.state()))

    def _sample_pictures(self, loop: Loop, prepared: PreparedRun) -> list[SamplePicture]:
        run, seed = loop.run, loop.run.sample_seed or 0
        if run.method == "controlnet":
            shown = first_pictures(next(loop.source.epoch(0)))[: len(run.samples or ())]
            return [
                replace(self._picture(each.captions[0], seed + number, run, prepared), shown=each)
                for number, each in enumerate(shown)
            ]
        return [
            self._picture(prompt, seed + number, run, prepared)
            for number, prompt in enumerate(run.samples or ())
        ]

    def _picture(self, prompt: str, seed: int, run: TrainingRun, prepared: PreparedRun) -> SamplePicture:
        scale = SMALL_CFG_SCALE if prepared.facts.is_small else CFG_SCALE
        return read_options(SamplePicture(prompt, seed, *choose_size(run), cfg_scale=scale))


def is_due(step: int, every: int | None) -> bool:
    """Whether something that happens every so many steps, 0: never, happens after this one."""
    return bool(every) and step % (every or 1) == 0
