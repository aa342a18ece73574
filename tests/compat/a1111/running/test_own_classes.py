"""Classes that extensions derive from those of the processing objects."""

import copy
import json
from dataclasses import dataclass, field


def test_an_extensions_dataclass_of_its_own_is_one_of_these_objects(world):
    """A1111's classes are dataclasses: some derive others with fields more, and put them in their place."""
    processing = world.module("processing")
    done = []

    @dataclass(repr=False)
    class Own(processing.StableDiffusionProcessingImg2Img):
        strength: int = 3
        parts: list = field(default_factory=list)

        def __post_init__(self):
            super().__post_init__()
            done.append((self.strength, self.prompt, self.image_mask, self.mask))

    first, second = Own(sd_model=None, prompt="a", mask="here", parts=[1]), Own(strength=5)
    assert done == [(3, "a", "here", None), (5, "", None, None)]
    assert (first.parts, second.parts, second.strength) == ([1], [], 5)
    assert len({first, second}) == 2 and copy.copy(first) != first
    assert Own().denoising_strength == processing.StableDiffusionProcessingImg2Img().denoising_strength

    class Plain(processing.StableDiffusionProcessingTxt2Img):
        def __init__(self, **given):
            super().__init__(**given)
            self.more = 1

    assert (Plain(steps=7).steps, Plain().more) == (7, 1)


def test_a_result_has_all_that_a1111_keeps_in_it_as_plain_attributes(world):
    """Extensions read it by `vars(processed)` and from its JSON."""
    processing, shared = world.module("processing"), world.module("shared")
    given = {"prompt": "a", "steps": 7, "sampler_noise_scheduler_override": len, "restore_faces": True}
    made = processing.Processed(processing.StableDiffusionProcessingTxt2Img(**given), [], seed=3)
    kept, written = vars(made), json.loads(made.js())
    assert (kept["steps"], kept["sampler_noise_scheduler_override"], kept["ddim_discretize"]) == (
        7,
        len,
        None,
    )
    assert kept["face_restoration_model"] == shared.opts.face_restoration_model is not None
    assert written["job_timestamp"] == kept["job_timestamp"] == shared.state.job_timestamp
    assert written["version"] == kept["version"] == processing.program_version()
    plain = processing.Processed(processing.StableDiffusionProcessingTxt2Img(restore_faces=False), [])
    assert vars(plain)["face_restoration_model"] is None
