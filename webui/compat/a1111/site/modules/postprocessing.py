"""What the tab Extras does with pictures."""
# pyright: basic

from PIL import Image


def run_postprocessing(
    extras_mode, image, image_folder, input_dir, output_dir, show_extras_results, *args, save_output=True
):
    """One picture, or several, through the scripts of Extras: the pictures, "" and an HTML text."""
    from modules import scripts, shared
    from modules.images import save_image
    from modules.scripts_postprocessing import PostprocessedImage

    pictures = (
        [image] if extras_mode == 0 else [Image.open(getattr(each, "name", each)) for each in image_folder]
    )
    made = []
    for each in pictures:
        pp = PostprocessedImage(each.convert("RGB"))
        scripts.scripts_postproc.run(pp, list(args))
        for done in [pp, *pp.extra_images]:
            infotext = ", ".join(f"{key}: {value}" for key, value in done.info.items())
            if save_output:
                folder = output_dir or shared.opts.outdir_samples or shared.opts.outdir_extras_samples
                save_image(
                    done.image, folder, "", extension=shared.opts.samples_format, info=infotext or None
                )
            made.append(done.image)
    return made, "", ""


def run_extras(*args, **kwargs):
    """An older name with other arguments: use `scripts.scripts_postproc`."""
    from webui.core.errors import NotOffered

    raise NotOffered("run_extras of A1111 before 1.1 is not offered. Use scripts.scripts_postproc.run.")
