"""The stand-in's counters move as PostHog's do, and stop where a scenario says so."""

import time
from typing import Any

import httpx
import pytest

from diagnostics.lab.http import Server
from diagnostics.lab.plugin_server import CHECKS, PluginServer
from diagnostics.sources.metrics import Metrics, parse


def page(stand_in: PluginServer, path: str = "/_metrics") -> httpx.Response:
    with Server(stand_in) as server:
        return httpx.get(server.url + path, trust_env=False)


def twice(stand_in: PluginServer, wait: float = 0.6) -> tuple[Metrics, Metrics]:
    with Server(stand_in) as server:
        first = parse(httpx.get(server.url + "/_metrics", trust_env=False).text)
        time.sleep(wait)
        return first, parse(httpx.get(server.url + "/_metrics", trust_env=False).text)


def test_a_busy_one_moves() -> None:
    before, after = twice(PluginServer(generation=6))
    for name in ("kafka_consume_interval_ms_count", "ingestion_pipeline_results", "latest_processed_timestamp_ms"):
        assert (after.total(name) or 0) > (before.total(name) or 0)


def test_an_idle_one_only_turns() -> None:
    before, after = twice(PluginServer(per_second=0, behind="5h"))
    assert (after.total("consumed_batch_size_count") or 0) > (before.total("consumed_batch_size_count") or 0)
    for name in ("events_pipeline_last_step_total", "consumed_batch_duration_ms_count", "latest_processed_timestamp_ms"):
        assert after.total(name) == pytest.approx(before.total(name), abs=10)


def test_a_stalled_one_stands_still() -> None:
    before, after = twice(PluginServer(stalled_for="40m"), wait=0.1)
    for name in ("consumed_batch_size_count", "events_pipeline_last_step_total", "consumed_batch_duration_ms_count"):
        assert after.total(name) == before.total(name)
    newest = after.values("latest_processed_timestamp_ms")[0].value / 1000
    assert time.time() - newest == pytest.approx(2400, abs=60)


@pytest.mark.parametrize(("generation", "status"), [(2, 404), (3, 404), (4, 404), (5, 200), (6, 200)])
def test_which_generation_serves_which_path(generation: Any, status: int) -> None:
    assert page(PluginServer(generation=generation)).status_code == (404 if generation == 2 else 200)
    assert page(PluginServer(generation=generation), "/metrics").status_code == status


def test_metrics_that_are_not_for_everybody() -> None:
    assert page(PluginServer(metrics="hidden")).status_code == 404
    assert page(PluginServer(metrics="token")).status_code == 401
    assert "<title>Sign in</title>" in page(PluginServer(metrics="login")).text


@pytest.mark.parametrize("generation", [4, 6])
def test_drops_are_percents_of_all_events(generation: Any) -> None:
    metrics = parse(page(PluginServer(generation=generation, drops={"dropped_by_transformation": 25}, per_second=100)).text)
    if generation == 6:
        dropped = metrics.total("ingestion_pipeline_results", details="dropped_by_transformation")
        total = metrics.total("ingestion_pipeline_results")
    else:
        dropped = metrics.total("events_pipeline_last_step_total", step_name="transformEventStep")
        total = metrics.total("events_pipeline_last_step_total")
    assert (dropped or 0) / (total or 1) == pytest.approx(0.25, abs=0.001)


@pytest.mark.parametrize("role", list(CHECKS))
def test_each_role_has_its_checks_and_topics(role: Any) -> None:
    stand_in = PluginServer(role=role)
    with Server(stand_in) as server:
        checks = httpx.get(server.url + "/_health", trust_env=False).json()["checks"]
        metrics = parse(httpx.get(server.url + "/_metrics", trust_env=False).text)
    assert tuple(checks) == CHECKS[role]
    topics = {sample.labels["topic"] for sample in metrics.values("latest_processed_timestamp_ms")}
    assert ("events_plugin_ingestion" in topics) is (role in ("", "ingestion"))


def test_partitions_and_rebalances() -> None:
    held = parse(page(PluginServer(generation=6, partitions=3)).text)
    assert held.total("kafka_consumer_assignment", topic_name="events_plugin_ingestion") == 3
    before, after = twice(PluginServer(generation=6, rebalancing=True), wait=1.1)
    assert (after.total("kafka_consumer_rebalance_total") or 0) > (before.total("kafka_consumer_rebalance_total") or 0)
