"""Keys of other services, recognised by the shape that each of them gives its own."""

import re

from diagnostics.report.redaction.spans import pattern

# The literal that each of them has, in lower case, and its shape.
_CLOUD_KEYS = {
    "akia": r"\bAKIA[A-Z0-9]{8,16}\b",  # a limit may have cut it
    "asia": r"\bASIA[A-Z0-9]{8,16}\b",
    "aiza": r"\bAIza[\w-]{30,}",
    "ya29.": r"\bya29\.[\w-]{10,}",
    "gocspx-": r"\bGOCSPX-[\w-]{20,}",
    "xox": r"\bxox[a-z](?:\.xox[a-z])?-[\w-]{8,}",
    "xapp-": r"\bxapp-[\w-]{8,}",
    "hooks.slack.com": r"hooks\.slack\.com/services/([\w/-]+)",
    "/webhooks/": r"\bdiscord(?:app)?\.com/api(?:/v[0-9]{1,2})?/webhooks/[0-9]+/([\w-]+)",
    "gh": r"\bgh[opsur]_\w{16,}",
    "github_pat_": r"\bgithub_pat_\w{16,}",
    "gl": r"\bgl(?:agent|cbt|dt|ft|imt|oas|pat|ptt|rt|soat)-[\w-]{16,}",
    "sntry": r"\bsntry[a-z]_[\w+/=-]{16,}",
    "k_live_": r"\b[prs]k_live_\w{8,}",
    "k_test_": r"\b[prs]k_test_\w{8,}",
    "whsec_": r"\bwhsec_[\w+/=-]{16,}",
    "sk-": r"\bsk-[\w-]{20,}",
    "sg.": r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    "sk": r"\bSK[0-9a-f]{32}\b",  # Twilio's
    "npm_": r"\bnpm_\w{30,}",
    "pypi-": r"\bpypi-AgE[\w-]{16,}",
    "dckr_pat_": r"\bdckr_pat_[\w-]{16,}",
    "hvs.": r"\bhvs\.[\w-]{20,}",
    "hf_": r"\bhf_[A-Za-z]{30,}",
    "shp": r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b",
    "dop_v1_": r"\bdop_v1_\w{32,}",
}

VENDOR_RULES = (
    *(pattern("another service's key", "cloud-key", shape, needs=(literal,)) for literal, shape in _CLOUD_KEYS.items()),
    pattern(
        "the secret of an AWS key",
        "cloud-key",
        r"\bA[KS]IA[A-Z0-9]{16}[\"',: ]{1,6}([\w/+]{40})(?![\w/+])",
        needs=("akia", "asia"),
    ),
    # It is forty characters and nothing else, as a commit is: the name before has to tell.
    pattern(
        "the secret of an AWS key",
        "secret",
        r"(?i:secret[_ -]?(?:access[_ -]?)?key|aws[_ -]?secret)\W{1,4}(?:is\W)?([A-Za-z0-9/+]{40})(?![\w/+])",
        needs=("secret",),
    ),
    # Where only the query of such a URL stands: `?sv=2022-11-02&sig=…`.
    pattern("the signature of an Azure URL", "secret", r"(?<=[?&;])sig=([\w%+/=-]{20,})", needs=("sig=",)),
    # Older Sentry tokens are 64 hexadecimal digits and nothing else: as a digest is, so the word before has to tell.
    pattern(
        "an older Sentry token",
        "cloud-key",
        r"(?i:token|secret|api[_ -]?key)\W{1,4}(?:is\W)?([0-9a-f]{64})\b",
        needs=("token", "secret", "key"),
    ),
    pattern(
        "a private key",
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        needs=("private key",),
        flags=re.DOTALL,
    ),
)
