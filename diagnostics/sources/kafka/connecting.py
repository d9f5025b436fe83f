"""The first answer of a Kafka cluster, or why there is none."""

from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Struct

from diagnostics.sources.errors import TimedOut
from diagnostics.sources.kafka import answers
from diagnostics.sources.kafka.handle import Handle, Unfinished, started, waited
from diagnostics.sources.kafka.model import Cluster
from diagnostics.sources.kafka.options import KafkaOptions
from diagnostics.sources.kafka.trouble import Unanswered, Why, named, reachable, read_failures
from diagnostics.sources.source import FAIR_WAIT, NotConnected

SENT_ON = 1.5
"""Seconds in which a broker that a client is sent on to must take a connection."""


class NotAnswering(NotConnected, frozen=True, kw_only=True):
    """`down`: it speaks of Kafka; otherwise only of where diag stands or what it was given. `brokers` says more of each."""

    down: bool
    brokers: tuple[Unanswered, ...] = ()


class Contact(Struct, frozen=True):
    """What came of connecting: one of the two."""

    cluster: Cluster | None = None
    silence: NotAnswering | None = None


def contact(handle: Handle, brokers: Sequence[str], options: KafkaOptions, limit: float) -> Contact:
    """Asks `brokers` (`host:port`) for the cluster, for at most `limit` seconds.

    Raises TimedOut when that is too little to say that nobody answers.
    """
    from confluent_kafka import KafkaException

    try:
        metadata = handle.first_answer(lambda admin: admin.list_topics(timeout=limit), limit)
    except KafkaException as error:
        if error.args[0].name() == "_INVALID_ARG":
            return Contact(silence=_unusable(error))
        metadata = None
    if metadata is None:
        return Contact(silence=_silence(handle, brokers, options, limit))
    advertised = [answers.address(broker) for broker in metadata.brokers.values()]
    cluster = answers.cluster(metadata, _troubles([each for each in advertised if each not in brokers], limit))
    if cluster.brokers and all(broker.trouble for broker in cluster.brokers):
        return Contact(silence=_sent_on({broker.address: broker.trouble for broker in cluster.brokers}, brokers))
    return Contact(cluster=cluster)


def _unusable(error: Exception) -> NotAnswering:
    # "Failed to create admin client: sasl.username and sasl.password must be set"
    why = error.args[0].str().rpartition("client: ")[2]
    return NotAnswering(
        code="kafka.unreachable",
        message=f"Kafka was not asked: its settings cannot be used ({why})",
        hint="correct the kafka settings: diag config shows them",
        down=False,
    )


def _silence(handle: Handle, brokers: Sequence[str], options: KafkaOptions, limit: float) -> NotAnswering:
    lines = handle.failures
    told = partial(
        read_failures, lines=lines, mechanism=options.sasl_mechanism or "PLAIN", encrypted=options.protocol.endswith("SSL")
    )
    # Who was sent on has had an answer: librdkafka may leave the broker that gave it before it has asked the question.
    if elsewhere := named(lines) - set(brokers):
        return _sent_on({each.broker: each.message for each in told(sorted(elsewhere))}, brokers)
    unanswered = told(brokers)
    if limit < FAIR_WAIT and all(each.why is Why.SILENT for each in unanswered):
        raise TimedOut(f"There was no time left to ask Kafka at {', '.join(brokers)}", hint="give it more time with --deadline")
    return NotAnswering(
        code="kafka.unreachable",
        message="; ".join(f"Kafka at {each.broker} does not answer: {each.message}" for each in unanswered),
        hint=next((each.hint for each in unanswered if each.hint), "see whether it runs: docker compose ps kafka"),
        down=all(each.why.down for each in unanswered),
        brokers=unanswered,
    )


def _troubles(addresses: Sequence[str], limit: float) -> dict[str, str]:
    """Why the brokers that a client is sent on to cannot be reached. Those that were asked have answered already."""
    patience = min(limit, SENT_ON)
    attempts = {address: started(partial(reachable, address, patience)) for address in addresses}
    troubles = {}
    for address, attempt in attempts.items():
        try:
            troubles[address] = waited(attempt, patience + 0.1)
        except Unfinished:  # the resolution of a name knows no time limit
            troubles[address] = f"no connection within {patience:.3g} s"
    return troubles


def _sent_on(troubles: Mapping[str, str], brokers: Sequence[str]) -> NotAnswering:
    """`troubles` say why each address that `brokers` name cannot be used."""
    there = "; ".join(f"{address}: {trouble}" for address, trouble in troubles.items())
    return NotAnswering(
        code="kafka.unreachable",
        message=f"Kafka answers at {', '.join(brokers)}, but sends its clients on to what cannot be used from here ({there})",
        hint="run diag inside PostHog's network, where that address means something",
        down=False,
        brokers=tuple(Unanswered(broker=each, why=Why.SENT_ON, message=why) for each, why in troubles.items()),
    )
