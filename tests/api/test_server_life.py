"""Ending the server and having it start anew."""

import pytest
from fastapi.testclient import TestClient

from tests.api.held_worker import HeldWorker, services_with
from webui.api.app import build_api
from webui.core.errors import NotOffered
from webui.jobs.server_life import ServerLife


@pytest.fixture
def ends() -> list[str]:
    return []


def served(folder, ends, *flags, worker=None):
    """A client, and services whose server notes in `ends` that it was told to end."""
    services = services_with(worker or HeldWorker(), folder, *flags)
    services.life.begin(lambda: ends.append("end"))
    return TestClient(build_api(services), base_url="http://127.0.0.1"), services


def test_a_server_that_is_told_to_starts_anew_as_another(tmp_path, ends):
    api, services = served(tmp_path, ends)
    before = api.get("/v1/server").json()
    assert before == {"id": services.life.identity, "jobs": 0}
    assert api.post("/v1/server/restart", json={}).json() == before
    assert (ends, services.life.wants_restart) == (["end"], True)
    assert ServerLife().identity != before["id"]


def test_jobs_that_are_not_done_are_told_of_before(tmp_path, ends):
    worker = HeldWorker()
    api, services = served(tmp_path, ends, worker=worker)
    services.jobs.start()
    services.submit(services.new_request({"prompt": "a", "steps": 1}))
    refused = api.post("/v1/server/restart", json={})
    assert (refused.status_code, ends) == (409, [])
    assert refused.json()["detail"].startswith(
        "A job is not done yet. Wait for that, or restart all the same"
    )
    assert api.post("/v1/server/restart", json={"despite_jobs": True}).status_code == 202
    assert ends == ["end"]
    worker.release.set()
    services.jobs.close()


def test_who_may_not_install_may_not_restart(tmp_path, ends):
    api, _ = served(tmp_path, ends, "--listen")
    assert api.post("/v1/server/restart", json={"despite_jobs": True}).status_code == 403
    assert ends == []


def test_a_server_that_starts_or_that_another_program_serves_says_so(tmp_path):
    services = services_with(HeldWorker(), tmp_path, "--api-server-stop")
    api = TestClient(build_api(services), base_url="http://127.0.0.1")
    for path in ("/v1/server/restart", "/sdapi/v1/server-restart", "/sdapi/v1/server-stop"):
        answer = api.post(path, json={})
        assert answer.status_code == 501
        assert "have whatever started it start it again" in answer.json()["detail"]


@pytest.mark.parametrize(("path", "restarts"), [("restart", True), ("stop", False), ("kill", False)])
def test_a1111s_routes_end_it_too(tmp_path, ends, path, restarts):
    api, services = served(tmp_path, ends, "--api-server-stop")
    assert api.post(f"/sdapi/v1/server-{path}").status_code == 200
    assert (ends, services.life.wants_restart) == (["end"], restarts)


def test_whoever_ends_it_for_good_is_not_overruled():
    life = ServerLife()
    with pytest.raises(NotOffered):
        life.restart()
    life.begin(lambda: None)
    life.restart()
    life.restart()
    assert life.wants_restart
    life.stop()
    life.restart()
    assert not life.wants_restart
