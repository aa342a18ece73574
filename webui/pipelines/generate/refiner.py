"""The refiner: a second checkpoint takes over in the middle of a pass (Podell et al. 2023)."""

from contextlib import ExitStack

from torch import Tensor

from webui.core.request import GenerationRequest
from webui.core.sampling import find_sampler
from webui.diffusion.denoising import Denoising
from webui.diffusion.guidance import GuidedNetwork
from webui.diffusion.prediction import TRAINING_STEPS
from webui.models.loaded_model import LoadedModel
from webui.pipelines.encode import encode_batch
from webui.pipelines.setup import prediction_of, use_models
from webui.plugins.batch import Batch
from webui.plugins.context import Context


class Refining:
    """Watches the evaluations of one pass and exchanges the network when its time has come.

    `sd` is the checkpoint at work. What it opens is closed with `models`.
    """

    fits_all_families = True

    def __init__(
        self,
        batch: Batch,
        denoising: Denoising,
        sd: LoadedModel,
        context: Context,
        models: ExitStack,
        first_pass: GenerationRequest | None = None,
    ) -> None:
        """`first_pass` is the request of the pass before, if this is the second."""
        self.sd = sd
        self.took_over = False
        self._batch, self._request, self._first_pass = batch, batch.request, first_pass
        self._denoising, self._context, self._models = denoising, context, models

    def __call__(self, guided: GuidedNetwork, level: Tensor) -> None:
        """Before an evaluation at a sigma, or a timestep for timestep samplers (DDIM, PLMS, UniPC)."""
        part = self._request.refiner
        assert part is not None, "a refiner is asked for"
        if self.took_over or self._share_done(guided, level) < part.switch_at:
            return
        self.took_over = True
        self.sd.network.assert_valid()
        refiner = self._request.model_copy(update={"model": part.model})
        self.sd = self._models.enter_context(use_models(refiner, self._context))
        encoded = encode_batch(self.sd, self._batch, self._context, first_pass=self._first_pass)
        self._denoising.exchange(
            self.sd.network,
            prediction_of(self.sd, self._request),
            encoded.cond,
            encoded.uncond,
            self.sd.family.value,
        )
        if not self.sd.is_inpainting:
            guided.image_conditioning = None

    def _share_done(self, guided: GuidedNetwork, level: Tensor) -> float:
        """The share of the work that is done: by noise taken away, or by evaluations."""
        if self._request.options.refiner_switch_by_sample_steps:
            return guided.evaluation / guided.total_evaluations
        if find_sampler(self._request.sampler).uses_timesteps:
            timestep = int(level)
        else:
            sigmas = self._denoising.prediction.levels.sigmas
            timestep = int((sigmas - level).abs().argmin())
        return (TRAINING_STEPS - 1 - timestep) / TRAINING_STEPS


def is_refined(request: GenerationRequest, sd: LoadedModel, context: Context, *, is_second: bool) -> bool:
    """Whether a refiner takes part in this pass."""
    if request.refiner is None:
        return False
    if context.models.catalog.find_checkpoint(request.refiner.model).path == sd.file.path:
        return False
    where = request.options.hires_fix_refiner_pass
    return request.hires is None or where == "both passes" or is_second == (where == "second pass")


def refiner_name(request: GenerationRequest, context: Context) -> str:
    """Name and hash of the refiner, as A1111 writes it into infotext."""
    assert request.refiner is not None, "a refiner is asked for"
    catalog = context.models.catalog
    file = catalog.find_checkpoint(request.refiner.model)
    return f"{file.stem} [{catalog.sha256(file)[:10]}]"
