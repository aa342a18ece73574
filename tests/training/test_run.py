import json
from contextlib import closing
from random import Random

import pytest
import torch

from tests.training.runs import (
    STEPS,
    context_in,
    draw_pictures,
    equal_files,
    final_file,
    folder_of,
    make_run,
    run_all,
)
from webui.core.errors import Busy, InvalidRequest, StorageError, UnusableFile
from webui.core.events import Message, TrainingProgress, TrainingSample
from webui.core.model_file import ModelKind
from webui.core.stop import Stop
from webui.training.data.captions import show_caption
from webui.training.data.desk import Desk
from webui.training.loop import Diverged
from webui.training.preparing import prepare
from webui.training.run import train
from webui.training.state import StateFiles


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("data") / "things")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, golden_models, data):
    """The file of a run that nobody disturbed."""
    home = tmp_path_factory.mktemp("whole")
    return final_file(run_all(make_run(data), context_in(home, golden_models)))


def test_a_run_ends_in_a_lora_that_the_pickers_have(tmp_path, golden_models, data):
    run = make_run(data, sample_every=3, samples=("a thing",), save_every=2)
    context = context_in(tmp_path, golden_models)
    events = run_all(run, context)
    file = final_file(events)
    assert file == tmp_path / "models" / "Lora" / "thing.safetensors"
    assert [each.path for each in context.models.catalog.files(ModelKind.LORA)] == [file]
    folder = folder_of(tmp_path, run)
    assert [line.step for line in folder.read_log()] == list(range(1, STEPS + 1))
    assert [event.step for event in events if isinstance(event, TrainingSample)] == [0, 3, 6]
    assert [each.step for each in folder.list_samples()] == [0, 3, 6]
    assert [each.step for each in folder.list_checkpoints()] == [2, 4]
    assert folder.read_status().state == "done"
    assert folder.read_run("run") == run
    assert None not in folder.read_run("filled").model_dump(exclude={"epochs", "trainable"}).values()


@pytest.mark.parametrize("at", [1, 4])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, golden_models, data, whole, at):
    stop, run = Stop(), make_run(data)
    for event in train(run, context_in(tmp_path, golden_models, stop)):
        if isinstance(event, TrainingProgress) and event.step == at:
            stop.stop()
    assert folder_of(tmp_path, run).read_status().state == "stopped"
    assert [each.step for each in folder_of(tmp_path, run).list_checkpoints()] == [at]
    events = run_all(run, context_in(tmp_path, golden_models))
    assert next(event.step for event in events if isinstance(event, TrainingProgress)) == at + 1
    assert equal_files(final_file(events), whole)
    assert [line.step for line in folder_of(tmp_path, run).read_log()] == list(range(1, STEPS + 1))


def test_a_cancelled_run_goes_on_to_the_same_bits(tmp_path, golden_models, data, whole):
    run = make_run(data)
    with closing(train(run, context_in(tmp_path, golden_models))) as events:
        next(event for event in events if isinstance(event, TrainingProgress) and event.step == 3)
    assert equal_files(final_file(run_all(run, context_in(tmp_path, golden_models))), whole)


def test_what_others_do_between_the_steps_changes_nothing(tmp_path, golden_models, data, whole):
    other = make_run(data, name="other", rate=1e-2, steps=2)
    events = []
    for event in train(make_run(data), context_in(tmp_path, golden_models)):
        events.append(event)
        torch.manual_seed(len(events))
        torch.randn(7)
        if isinstance(event, TrainingProgress) and event.step == 3:
            run_all(other, context_in(tmp_path, golden_models))
    assert equal_files(final_file(events), whole)


def test_a_torn_state_falls_back_to_the_one_before(tmp_path, golden_models, data, whole):
    run, stop = make_run(data), Stop()
    for event in train(run, context_in(tmp_path, golden_models, stop)):
        if isinstance(event, TrainingProgress) and event.step == 5:
            stop.stop()
    newest = sorted(folder_of(tmp_path, run).state.glob("*.pt"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    events = run_all(run, context_in(tmp_path, golden_models))
    assert next(event.step for event in events if isinstance(event, TrainingProgress)) == 5
    assert equal_files(final_file(events), whole)


def test_other_settings_do_not_go_on_with_a_run(tmp_path, golden_models, data):
    run, stop = make_run(data), Stop()
    for event in train(run, context_in(tmp_path, golden_models, stop)):
        if isinstance(event, TrainingProgress) and event.step == 2:
            stop.stop()
    with pytest.raises(InvalidRequest, match="stopped at step 2 and has other settings"):
        run_all(make_run(data, rate=1e-5), context_in(tmp_path, golden_models))
    # Nothing of the first was lost, and what is only looked at may change.
    changed = make_run(data, save_every=3)
    final_file(run_all(changed, context_in(tmp_path, golden_models)))


def test_a_second_run_of_a_name_keeps_the_first_and_says_so(tmp_path, golden_models, data, whole):
    run = make_run(data)
    first = final_file(run_all(run, context_in(tmp_path, golden_models)))
    events = run_all(make_run(data, rate=1e-3), context_in(tmp_path, golden_models))
    second = final_file(events)
    assert second.name == "thing-1.safetensors"
    assert any("named thing already" in event.text for event in events if isinstance(event, Message))
    assert equal_files(first, whole)
    assert not equal_files(first, second)
    assert (tmp_path / "data" / "training" / "thing-1" / "log.jsonl").is_file()


def test_numbers_that_are_none_stop_the_run_with_the_last_good_file(tmp_path, golden_models, data):
    # Weights that grow tenfold at each step leave what float32 can hold.
    run = make_run(data, rate=10.0, text_rate=10.0, steps=400, max_gradient=0, warmup=0, schedule="constant")
    events = []
    with pytest.raises(Diverged, match=r"NaN.*Lower the learning rate \(rate, now 10, to 3.3\)"):
        events.extend(train(run, context_in(tmp_path, golden_models)))
    status = folder_of(tmp_path, run).read_status()
    assert (status.state, "Lower the learning rate" in status.error) == ("failed", True)


def test_a_folder_that_cannot_be_written_loses_nothing(tmp_path, golden_models, data, whole):
    lora = tmp_path / "models" / "Lora"
    context = context_in(tmp_path, golden_models)
    lora.parent.mkdir(parents=True, exist_ok=True)
    lora.write_text("in the way")
    with pytest.raises(StorageError, match=r"file stands where a folder.*goes on from step 6"):
        run_all(make_run(data), context)
    lora.unlink()
    events = run_all(make_run(data), context_in(tmp_path, golden_models))
    assert not any(isinstance(event, TrainingProgress) for event in events)
    assert equal_files(final_file(events), whole)


def test_a_full_disk_leaves_the_states_from_before(tmp_path):
    states = StateFiles(tmp_path)
    states.save(1, {"step": 1})
    # Everything that is written there finds the disk full.
    (tmp_path / "step-00000002.part").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="disk is full"):
        states.save(2, {"step": 2, "tensor": torch.zeros(100_000)})
    assert states.load() == {"step": 1}


def test_two_states_are_kept(tmp_path):
    states = StateFiles(tmp_path)
    for step in range(5):
        states.save(step, {"step": step})
    assert sorted(states.steps) == [3, 4]
    assert len(list(tmp_path.iterdir())) == 4


def test_two_processes_do_not_train_one_run(tmp_path, golden_models, data):
    run = make_run(data)
    with closing(train(run, context_in(tmp_path, golden_models))) as events:
        next(events)
        with pytest.raises(Busy, match="another process"):
            run_all(run, context_in(tmp_path, golden_models))


def test_pictures_without_captions_are_shown_with_the_runs_name(tmp_path, golden_models):
    folder = draw_pictures(tmp_path / "bare")
    for path in folder.glob("*.txt"):
        path.unlink()
    context = context_in(tmp_path / "home", golden_models)
    assert context.paths is not None
    desk = Desk(context.paths.data / "datasets", context.folders)
    prepared = prepare(make_run(folder), context.models.catalog, desk, context.models.device)
    assert prepared.run.trigger == "thing"
    assert prepared.run.samples == ("thing",)
    shown = {show_caption(each.caption, each.rules, Random(1)) for each in prepared.dataset.examples}
    assert shown == {"thing"}


def test_data_without_pictures_is_refused_before_anything_is_written(tmp_path, golden_models):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnusableFile, match="no pictures to learn from"):
        run_all(make_run(tmp_path / "empty"), context_in(tmp_path, golden_models))
    assert not (tmp_path / "data" / "training" / "thing" / "run.toml").exists()


@pytest.mark.parametrize("name", ["../escape", "a/b", ".hidden", "con", "a\n"])
def test_a_name_that_is_no_files_is_refused(tmp_path, golden_models, data, name):
    with pytest.raises(InvalidRequest, match="cannot be that of a file"):
        run_all(make_run(data, name=name), context_in(tmp_path, golden_models))


def test_the_log_has_a_line_a_step_with_rates(tmp_path, golden_models, data):
    run = make_run(data, steps=4, rate=1e-3, text_rate=5e-4, schedule="linear", warmup=0)
    run_all(run, context_in(tmp_path, golden_models))
    lines = [json.loads(line) for line in folder_of(tmp_path, run).log.read_text().splitlines()]
    assert [line["rates"]["unet"] for line in lines] == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])
    assert [line["rates"]["text"] for line in lines] == pytest.approx([5e-4, 3.75e-4, 2.5e-4, 1.25e-4])
