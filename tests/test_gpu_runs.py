"""What is run by hand on a GPU works: at toy size on the processor, without Gradio and FastAPI."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# A machine with a card and little else: these cannot be imported.
BARE = "import sys; sys.modules |= dict.fromkeys(('gradio', 'fastapi', 'uvicorn', 'starlette')); "
# All golden cases are held through the API already.
FEW = "not exact_pictures or sd15-sampler-euler or sdxl-base"


def run_bare(code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", BARE + code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_gpu_tests_pass_at_toy_size(tmp_path: Path):
    arguments = ["tests/gpu", "-q", "-m", "gpu", "--device", "cpu", "-k", FEW, "-p", "no:cacheprovider"]
    result = run_bare(f"import pytest; sys.exit(pytest.main({arguments}))")
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    assert " passed" in result.stdout


@pytest.mark.slow
def test_the_gpu_benchmark_gives_every_figure_at_toy_size(tmp_path: Path):
    out = tmp_path / "gpu.json"
    arguments = ["gpu", "--device", "cpu", "--small", "--out", str(out)]
    result = run_bare(f"sys.argv = {arguments}; from benchmarks.gpu import main; sys.exit(main())")
    assert result.returncode == 0, result.stderr[-4000:]
    figures = json.loads(out.read_text())
    for family in ("sd15", "sdxl"):
        assert figures[f"{family} compared"]["batch 4"]["ratio_to_diffusers"] != 0
        assert figures[f"{family} LoRA"]["equal_after_removal"]
        assert figures[f"{family} LoRA"]["changes_the_picture"]
        assert figures[f"{family} more than fits"]["next_job"] == "works"
        assert figures[f"{family} first and later pictures"]["last_step_to_file_s"] > 0
    assert figures["switch"]["first_again_s"] > 0
