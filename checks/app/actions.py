"""Where to look when the app, or what it depends on, is not well."""

from checks.app.said import Dependency
from diagnostics import Action

READ_THE_LOG = Action(
    text="Read the app's log: it names the error behind these answers",
    commands=(
        "docker compose logs --since 1h web",
        "kubectl -n posthog logs deployment/posthog-web --since=1h",
        "journalctl -u posthog-web --since=-1h --no-pager",
    ),
)
ASK_DIRECTLY = Action(
    text="Ask the app past what stands in front of it",
    commands=(
        "docker compose exec web curl -sS -m 10 http://localhost:8000/_readyz",
        "kubectl -n posthog exec deployment/posthog-web -- curl -sS -m 10 http://localhost:8000/_readyz",
    ),
)
LOOK_AT_WEB = Action(
    text="See whether PostHog's app runs, and what it says",
    commands=(
        "docker compose ps --all web proxy",
        "docker compose logs --tail 100 web",
        "kubectl -n posthog get pods -l role=web",
        "kubectl -n posthog logs deployment/posthog-web --tail 100",
    ),
)
LOOK_AT: dict[str, Action] = {
    Dependency.POSTGRES: Action(
        text="See whether Postgres takes connections, and whether it has any left",
        commands=(
            "docker compose exec db pg_isready -U posthog",
            "docker compose exec db psql -U posthog "
            "-c \"select count(*), current_setting('max_connections') from pg_stat_activity\"",
        ),
    ),
    Dependency.REDIS: Action(
        text="See whether Redis runs, and whether its memory is full",
        commands=("docker compose ps --all | grep -E 'redis|valkey'", "docker compose exec redis7 redis-cli info memory"),
    ),
    Dependency.CELERY: Action(
        text="See whether the worker runs, and what it says",
        commands=(
            "docker compose ps --all worker",
            "docker compose logs --tail 100 worker",
            "kubectl -n posthog logs deployment/posthog-worker --tail 100",
        ),
    ),
    Dependency.KAFKA: Action(
        text="See whether Kafka runs and has disk left",
        commands=("docker compose ps --all kafka", "docker compose logs --tail 50 kafka"),
    ),
    Dependency.CLICKHOUSE: Action(
        text="See whether ClickHouse answers",
        commands=("docker compose exec clickhouse clickhouse-client -q 'select 1'",),
    ),
    Dependency.MIGRATIONS: Action(
        text="See which migrations are missing; let one that runs come to its end",
        commands=(
            "docker compose exec web python manage.py showmigrations --plan | grep '\\[ \\]'",
            "kubectl -n posthog get jobs",
        ),
    ),
}
