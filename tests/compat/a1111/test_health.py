from pathlib import Path

from webui.compat.a1111.health import HealthRecords


def test_what_an_extension_raises_is_kept_with_its_trace_and_goes_no_further(tmp_path: Path):
    records = HealthRecords()
    record = records.add("broken", tmp_path / "broken")
    with records.watch(tmp_path / "broken" / "scripts" / "a.py", "process"):
        raise SystemExit(3)
    with records.watch(tmp_path / "other.py", "process"):
        raise ValueError("of nobody")
    assert record.runs == {"process": 1}
    [failure] = record.failures
    assert (failure.where, failure.error) == ("process", "SystemExit: 3")
    assert "test_health.py" in failure.trace


def test_the_host_is_there_while_it_runs(host):
    import modules  # noqa: F401 - found on the path

    from webui.compat.a1111.host import current

    assert current() is host
