import pytest

from diagnostics.sources.sentry.link import link

OWN = "https://sentry.example.com"


def made(permalink: str, address: str = OWN, issue_id: str = "31") -> str:
    return link(permalink, address=address, organization="acme", issue_id=issue_id)


@pytest.mark.parametrize(
    ("permalink", "address", "shown"),
    [
        (f"{OWN}/organizations/acme/issues/31/", OWN, f"{OWN}/organizations/acme/issues/31/"),
        (f"{OWN}/organizations/acme/issues/31/?ticket=x#y", OWN, f"{OWN}/organizations/acme/issues/31/"),
        (f"{OWN}/sentry/organizations/acme/issues/31/", f"{OWN}/sentry", f"{OWN}/sentry/organizations/acme/issues/31/"),
        ("https://acme.sentry.io/issues/31/", "https://sentry.io", "https://acme.sentry.io/issues/31/"),
        ("https://acme.sentry.io/issues/31/", "https://de.sentry.io", "https://acme.sentry.io/issues/31/"),
    ],
)
def test_sentrys_own_link_is_shown_where_its_host_is_safe(permalink: str, address: str, shown: str) -> None:
    assert made(permalink, address) == shown


@pytest.mark.parametrize(
    "permalink",
    [
        "",
        "/organizations/acme/issues/31/",
        "https://sentry.internal.example/organizations/acme/issues/31/",
        "https://evil.example/sentry.example.com/issues/31/",
        "https://user:secret@sentry.example.com/organizations/acme/issues/31/",
        "https://sentry.example.com:9000/organizations/acme/issues/31/",
        "https://sentry.example.com:x/organizations/acme/issues/31/",
        "javascript://sentry.example.com/organizations/acme/issues/31/",
        f"{OWN}/organizations/acme/issues/32/",
        f"{OWN}/login/?next=/issues/31/",
        f"{OWN}/@everyone/issues/31/",
    ],
)
def test_any_other_is_made_of_the_address_that_diag_was_given(permalink: str) -> None:
    assert made(permalink) == f"{OWN}/organizations/acme/issues/31/"


def test_a_host_that_only_ends_like_sentrys_is_not_its_own() -> None:
    shown = made("https://evilsentry.io/issues/31/", "https://sentry.io")
    assert shown == "https://sentry.io/organizations/acme/issues/31/"


def test_an_id_that_is_no_number_is_not_shown() -> None:
    assert made("", issue_id="31/../x") == f"{OWN}/organizations/acme/issues/?/"
