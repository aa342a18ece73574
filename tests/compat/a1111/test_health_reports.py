"""What became of community extensions, as the tab Extensions gets it."""

from webui.compat.a1111.hooks import routes
from webui.plugins import specs
from webui.plugins.host import Plugins


def test_failures_seconds_and_missing_names_of_an_extension_are_reported(host, tmp_path):
    folder = tmp_path / "extensions" / "one"
    health = host.health.add("one", folder)
    with host.health.watch(folder / "scripts" / "a.py", "process"):
        raise ValueError("too red")
    health.missing.add("modules.shared.nothing")
    plugins = Plugins(specs)
    plugins.register(routes, "a1111 routes")
    ((report,),) = plugins.call("report_health")
    assert (report.name, report.runs, report.missing) == ("one", {"process": 1}, ["modules.shared.nothing"])
    (failure,) = report.failures
    assert (failure.where, failure.error) == ("process", "ValueError: too red")
    assert "test_health_reports.py" in failure.trace and set(report.seconds) == {"process"}
