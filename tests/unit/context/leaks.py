"""Samples of what must not leave, one or more a rule; none is real, and none stands here in one piece.

Each is put together from parts, so that no scanner of repositories takes this one for a leak.
"""

import hashlib
import random
import string
from collections.abc import Callable
from typing import Final

HEX: Final = "0123456789abcdef"
ALNUM: Final = string.ascii_letters + string.digits
BASE64: Final = ALNUM + "+/"
URLSAFE: Final = ALNUM + "-_"
UPPER: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def lot(name: str, size: int, letters: str = ALNUM) -> str:
    """Characters drawn by lot, always the same ones for a name; the last one is a letter or digit."""
    draw = random.Random(hashlib.sha256(name.encode()).digest())
    drawn = "".join(draw.choice(letters) for _ in range(size - 1))
    return drawn + draw.choice([letter for letter in letters if letter.isalnum()])


def _uuid(name: str) -> str:
    return "-".join(lot(name + str(size), size, HEX) for size in (8, 4, 4, 4, 12))


# Rule, what stands around the secret ("{}"), the secret's parts.
_TABLE: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("user-option", "curl -u admin:{} https://h", (lot("curl", 10),)),
    ("password-option", "mysql --password {} -h db", (lot("option", 13),)),
    ("shell-password", "PGPASSWORD={} psql", ("7x4", "q9", lot("shell", 8))),
    ("password-element", "<password>{}</password>", (lot("element", 10),)),
    ("assignment", "password: {}", ("hunter2", "hunter2", "!")),
    ("assignment", 'password="{}"', (lot("quoted", 4), '\\"', lot("quoted2", 9))),
    ("anthropic-key", "key: {}", ("sk-", "ant-api03-", lot("an", 93, URLSAFE), "AA")),
    ("openai-key", 'OPENAI_API_KEY="{}"', ("sk-", "proj-", lot("op", 120, URLSAFE))),
    ("openai-key", "{}", ("sk-", lot("op2", 48))),
    ("openai-key", "{}", ("sk-", "or-v1-", lot("or", 64, HEX))),
    ("huggingface-token", "login({})", ("hf", "_", lot("hf", 34, string.ascii_letters))),
    ("groq-key", "{}", ("gsk", "_", lot("gr", 52))),
    ("xai-key", "{}", ("xai", "-", lot("xa", 80))),
    ("replicate-token", "{}", ("r8", "_", lot("r8", 37))),
    ("perplexity-key", "{}", ("pplx", "-", lot("pp", 48))),
    ("fireworks-key", "{}", ("fw", "_", lot("fw", 24))),
    ("cohere-key", 'COHERE_KEY = "{}"', (lot("co", 40),)),
    ("mistral-key", "mistral_api: {}", (lot("mi", 32),)),
    ("orchestrator-key", "Bearer {}", ("orc_", "live_", lot("or1", 40))),
    ("aws-access-key-id", "aws_id={}", ("AK", "IA", lot("ak", 16, UPPER))),
    ("aws-secret-key", "aws_secret_access_key = {}", (lot("aw", 40, BASE64),)),
    ("aws-bedrock-key", "{}", ("AB", "SK", lot("be", 128))),
    ("google-api-key", "?key={}", ("AI", "za", lot("gk", 35, URLSAFE))),
    ("google-oauth-secret", '"client_secret": "{}"', ("GOC", "SPX-", lot("gs", 28, URLSAFE))),
    ("google-oauth-token", "{}", ("ya", "29.", lot("ya", 120, URLSAFE))),
    ("google-refresh-token", "{}", ("1/", "/0", lot("gr1", 60, URLSAFE))),
    ("azure-connection-key", "EndpointSuffix=x;AccountKey={};", (lot("az", 86, BASE64), "==")),
    ("azure-sas", "?sv=2024-01-01&sig={}", (lot("sa", 43), "%3D")),
    ("azure-client-secret", "secret '{}'", (lot("ad", 3), "8Q", "~", lot("ad2", 34))),
    ("azure-openai-key", "api-key: {}", (lot("ao", 32, HEX),)),
    ("alibaba-key-id", "{}", ("LT", "AI", lot("al", 20))),
    ("digitalocean-token", "{}", ("dop", "_v1_", lot("do", 64, HEX))),
    ("cloudflare-key", "CLOUDFLARE_API_TOKEN={}", (lot("cf", 40, string.ascii_lowercase + string.digits),)),
    ("cloudflare-origin-key", "{}", ("v1", ".0-", lot("co1", 24, HEX), "-", lot("co2", 146, HEX))),
    ("heroku-key", "{}", ("HR", "KU-", lot("he", 58))),
    ("heroku-uuid", "HEROKU_API_KEY={}", (_uuid("hk"),)),
    ("fly-token", "{}", ("fo", "1_", lot("fl", 43, URLSAFE))),
    ("vercel-token", "{}", ("vc", "p_", lot("ve", 56))),
    ("netlify-token", "{}", ("nf", "p_", lot("ne", 36))),
    ("github-token", "https://{}@github.com/a/b", ("gh", "p_", lot("gh", 36))),
    ("github-token", "{}", ("gh", "s_", lot("ghs", 36))),
    ("github-fine-grained-token", "{}", ("github", "_pat_", lot("gf", 22), "_", lot("gf2", 59))),
    ("gitlab-token", "PRIVATE-TOKEN: {}", ("gl", "pat-", lot("gl", 20))),
    ("gitlab-runner-token", "{}", ("GR13", "48941", lot("glr", 20))),
    ("bitbucket-token", "{}", ("AT", "BB", lot("bb", 32))),
    ("atlassian-token", "{}", ("ATA", "TT3", lot("at", 186))),
    ("npm-token", "{}", ("np", "m_", lot("np", 36))),
    ("npmrc-token", "//registry.npmjs.org/:_authToken={}", (lot("npr", 36),)),
    ("pypi-token", "{}", ("py", "pi-AgE", "IcHlwaS5vcmc", lot("py", 120, URLSAFE))),
    ("rubygems-key", "{}", ("ruby", "gems_", lot("rg", 48, HEX))),
    ("nuget-key", "{}", ("oy", "2", lot("nu", 43, string.ascii_lowercase + string.digits))),
    ("crates-token", "{}", ("ci", "o", lot("cr", 32))),
    ("clojars-token", "{}", ("CLO", "JARS_", lot("cl", 60, string.ascii_lowercase + string.digits))),
    ("docker-token", "{}", ("dckr", "_pat_", lot("dk", 27, ALNUM))),
    ("artifactory-key", "{}", ("AK", "Cp", lot("ar", 69))),
    ("sonar-token", "{}", ("sq", "u_", lot("so", 40, HEX))),
    ("circleci-token", "{}", ("CCI", "PAT_", lot("cc", 22), "_", lot("cc2", 40, HEX))),
    ("buildkite-token", "{}", ("bk", "ua_", lot("bk", 40, string.ascii_lowercase + string.digits))),
    ("postman-key", "{}", ("PM", "AK-", lot("pm", 24, HEX), "-", lot("pm2", 34, HEX))),
    ("vault-token", "{}", ("hv", "s.", lot("hv", 90))),
    ("terraform-token", "{}", (lot("tf", 14), ".atlas", "v1.", lot("tf2", 67))),
    ("pulumi-token", "{}", ("pu", "l-", lot("pu", 40, HEX))),
    ("doppler-token", "{}", ("dp", ".pt.", lot("dp", 43))),
    ("databricks-token", "{}", ("da", "pi", lot("db", 32, HEX))),
    ("grafana-token", "{}", ("gl", "sa_", lot("gf3", 32), "_", lot("gf4", 8, HEX))),
    ("newrelic-key", "{}", ("NR", "AK-", lot("nr", 27, UPPER))),
    ("datadog-key", "DD_API_KEY: '{}'", (lot("dd", 32, HEX),)),
    ("sentry-token", "{}", ("snt", "ryu_", lot("se", 64, HEX))),
    ("dynatrace-token", "{}", ("dt0", "c01.", lot("dt", 24, UPPER), ".", lot("dt2", 64, UPPER))),
    ("tailscale-key", "{}", ("ts", "key-auth-", lot("ts", 16), "-", lot("ts2", 32))),
    ("planetscale-token", "{}", ("psc", "ale_pw_", lot("ps", 43))),
    ("supabase-token", "{}", ("sb", "p_", lot("sb", 40, HEX))),
    ("age-key", "{}", ("AGE-SECRET", "-KEY-1", lot("ag", 58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"))),
    ("onepassword-token", "{}", ("ops", "_ey", "J", lot("on", 250, BASE64))),
    ("stripe-key", 'stripe.api_key = "{}"', ("sk", "_live_", lot("st", 24))),
    ("stripe-webhook-secret", "{}", ("wh", "sec_", lot("wh", 32))),
    ("square-token", "{}", ("sq0", "csp-", lot("sq", 43))),
    ("shopify-token", "{}", ("shp", "at_", lot("sh", 32, HEX))),
    (
        "paypal-braintree-token",
        "{}",
        ("access_", "token$production$", lot("bt", 16, HEX), "$", lot("bt2", 32, HEX)),
    ),
    ("plaid-token", "{}", ("access-", "sandbox-", _uuid("pl"))),
    ("slack-token", "{}", ("xo", "xb-", lot("sl", 12, "123456789"), "-", lot("sl2", 24))),
    ("slack-token", "{}", ("xa", "pp-1-", lot("sl3", 11, UPPER), "-", lot("sl4", 64, HEX))),
    (
        "slack-webhook",
        "https://hooks.slack.com/services/{}",
        ("T", lot("sw", 8, UPPER), "/B", lot("sw2", 8, UPPER), "/", lot("sw3", 24)),
    ),
    (
        "discord-webhook",
        "https://discord.com/api/webhooks/{}",
        (lot("dw", 18, "123456789"), "/", lot("dw2", 68)),
    ),
    ("discord-token", "DISCORD_TOKEN={}", ("M", lot("di", 23), ".", lot("di2", 6), ".", lot("di3", 38))),
    (
        "teams-webhook",
        "https://x.webhook.office.com/webhookb2/{}",
        (_uuid("tw"), "@", _uuid("tw2"), "/Incoming", "Webhook/", lot("tw3", 32, HEX), "/", _uuid("tw4")),
    ),
    ("telegram-token", "bot {}", (lot("te", 10, "123456789"), ":A", "A", lot("te2", 33))),
    ("twilio-key", "{}", ("S", "K", lot("tk", 32, HEX))),
    ("twilio-token", 'TWILIO_AUTH_TOKEN = "{}"', (lot("tt", 32, HEX),)),
    ("sendgrid-key", "{}", ("SG", ".", lot("sg", 22), ".", lot("sg2", 43))),
    ("mailgun-key", "{}", ("ke", "y-", lot("mg", 32, HEX))),
    ("mailchimp-key", "{}", (lot("mc", 32, HEX), "-u", "s14")),
    ("brevo-key", "{}", ("xkey", "sib-", lot("br", 64, HEX), "-", lot("br2", 16))),
    ("resend-key", "{}", ("r", "e_", lot("re", 8), "_", lot("re2", 24))),
    ("notion-token", "{}", ("nt", "n_", lot("no", 46))),
    ("linear-key", "{}", ("lin_", "api_", lot("li", 40))),
    ("figma-token", "{}", ("fi", "gd_", lot("fi", 40))),
    ("airtable-token", "{}", ("p", "at", lot("ai", 14), ".", lot("ai2", 64, HEX))),
    ("typeform-token", "{}", ("tf", "p_", lot("ty", 59))),
    ("hubspot-token", "{}", ("pat", "-na1-", _uuid("hu"))),
    ("mapbox-secret-token", "{}", ("sk", ".ey", "J", lot("mb", 80), ".", lot("mb2", 22))),
    ("facebook-token", "{}", ("EA", "AC", lot("fb", 120))),
    ("algolia-key", "algolia_admin = {}", (lot("ag1", 32, HEX),)),
    ("jwt", "{}", ("ey", "J", lot("jw", 30), ".ey", "J", lot("jw2", 80), ".", lot("jw3", 43))),
    (
        "jwe",
        "{}",
        ("ey", "J", ".".join(lot(f"je{size}", size) for size in (60, 80, 16, 90, 22))),
    ),
    ("bearer-header", "Authorization: Bearer {}", (lot("bh", 40),)),
    ("basic-header", 'headers = {{"Authorization": "{}"}}', ("Basic ", lot("ba", 31), "=")),
    ("url-password", "postgresql://app:{}@db.internal:5432/orders", (lot("up", 16),)),
    ("url-password", "redis://:{}@cache:6379/0", (lot("ur", 20),)),
    ("url-password", "mongodb+srv://root:{}@c0.mongodb.net", ("p@"[:1], "4ss", lot("um", 8))),
    ("assignment", 'password = "{}"', ("hunter2", "-", "Tr0ub4dor")),
    ("assignment", "db_password: {}", (lot("dp1", 18),)),
    ("assignment", 'const apiKey: string = "{}";', (lot("as", 32),)),
    ("assignment", "  'client_secret' => '{}',", (lot("as2", 32),)),
    ("assignment", "export SIGNING_SECRET={}", (lot("as3", 32, HEX),)),
    ("email", "ask {} about it", ("ada.lovelace", "@", "analytical.io")),
    ("phone", "call {} today", ("+49 30 ", "901820")),
    ("phone", "call {} today", ("(212) ", "555-0142")),
    ("card", "paid with {}.", ("4111 1111 ", "1111 1111")),
    ("card", "paid with {}", ("3782", "822463", "10005")),
    ("iban", "to {} please", ("DE89 3704 ", "0044 0532 0130 00")),
    ("iban", "to {}", ("GB82WEST", "12345698765432")),
    ("ip", "request from {} refused", ("81.169.", "145.78")),
)
Sample = tuple[str, str, str]
SAMPLES: Final[tuple[Sample, ...]] = tuple(
    (rule, around.format("".join(parts)), "".join(parts)) for rule, around, parts in _TABLE
)
"""Rule, text, and what in it is to be hidden."""


def private_key(line_end: str = "\n", name: str = "RSA PRIVATE KEY") -> tuple[str, list[str]]:
    """A private key with its lines."""
    lines = [lot(f"pk{number}", 64, BASE64) for number in range(8)] + [lot("pk", 40, BASE64) + "=="]
    dashes = "-" * 5
    return line_end.join([f"{dashes}BEGIN {name}{dashes}", *lines, f"{dashes}END {name}{dashes}", ""]), lines


def anything(draw: Callable[[int], int], size: int) -> str:
    """Samples and pieces of placeholders in disorder."""
    pieces = [text for _, text, _ in SAMPLES]
    pieces += ["HIDDEN_", "HIDDEN_SECRET_", "0123456789ab", "H", "\n", " ", "ü", "\u202e", private_key()[0]]
    return "".join(pieces[draw(len(pieces))] for _ in range(size))
