"""One real Kafka for all tests of this folder; a reason where there can be none."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.kafka_broker.broker import LocalBroker, NoBroker, container
from tests.kafka_broker.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with contextlib.ExitStack() as stack:
        try:
            addresses = stack.enter_context(LocalBroker(tmp_path_factory.mktemp("kafka"))).addresses
        except NoBroker as without:
            try:
                addresses = stack.enter_context(container())
            except NoBroker as error:
                pytest.skip(f"{without}, and {error}")
        yield Cluster(addresses)


@pytest.fixture
def secured(cluster: Cluster) -> Cluster:
    """The same, with all its listeners."""
    if not cluster.addresses.login:
        pytest.skip("the container has the plain listener only; install Java and Maven for the others")
    return cluster
