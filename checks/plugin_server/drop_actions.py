"""What to do about events that the plugin server drops, by cause."""

from diagnostics import Action
from diagnostics.sources.plugin_server.endings import Drop


def _psql(question: str) -> tuple[str, ...]:
    return f'docker compose exec db psql -U posthog -c "{question}"', f'psql "$DATABASE_URL" -c "{question}"'


_WARNINGS = Action(text="Look in PostHog under Data management, Ingestion warnings: it names the events")

_BY_CAUSE: dict[str, tuple[Action, ...]] = {
    "no-team": (
        Action(
            text="Compare the project token in the settings of your SDKs with those of the projects (their last characters)",
            commands=_psql("select id, name, right(api_token, 6) as token_ends_with from posthog_team order by id LIMIT 100"),
        ),
        Action(
            text="Correct the token where events are sent from; what was dropped has to be sent again",
            changes_something=True,
        ),
    ),
    "transformation": (
        Action(
            text="See which transformations and plugins are on, and which was changed last",
            commands=(
                *_psql(
                    "select id, team_id, name, updated_at from posthog_hogfunction where type = 'transformation' and enabled "
                    "and not deleted order by updated_at desc LIMIT 20"
                ),
                *_psql(
                    "select c.id, c.team_id, p.name, c.updated_at from posthog_pluginconfig c join posthog_plugin p "
                    "on p.id = c.plugin_id where c.enabled order by c.updated_at desc LIMIT 20"
                ),
            ),
        ),
        Action(
            text="If it was not meant to drop these events (bot filters drop what servers send, too), change its condition or "
            "turn it off in PostHog under Data pipeline, Transformations",
            changes_something=True,
            safe=False,
        ),
    ),
    "blocked": (
        Action(
            text="See which tokens the plugin server is told to drop, and take out those that it should not",
            commands=(
                "docker compose exec plugins printenv DROP_EVENTS_BY_TOKEN_DISTINCT_ID DROP_EVENTS_BY_TOKEN",
                "kubectl -n posthog exec deployment/posthog-plugins -- printenv DROP_EVENTS_BY_TOKEN_DISTINCT_ID "
                "DROP_EVENTS_BY_TOKEN",
            ),
        ),
    ),
    "too-old": (
        Action(
            text="See which projects refuse old events, and after how long",
            commands=_psql(
                "select id, name, drop_events_older_than from posthog_team where drop_events_older_than is not null LIMIT 100"
            ),
        ),
    ),
    "invalid": (_WARNINGS,),
}


def actions_for(drop: Drop) -> tuple[Action, ...]:
    """For the cause; where diag does not know it, where PostHog says more."""
    return _BY_CAUSE.get(drop.cause.id, (_WARNINGS,)) if drop.cause else (_WARNINGS,)
