"""TLS where it is expected and where it is not, and certificates that are good and bad."""

from pathlib import Path

import pytest

from diagnostics.lab.engine import Engine
from diagnostics.sources.source import Connected
from tests.sources.clickhouse.refusals import at, connect, refusal, told
from tests.sources.clickhouse.servers import Certificate, forwarding, listening, silent


def test_plain_http_to_a_tls_port(tmp_path: Path) -> None:
    with listening(silent, context=Certificate(tmp_path).context) as port:
        outcome = refusal(at(port))
    assert told(outcome, port) == ("clickhouse.unreachable", "HERE hangs up on plain HTTP: it may expect TLS")
    assert outcome.hint == "write https:// in clickhouse.url if that is its TLS port"


def test_tls_to_a_plain_port(engine: Engine) -> None:
    outcome = refusal(at(engine.port, scheme="https"))
    assert told(outcome, engine.port) == ("clickhouse.unreachable", "HERE does not speak TLS")
    assert outcome.hint == "write http:// in clickhouse.url, or the TLS port, mostly 8443"


def test_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    with listening(silent, context=Certificate(tmp_path).context) as port:
        outcome = refusal(at(port, scheme="https"))
    assert told(outcome, port) == ("clickhouse.unreachable", "The certificate of HERE is not accepted: self-signed certificate")
    assert "clickhouse.ca" in outcome.hint


def test_a_certificate_for_another_host(tmp_path: Path) -> None:
    certificate = Certificate(tmp_path, valid_for="DNS:clickhouse.example.com")
    with listening(silent, context=certificate.context) as port:
        outcome = refusal(at(port, scheme="https"), ca=str(certificate.path))
    code, message = told(outcome, port)
    assert code == "clickhouse.unreachable"
    assert message.startswith("The certificate of HERE is not accepted: IP address mismatch")


# The client silences this for its users; pytest puts its own filters over that.
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("trusted", [True, False])
def test_over_tls_with_its_ca_or_without_checking_it_is_reached(engine: Engine, tmp_path: Path, trusted: bool) -> None:
    db, certificate = engine.database(), Certificate(tmp_path)
    with listening(forwarding(engine.port), context=certificate.context) as port:
        url = db.url.replace("http://", "https://").replace(f":{engine.port}/", f":{port}/")
        assert isinstance(connect(url, ca=str(certificate.path) if trusted else None, verify=trusted), Connected)


def test_a_ca_file_that_is_not_there(tmp_path: Path) -> None:
    with listening(silent, context=Certificate(tmp_path).context) as port:
        outcome = refusal(at(port, scheme="https"), ca=str(tmp_path / "nothing.pem"))
    assert (outcome.code, outcome.message) == ("clickhouse.unreachable", "The CA file of clickhouse.ca does not exist")
