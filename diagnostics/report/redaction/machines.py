"""Names of machines that nobody configured here, told by how they end and by what stands around them.

Only for reports that hide hosts: finding codes, tables, topics, files and packages have dots as well, and have to stay.
"""

import re
from collections.abc import Iterator

from diagnostics.report.redaction.spans import Span
from diagnostics.report.redaction.values import says_nothing

# All that hangs together by dots: what follows a single slash is a path, what is called is code.
_DOTTED = re.compile(r"(?<![\w.$-])(?:(?<!/)|(?<=//))[A-Za-z0-9][\w-]*+(?:\.[A-Za-z0-9][\w-]*+)++(?![(\[])")
_ENDINGS = re.compile(
    r"""com|io|net|org|internal|local|lan|svc|dev|cloud|corp|intra|intranet|localdomain|co|biz|arpa|de
    |uk|fr|eu|nl|ch|cn|ru|jp|kr|br|au""",
    re.VERBOSE,
)
# Columns and words end like these, too: a name of two labels is rather one of those.
_ENDINGS_OF_THREE = re.compile(
    r"""at|be|ca|cz|dk|es|fi|gr|hu|ie|il|in|it|mx|no|nz|pl|pt|ro|se|tr|ua|us|za""",
    re.VERBOSE,
)
# As packages of Java begin; those of Node and Python end like hosts.
_PACKAGE = re.compile(
    r"""com|io|java|javax|jdk|net|org|socket|sun|tokio|node|asp|threading""",
    re.VERBOSE,
)
# What everybody has: documentation, registries, and names that stand for one's own.
_PUBLIC = re.compile(
    r"""(?:.+\.)?(?:(?:posthog|github|githubusercontent|clickhouse|docker|npmjs|altinity|confluent|example|mozilla)\.(?:com|net|org|io)
    |(?:docker|ghcr|quay|gcr|redis|kubernetes|k8s|confluent|opentelemetry|bitnami|strimzi)\.io|ghcr\.io|cert-manager\.io
    |(?:apache|postgresql|python|nodejs|pypi|w3|schema|ietf)\.org)|(?:docs\.)?sentry\.io|host\.docker\.internal""",
    re.VERBOSE,
)
# The services of PostHog's compose files and charts: everybody has the same, and a reader wants to know which one it was.
_SERVICES = re.compile(
    r"""app|asyncmigrationscheck|caddy|capture|celery|clickhouse|cyclotron|db|elasticsearch|events|feature-
    flags|kafka|kafka-ui|livestream|localhost|maildev|minio|nginx|objectstorage|pgbouncer|plugin-server
    |plugins|postgres|postgresql|posthog|property-defs-rs|proxy|recordings|redis|redis7|redpanda|replay-
    capture|seaweedfs|server|sentry|temporal|temporal-admin-tools|temporal-django-worker|temporal-ui|web
    |worker|zookeeper|zoo1|host|broker|kafka0|ingestion|chdb""",
    re.VERBOSE,
)
_PORTS = (
    "443|2181|3000|3306|5432|6379|6380|6381|6432|6543|6738|7233|8000|8080|8081|8123|8443|9000|9009|9090|9092|9093|9094|9181|9200"
    "|9363|9440|19092|26379|27017|29092"
)
# A word before a number is no host.
_WORDS = re.compile(
    r"""batch|behind|bytes|code|count|duration|errno|events|id|lag|limit|line|max|messages|min|ms|offset
    |partition|pid|port|revision|rows|size|step|status|team|thrd|timeout|took|total|uid|user|version""",
    re.VERBOSE,
)
_LABEL = r"[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?+"
_IN_URL = re.compile(rf"://(?:[^\s/?#@\"'<>`]{{0,200}}@)?({_LABEL})(?![\w.@%-])(?!:[^0-9/]|:/?\Z)")
_WITH_PORT = re.compile(rf"(?:(?<![\w./:#-])|(?<=thrd:))({_LABEL})(?=:(?:{_PORTS})(?![\w.:-]))")
_SAID = re.compile(
    rf"""(?:(?<!\w)(?:host(?:[ ]?name)?|broker)\\*["']?\s*(?:=\s*\\*["']?|:\s*\\*["']|[ ]\\*["'])
    |\b(?:ENOTFOUND|EAI_AGAIN)[ ]|\bhost[ ]name[ ]\\*["']|\bresolve[ ](?:host[ ]?)?\\*["'])({_LABEL})(?![\w.-])""",
    re.VERBOSE,
)
_SAID_BARE = re.compile(rf"(?<!\w)(?:host|broker):?[ ](?=[A-Za-z-]*[0-9])({_LABEL})(?![\w.-])")
_STAND_IN = re.compile(r"(?:host|ip|person|email)-[0-9a-f]{4,}|[a-z-]+-removed")


def machines(text: str) -> Iterator[Span]:
    """Every name in `text` that is a machine's, without its port."""
    for match in _DOTTED.finditer(text):
        if _is_domain(match[0].lower()):
            yield Span(*match.span(), "host", identity=match[0].lower())
    for shape in (_IN_URL, _WITH_PORT, _SAID, _SAID_BARE):
        for match in shape.finditer(text):
            name = match[1]
            if not (_is_known(name) or (shape is _WITH_PORT and _WORDS.fullmatch(name.lower()))):
                yield Span(*match.span(1), "host", identity=name.lower())


def _is_domain(name: str) -> bool:
    *labels, ending = name.split(".")
    if "_" in name or not any(map(str.isalpha, labels[-1])) or _PACKAGE.fullmatch(labels[0]) or _PUBLIC.fullmatch(name):
        return False
    return bool(_ENDINGS.fullmatch(ending) or (len(labels) > 1 and _ENDINGS_OF_THREE.fullmatch(ending)))


def _is_known(name: str) -> bool:
    """Whether it is a service's name, a stand-in, or a word: HOST, `host is`, http://a."""
    word = name.isupper() or len(name) == 1 or says_nothing(name)
    return word or bool(_SERVICES.fullmatch(name.lower()) or _STAND_IN.fullmatch(name))
