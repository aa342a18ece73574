"""`python -m webui.training RUN.toml`: what it prints and how it ends, also when it is killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import load_file

from tests.training.runs import (
    context_in,
    draw_pictures,
    equal_files,
    final_file,
    make_run,
    run_all,
    run_in,
)
from webui.training.__main__ import INTERRUPTED, main
from webui.training.run_folder import to_toml

ROOT = Path(__file__).parents[2]
STEPS, KILLS = 32, 10


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_pictures(tmp_path_factory.mktemp("data") / "things")


def command(home, checkpoints):
    flags = ["--data-dir", str(home), "--ckpt-dir", str(checkpoints), "--use-cpu", "all"]
    return [sys.executable, "-m", "webui.training", str(home / "run.toml"), *flags]


def write_run(home, run):
    home.mkdir(exist_ok=True)
    (home / "run.toml").write_text(to_toml(run), "utf-8")


def start(home, checkpoints, **variables):
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | variables
    return subprocess.Popen(
        command(home, checkpoints), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def steps_in(folder):
    log = folder / "log.jsonl"
    return log.read_text().count("\n") if log.is_file() else 0


def wait_for_step(home, process, step):
    log = home / "data" / "training" / "thing" / "log.jsonl"
    while process.poll() is None and (not log.is_file() or log.read_text().count("\n") < step):
        time.sleep(0.01)


def test_a_run_killed_at_ten_moments_goes_on_to_the_same_bits(tmp_path, golden_models, data):
    run = make_run(data, steps=STEPS, state_every=1)
    whole = final_file(run_all(run, context_in(tmp_path / "whole", golden_models)))
    home, moments = tmp_path / "killed", Random(13)
    write_run(home, run)
    # They have torch loaded already, and have computed nothing.
    forks = get_context("forkserver")
    forks.set_forkserver_preload(["tests.training.runs"])
    folder = home / "data" / "training" / "thing"
    for number in range(KILLS):
        process = forks.Process(target=run_in, args=(run, home, golden_models))
        process.start()
        before = steps_in(folder)
        while process.is_alive() and steps_in(folder) <= before:
            time.sleep(0.002)
        # Between two steps, within one, or while a state is written.
        time.sleep(moments.uniform(0, 0.2))
        while number % 2 and process.is_alive() and not list(folder.rglob("*.part")):
            time.sleep(0.0002)
        process.kill()
        process.join()
    # As a kill in the midst of saving leaves it.
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "checkpoints" / ".abcdefgh.tmp").write_bytes(b"half")
    process = start(home, golden_models)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err.decode()
    file = Path(out.decode().splitlines()[-1])
    assert file == home / "models" / "Lora" / "thing.safetensors"
    assert equal_files(file, whole)
    assert not [*folder.rglob("*.tmp"), *folder.rglob("*.part")]


def test_a_polite_kill_saves_and_says_130(tmp_path, golden_models, data):
    write_run(tmp_path, make_run(data, steps=10_000))
    process = start(tmp_path, golden_models)
    wait_for_step(tmp_path, process, 2)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (INTERRUPTED, b"")
    assert b"can be resumed" in err
    assert list((tmp_path / "data" / "training" / "thing" / "state").glob("*.json"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("method = 'lora'\n", "'checkpoint' is missing"),
        ("method = 'magic'\ncheckpoint='x'\nname='x'\ndata='x'\n", "'method' is 'magic'"),
        ("method = 'lora'\ncheckpoint='x'\nname='x'\ndata='x'\nspeed=3\n", "no key 'speed'"),
        ("method = ", "is no TOML file"),
    ],
)
def test_a_file_that_is_no_run_is_refused_in_a_sentence(tmp_path, capsys, text, words):
    (tmp_path / "run.toml").write_text(text)
    assert main([str(tmp_path / "run.toml"), "--data-dir", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


def test_two_processes_of_accelerate_train_as_one_with_accumulation_does(tmp_path, golden_models, data):
    alone = make_run(data, steps=4, batch_size=1, accumulation=2)
    one = final_file(run_all(alone, context_in(tmp_path / "one", golden_models)))
    home = tmp_path / "two"
    write_run(home, make_run(data, steps=4, batch_size=1, accumulation=1))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    python, _, *run = command(home, golden_models)
    # On the CPU it starts one process, which starts the other.
    launch = [
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--main_process_port",
        port,
        "-m",
    ]
    done = subprocess.run(
        [python, "-m", *launch, *run],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1, "only the first says where the file is"
    two = load_file(Path(done.stdout.strip()))
    # With one process the batches would be others, and the file far off.
    for name, tensor in load_file(one).items():
        assert torch.allclose(two[name], tensor, atol=1e-5), name
