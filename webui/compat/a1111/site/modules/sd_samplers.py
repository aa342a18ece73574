"""All samplers: this program's, and those that extensions put into the lists."""
# pyright: basic

from modules import sd_samplers_kdiffusion, sd_samplers_timesteps, shared
from modules.sd_samplers_common import sample_to_image, samples_to_image_grid, single_sample_to_image  # noqa: F401
from webui.compat.a1111.denoising.samplers import SamplersByName, offer_samplers
from webui.core.sampler_names import translate_sampler
from webui.core.sampling import AUTOMATIC

all_samplers = [
    *sd_samplers_kdiffusion.samplers_data_k_diffusion,
    *sd_samplers_timesteps.samplers_data_timesteps,
]
all_samplers_map = SamplersByName({each.name: each for each in all_samplers})

samplers = []
samplers_for_img2img = samplers
samplers_map = {}
samplers_hidden = set()


def find_sampler_config(name):
    """By label, or by a name of before A1111 1.9; None is the first."""
    if name is None or name in all_samplers_map:
        return all_samplers[0] if name is None else all_samplers_map[name]
    return all_samplers_map.get(translate_sampler(str(name)).sampler or "")


def get_sampler_and_scheduler(sampler_name, scheduler_name, *, convert_automatic=True):
    """Labels of a sampler and a schedule, of names of any age."""
    found = translate_sampler(str(sampler_name or ""), str(scheduler_name or ""))
    name = sampler_name if sampler_name in all_samplers_map else found.sampler or all_samplers[0].name
    schedule = found.schedule or AUTOMATIC
    if convert_automatic and all_samplers_map[name].options.get("scheduler") == schedule.lower():
        schedule = AUTOMATIC
    return name, schedule


def fix_p_invalid_sampler_and_scheduler(p):
    """Names of `p` that are none are replaced."""
    names = get_sampler_and_scheduler(p.sampler_name, p.scheduler, convert_automatic=False)
    p.sampler_name, p.scheduler = names


def get_sampler_from_infotext(d):
    return get_sampler_and_scheduler(d.get("Sampler"), d.get("Schedule type"))[0]


def get_scheduler_from_infotext(d):
    return get_sampler_and_scheduler(d.get("Sampler"), d.get("Schedule type"))[1]


def get_hr_sampler_and_scheduler(d):
    """Of the second pass; names of the lists on the page for "as in the first"."""
    sampler, schedule = (
        d.get("Hires sampler", "Use same sampler"),
        d.get("Hires schedule type", "Use same scheduler"),
    )
    if sampler == "Use same sampler":
        return sampler, schedule
    name, chosen = get_sampler_and_scheduler(sampler, schedule)
    return name, schedule if schedule == "Use same scheduler" else chosen


def get_hr_sampler_from_infotext(d):
    return get_hr_sampler_and_scheduler(d)[0]


def get_hr_scheduler_from_infotext(d):
    return get_hr_sampler_and_scheduler(d)[1]


def create_sampler(name, model):
    config = find_sampler_config(name)
    if config is None:
        raise ValueError(f"There is no sampler named {name!r}.")
    sampler = config.constructor(model)
    sampler.config = config
    return sampler


def set_samplers():
    """The lists as settings say; what is new in `all_samplers` is offered on the page too."""
    samplers_hidden.clear()
    samplers_hidden.update(getattr(shared.opts, "hide_samplers", None) or ())
    samplers[:] = all_samplers
    samplers_map.clear()
    for each in all_samplers:
        samplers_map[each.name.lower()] = each.name
        for alias in each.aliases:
            samplers_map[alias.lower()] = each.name
    offer_samplers(all_samplers)


def add_sampler(sampler):
    """Put one more into the lists."""
    if sampler.name not in [each.name for each in all_samplers]:
        all_samplers.append(sampler)
        all_samplers_map[sampler.name] = sampler
        set_samplers()


def visible_samplers():
    return [each for each in samplers if each.name not in samplers_hidden]


def visible_sampler_names():
    return [each.name for each in visible_samplers()]


set_samplers()
