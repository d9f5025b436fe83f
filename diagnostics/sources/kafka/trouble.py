"""Why no broker answers, told apart and in plain words.

librdkafka says it in log lines, one for each failed attempt. The sentences are ours.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct


class Why(StrEnum):
    """What went wrong."""

    REFUSED = "refused"
    SILENT = "silent"
    NAME = "name"
    ROUTE = "route"
    LOGIN = "login"
    TRUST = "trust"
    TLS = "tls"
    NOT_TLS = "not-tls"
    WANTS_TLS = "wants-tls"
    CLOSED = "closed"
    NOT_KAFKA = "not-kafka"
    SENT_ON = "sent-on"
    OTHER = "other"

    @property
    def down(self) -> bool:
        """Whether it speaks of the install. What does not is about where diag stands and what it was given."""
        return self in (Why.REFUSED, Why.SILENT, Why.CLOSED)


class Unanswered(Struct, frozen=True, kw_only=True):
    """One broker that gives no answer. `message` continues "kafka:9092 does not answer: "; `hint` is an imperative."""

    broker: str
    why: Why
    message: str
    hint: str = ""


LINE = re.compile(r"\]: (?:[a-z_]+://)?(\S+?)/(?:bootstrap|-?\d+): (.*)", re.DOTALL)

INSIDE = "if the name exists only inside PostHog's network, run diag there, or give an address that is reachable from here"

NOT_TLS = (
    Why.NOT_TLS,
    "it does not speak TLS",
    "set kafka.security_protocol to PLAINTEXT, or to SASL_PLAINTEXT with a login",
)
WANTS_TLS = (
    Why.WANTS_TLS,
    "it speaks TLS, and was asked without",
    "set kafka.security_protocol to SSL, or to SASL_SSL with a login",
)
CUT_OFF = re.compile(r"(?=.*SSL).*(?:reset by peer|Broken pipe|Disconnected)", re.DOTALL)

# What librdkafka 2.x writes, the specific before the general; checked against brokers that do these things.
KINDS: tuple[tuple[str, Why, str, str], ...] = (
    (r"Failed to resolve", Why.NAME, "the name {host} does not resolve here", INSIDE),
    (r"Connection refused", Why.REFUSED, "nothing listens there (connection refused)", ""),
    (r"No route to host|Network is unreachable", Why.ROUTE, "the host cannot be reached from here", INSIDE),
    (
        r"timed out in state SSL_HANDSHAKE",
        Why.TLS,
        "it takes the connection, but does not answer in TLS",
        "see whether it speaks TLS: without, kafka.security_protocol is PLAINTEXT, or SASL_PLAINTEXT with a login",
    ),
    (
        r"timed out in state (?!CONNECT\b|TRY_CONNECT\b)",
        Why.SILENT,
        "it takes the connection and then says nothing: it hangs, or something else listens there",
        "",
    ),
    (r"timed out|timeout", Why.SILENT, "no answer came in time: the host is down, or a firewall drops it", ""),
    (
        r"supported mechanisms|Handshake not supported",
        Why.LOGIN,
        "it does not offer the login {mechanism}",
        "set kafka.sasl_mechanism to one that it offers, or kafka.security_protocol to one without SASL",
    ),
    (
        r"Authentication failed|SASL authentication error|AUTH_(?:REQ|HANDSHAKE)",
        Why.LOGIN,
        "it does not accept the login",
        "check kafka.sasl_user, kafka.sasl_password and kafka.sasl_mechanism",
    ),
    (r"PLAINTEXT broker listener|wrong version number|unexpected message", *NOT_TLS),
    (
        r"certificate verify failed|broker certificate could not be verified",
        Why.TRUST,
        "its certificate is not trusted, or is not for this name",
        "give the certificate of its authority with kafka.ca, and the name that stands in the broker's certificate",
    ),
    (
        r"certificate required|bad certificate|certificate unknown|handshake failure",
        Why.TLS,
        "it wants a certificate of its clients, or refuses the one given",
        "give one with kafka.client_cert and kafka.client_key",
    ),
    (r"SSL|TLS", Why.TLS, "TLS failed", "check the certificates and the TLS versions there"),
    (
        r"Invalid response size|Receive failed",
        Why.NOT_KAFKA,
        "what answers there does not speak Kafka",
        "check the port: Kafka's is mostly 9092",
    ),
    (
        r"Disconnected.*in state UP\b",  # it said which versions it speaks, which needs no login, and no more
        Why.LOGIN,
        "it ends the connection when it is asked something: it seems to want a login",
        "set kafka.security_protocol to SASL_SSL or SASL_PLAINTEXT, and kafka.sasl_user and kafka.sasl_password",
    ),
    (r"Disconnected", Why.CLOSED, "it closes the connection before it answers", ""),
)


def read_failures(brokers: Sequence[str], lines: Sequence[str], *, mechanism: str, encrypted: bool) -> tuple[Unanswered, ...]:
    """What librdkafka's log lines say of each of `brokers` (`host:port`); one without a line gave no answer at all.

    A broker that closes the connection is asked whether it speaks TLS, when it was not `encrypted`, or the handshake broke off.
    """
    said = {found[1]: found[2] for line in reversed(lines) if (found := LINE.search(line))}
    return tuple(_unanswered(broker, said.get(broker, "timed out"), mechanism, encrypted) for broker in brokers)


def named(lines: Sequence[str]) -> frozenset[str]:
    """The brokers (`host:port`) that librdkafka's log lines speak of."""
    return frozenset(found[1] for line in lines if (found := LINE.search(line)))


def _unanswered(broker: str, said: str, mechanism: str, encrypted: bool) -> Unanswered:
    why, message, hint = next((kind[1:] for kind in KINDS if re.search(kind[0], said)), (Why.OTHER, "the connection fails", ""))
    if why in (Why.CLOSED, Why.NOT_KAFKA) and not encrypted and speaks_tls(broker):
        why, message, hint = WANTS_TLS
    elif encrypted and CUT_OFF.search(said) and not speaks_tls(broker):  # how it hangs up is a matter of who is faster
        why, message, hint = NOT_TLS
    host = broker.rpartition(":")[0]
    return Unanswered(broker=broker, why=why, message=message.format(host=host, mechanism=mechanism), hint=hint)


def speaks_tls(broker: str) -> bool:
    """Whether `host:port` shakes hands as a TLS server does. Nothing is sent over the connection."""
    import socket
    import ssl

    host, _, port = broker.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1.0) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        return "ALERT" in str(error).upper()  # it refuses the handshake, in TLS
    except OSError:
        return False


def reachable(address: str, seconds: float) -> str:
    """Why a connection to `host:port` cannot be opened from here; empty when it can."""
    import socket

    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=seconds).close()
    except socket.gaierror:
        return f"the name {host} does not resolve here"
    except ConnectionRefusedError:
        return "nothing listens there (connection refused)"
    except OSError:
        return f"no connection within {seconds:.3g} s"
    return ""
