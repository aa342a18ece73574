"""What a page shows of a job, made from its log."""

import json

import pytest

from webui.core.events import Finished, ImageSaved, Message, Phase, Preview, Progress, Queued, Started
from webui.core.request import GenerationRequest
from webui.jobs.job import Job
from webui.ui.watching.job_view import (
    generation_info,
    log_html,
    notices_html,
    picture_to_work_on,
    preview_html,
    progress_html,
    queue_html,
    shown_picture,
    view_of,
)

REQUEST = GenerationRequest(prompt="a fox", width=64, height=32, steps=20, seed=5)


def job_with(*events):
    job = Job(REQUEST)
    for event in events:
        job.append(event)
    return job


def progress(step, **more):
    at = {"batch": 0, "batches": 1, "sampling_step": step, "sampling_steps": 20} | more
    return Progress(step=step, steps=20, **at)


def picture(index, seed=0):
    return ImageSaved(
        index=index,
        path=f"/p/{index}.png",
        infotext=f"text {index}",
        seed=seed,
        variation_seed=seed + 1,
        width=64,
        height=32,
    )


def test_a_waiting_job_tells_how_many_come_before_it():
    assert "Waiting for 2 other jobs" in progress_html(view_of(job_with(Queued(position=2)), 0))
    assert "Waiting for 1 other job<" in progress_html(view_of(job_with(Queued(position=1)), 0))


def test_a_running_job_tells_its_step_and_share():
    shown = progress_html(view_of(job_with(Started(at=0), progress(5)), 0))
    assert "25% · Step 5 of 20" in shown
    assert 'data-fraction="0.2500"' in shown
    assert " left<" in shown


def test_batches_are_told_only_where_there_are_several():
    job = job_with(Started(at=0), progress(5, batch=1, batches=3))
    assert "batch 2 of 3" in progress_html(view_of(job, 0))
    assert "batch" not in progress_html(view_of(job_with(Started(at=0), progress(5)), 0))


def test_what_is_loaded_is_told_until_the_first_step():
    shown = progress_html(view_of(job_with(Started(at=0), Message(text="Loading <dreams>")), 0))
    assert "Loading &lt;dreams&gt;" in shown
    assert "indeterminate" in shown


def test_a_job_that_was_told_to_stop_says_so():
    job = job_with(Started(at=0), progress(5))
    job.stop()
    assert "Stopping" in progress_html(view_of(job, 0))


def test_a_finished_job_has_neither_bar_nor_preview():
    preview = Preview(data=b"x", mime="image/jpeg", step=1)
    view = view_of(job_with(Started(at=0), preview, Finished(outcome="done")), 0)
    assert "progressDiv" not in progress_html(view)
    assert preview_html(view) == ""


@pytest.mark.parametrize("outcome", ["done", "stopped", "cancelled", "failed"])
def test_scripts_read_which_job_ended_and_how_many_wait(outcome):
    job = job_with(Started(at=0), Finished(outcome=outcome))
    shown = progress_html(view_of(job, 3))
    assert f'data-job="{job.id}" data-outcome="{outcome}" data-waiting="3"' in shown


def test_a_preview_gives_way_to_the_finished_picture():
    preview = Preview(data=b"x", mime="image/jpeg", step=1)
    running = job_with(Started(at=0), preview)
    assert "data:image/jpeg;base64,eA==" in preview_html(view_of(running, 0))
    running.append(picture(0))
    assert preview_html(view_of(running, 0)) == ""


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("done", "Time taken: 3 s"), ("stopped", "Interrupted."), ("cancelled", "Cancelled.")],
)
def test_the_end_is_told(outcome, words):
    view = view_of(job_with(Started(at=0), Finished(outcome=outcome, seconds=3.2)), 0)
    assert words in log_html(view)


def test_warnings_stay_and_news_go():
    job = job_with(Started(at=0), Message(text="Loading"), Message(text="NaN", level="warning"))
    job.append(Finished(outcome="done"))
    view = view_of(job, 0)
    assert "NaN" in notices_html(view)
    assert "Loading" not in notices_html(view) + log_html(view)


def test_a_warning_that_each_batch_tells_stands_under_generate_once():
    told = [Message(text="No LoRA is named 'x'.", level="warning")] * 3
    assert notices_html(view_of(job_with(Started(at=0), *told), 0)).count("No LoRA") == 1


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([Phase(name="Loading model")], ">Loading model<"),
        ([Phase(name="Sampling", counts_steps=True), progress(5)], ">25% · Sampling · Step 5 of 20<"),
        ([progress(5), Phase(name="Sampling", counts_steps=True)], ">25% · Sampling<"),
        ([progress(20), Phase(name="Decoding")], ">99% · Decoding<"),
        ([progress(20), Phase(name="Decoding", detail="picture 2 of 4")], "Decoding · picture 2 of 4<"),
        ([progress(20, batches=3), Phase(name="Decoding")], "Decoding · batch 1 of 3<"),
        ([progress(20), Phase(name="Decoding"), Phase(name="Saving")], ">99% · Saving<"),
    ],
)
def test_the_phase_is_named(events, words):
    assert words in progress_html(view_of(job_with(Started(at=0), *events), 0))


def test_a_job_that_was_told_to_stop_still_names_decoding_and_saving():
    job = job_with(Started(at=0), progress(5), Phase(name="Decoding"))
    job.stop()
    assert "Decoding" in progress_html(view_of(job, 0))


def test_a_hundred_percent_are_told_when_the_job_is_done_and_not_before():
    job = job_with(Started(at=0), progress(20))
    assert "100%" not in progress_html(view_of(job, 0))
    job.append(Finished(outcome="done", seconds=8))
    assert "100% · Done in 8 s" in progress_html(view_of(job, 0))


def test_the_job_before_is_dimmed_until_this_one_has_a_picture():
    assert "fresh" not in progress_html(view_of(job_with(Queued(position=1)), 0))
    job = job_with(Started(at=0), progress(5))
    assert "fresh" in progress_html(view_of(job, 0))
    job.append(picture(0))
    assert "fresh" not in progress_html(view_of(job, 0))


def test_the_queue_is_told_only_where_there_is_one():
    job = job_with(Started(at=0))
    assert queue_html(view_of(job, 0)) == ""
    assert ">3</span>" in queue_html(view_of(job, 3))


def test_the_grid_comes_first_and_is_not_counted_as_a_picture():
    view = view_of(job_with(Started(at=0), picture(1, 6), picture(0, 5), picture(-1, 5)), 0)
    assert [saved.index for saved in view.pictures] == [-1, 0, 1]
    info = generation_info(view, [saved.path for saved in view.pictures])
    assert json.loads(info)["all_seeds"] == [5, 6]
    assert json.loads(info)["index_of_first_image"] == 1


def test_the_selected_picture_is_found_again_with_its_seed():
    view = view_of(job_with(Started(at=0), picture(-1, 5), picture(0, 5), picture(1, 6)), 0)
    info = generation_info(view, [saved.path for saved in view.pictures])
    chosen = shown_picture(info, 2)
    assert chosen is not None
    assert (chosen.path, chosen.infotext, chosen.seed, chosen.variation_seed) == ("/p/1.png", "text 1", 6, 7)
    assert picture_to_work_on(info, 0) == shown_picture(info, 1)
    assert picture_to_work_on(info, 2) == chosen
    grid = shown_picture(info, 0)
    assert grid is not None
    assert grid.seed == 5


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_picture_outside_the_gallery(index):
    view = view_of(job_with(Started(at=0), picture(0)), 0)
    assert shown_picture(generation_info(view, ["/p/0.png"]), index) is None
    assert shown_picture("", 0) is None
