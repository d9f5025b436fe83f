"""Discovery from a PostHog compose install in the current directory.

Its services talk by names that only resolve inside their network, so an address is taken from here only where a port is
published; otherwise a hint says how to get there. PostHog's own files publish nothing but the proxy.
"""

import re
from pathlib import Path
from urllib.parse import quote

from diagnostics.config.compose import Project, Service, read_project
from diagnostics.config.compose_files import Unreadable
from diagnostics.config.discovery import Discoverer, Discovery
from diagnostics.config.errors import shown
from diagnostics.config.posthog import (
    HTTP_PORT,
    HTTPS_PORT,
    add_clickhouse,
    add_kafka,
    add_sentry,
    clickhouse_url,
    hide_secrets,
    is_secure,
)

IMAGE = re.compile(r"(^|/)posthog/posthog\b")
ALWAYS_THERE = frozenset({"web", "worker", "plugins", "clickhouse"})

# Whose environment tells, the first one that has a name wins. `plugins` before the app for Sentry: it is its errors we want.
APP = ("web", "worker", "plugins")
PLUGINS_FIRST = ("plugins", "worker", "web")

# The roles that an event passes: all of them until 2025; since 2026 `ingestion-general` has the events, and session
# replay, logs, traces and error tracking have services of their own.
EVENT_ROLE = re.compile(r"plugins(?:-ingestion.*)?|ingestion(?:-general.*)?")
PLUGIN_SERVER_PORT = 6738

# Redpanda's external listener advertises localhost; the internal one sends a client on to `kafka`, which it cannot resolve.
KAFKA_PORTS = (19092, 9092)
WEB_PORT = 8000

# Good for a shell command without quoting.
SERVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def discover(directory: Path) -> Discovery:
    """What the compose project in `directory` says, if it is PostHog's. A broken one becomes a hint."""
    found = Discoverer()
    try:
        project = read_project(directory)
    except Unreadable as error:
        found.hint("clickhouse.url", f"There is a compose project here, but {shown(error)}.")
        return found.discovery(lying_here=True)
    if project:
        _look(found, project)
    return found.discovery(lying_here=True)


def _look(found: Discoverer, project: Project) -> None:
    if project.file and not is_posthogs(project):
        return
    if not project.file and "POSTHOG_SECRET" not in project.variables:
        return
    hide_secrets(found, project.variables)
    for service in project.services.values():
        hide_secrets(found, service.environment)
    _site(found, project)
    _clickhouse(found, project)
    _plugin_servers(found, project)
    _kafka(found, project)
    _sentry(found, project)


def is_posthogs(project: Project) -> bool:
    """By its images (`posthog/posthog:latest`), or, with images of one's own, by the services every PostHog has."""
    images = [service.image for service in project.services.values()]
    return project.services.keys() >= ALWAYS_THERE or any(IMAGE.search(image) for image in images)


def _setting(project: Project, name: str, services: tuple[str, ...] = APP) -> tuple[str, str]:
    """The first value of an environment name, and where it stands."""
    for service in services:
        if service in project.services and (value := project.services[service].environment.get(name)):
            return value, f"{project.file}, {name} of service {service}"
    return "", ""


def _app_environment(project: Project) -> dict[str, str]:
    return next((project.services[name].environment for name in APP if name in project.services), {})


def _site(found: Discoverer, project: Project) -> None:
    """SITE_URL is the address that people use, so it is good from here, too."""
    site_url, where = _setting(project, "SITE_URL")
    if not site_url and (domain := project.variables.get("DOMAIN")):
        site_url, where = f"https://{domain}", ".env, DOMAIN"
    if site_url and found.add_url("site_url", site_url, where):
        return
    web = project.services.get("web")
    if web and WEB_PORT in web.published:
        found.add_url("site_url", f"http://{web.published[WEB_PORT]}", f"{project.file}, service web")


def _clickhouse(found: Discoverer, project: Project) -> None:
    service = project.services.get("clickhouse")
    if not service:
        return
    environment = _app_environment(project)
    host = environment.get("CLICKHOUSE_HOST") or service.name
    schemes = {HTTP_PORT: "http", HTTPS_PORT: "https"}
    # What PostHog uses first; but a published port serves, whichever of the two it is.
    wanted = sorted(schemes, key=lambda port: schemes[port] != ("https" if is_secure(environment, host) else "http"))
    for port in wanted:
        if port in service.published:
            url = clickhouse_url(environment, schemes[port], service.published[port])
            add_clickhouse(found, environment, url, f"{project.file}, service {service.name}")
            return
    user, database = (quote(environment.get(name) or "default", safe="") for name in ("CLICKHOUSE_USER", "CLICKHOUSE_DATABASE"))
    # The password stays out of the hint; a shell variable of PostHog's own name stands for it.
    password = ":$CLICKHOUSE_PASSWORD" if environment.get("CLICKHOUSE_PASSWORD") else ""
    url = f"{schemes[wanted[0]]}://{user}{password}@{_address(project, service)}:{wanted[0]}/{database}"
    _unpublished(found, project, "clickhouse.url", "ClickHouse", f"{service.name}:{wanted[0]}", f"DIAG_CLICKHOUSE_URL={url}")


def _plugin_servers(found: Discoverer, project: Project) -> None:
    by_name = sorted(project.services, key=lambda name: (not name.startswith("plugins"), name))
    services = [project.services[name] for name in by_name if EVENT_ROLE.fullmatch(name) and SERVICE_NAME.fullmatch(name)]
    if not services:
        return
    ports = {service.name: _plugin_server_port(service) for service in services}
    published = {service.name: service.published.get(ports[service.name]) for service in services}
    urls = tuple(f"http://{address}" for address in published.values() if address)
    if urls:
        names = ", ".join(name for name, address in published.items() if address)
        found.add("plugin_server_urls", urls, f"{project.file}, service {names}")
        return
    inside = ",".join(f"{name}:{port}" for name, port in ports.items())
    wanted = ",".join(f"http://{_address(project, service)}:{ports[service.name]}" for service in services)
    _unpublished(found, project, "plugin_server_urls", "the plugin server", inside, f"DIAG_PLUGIN_SERVER_URLS={wanted}")


def _plugin_server_port(service: Service) -> int:
    port = service.environment.get("HTTP_SERVER_PORT", "")
    return int(port) if re.fullmatch(r"[0-9]{1,5}", port) else PLUGIN_SERVER_PORT


def _kafka(found: Discoverer, project: Project) -> None:
    service = project.services.get("kafka")
    if not service:
        return
    for port in KAFKA_PORTS:
        if port in service.published:
            add_kafka(found, _app_environment(project), service.published[port], f"{project.file}, service {service.name}")
            return


def _sentry(found: Discoverer, project: Project) -> None:
    dsn, where = _setting(project, "SENTRY_DSN", PLUGINS_FIRST)
    if not dsn and (dsn := project.variables.get("SENTRY_DSN", "")):
        where = "SENTRY_DSN in .env"
    if dsn:
        add_sentry(found, dsn, where)


def _address(project: Project, service: Service) -> str:
    """A shell expression for the address of the service's container."""
    compose = f"docker compose -f {project.file}" if project.file == "docker-compose.hobby.yml" else "docker compose"
    template = "{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}"
    return f"$(docker inspect -f '{template}' $({compose} ps -q {service.name}) | head -1)"


def _unpublished(found: Discoverer, project: Project, about: str, what: str, inside: str, assignment: str) -> None:
    name, _, value = assignment.partition("=")
    found.hint(
        about,
        f"{shown(project.file)} has {what} at {inside} in its own network and does not publish the port. On Linux, the "
        "container can be reached from here all the same. Run this here (it only reads), then diag again:\n"
        f'  export {name}="{value}"',
    )
