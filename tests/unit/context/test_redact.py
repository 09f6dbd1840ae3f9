"""Redaction: what is found, what is left alone, and that all of it comes back."""

import random
from collections import Counter
from time import thread_time

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.bench.redaction import PACKAGES, tally
from tests.unit.context.leaks import ALNUM, SAMPLES, Sample, anything, lot, private_key
from workers.context import Message, concealed, redact, showable, strangers
from workers.context.redact import NOTE
from workers.context.sensitive import NAMES, PLACEHOLDER, _random, _real, sensitive

KEY = b"0123456789abcdef"


def sent(*texts: str, key: bytes = KEY) -> list[str]:
    return [message.content for message in redact([Message("user", text) for text in texts], key).messages]


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{rule}-{at}" for at, (rule, _, _) in enumerate(SAMPLES)])
def test_a_secret_is_found_whole_and_comes_back(sample: Sample) -> None:
    rule, text, secret = sample
    assert rule in {span.rule for span in sensitive(text)}
    hidden = redact([Message("user", text)], KEY)
    told = hidden.messages[0].content
    assert secret not in told
    assert PLACEHOLDER.sub("", told) == text.replace(secret, "")
    assert hidden.restore(told) == text


def test_each_rule_has_a_sample_and_there_are_many() -> None:
    assert set(NAMES) <= {rule for rule, _, _ in SAMPLES}
    assert len(NAMES) >= 60
    assert max(Counter(NAMES).values()) == 1


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\\n", "\n+", "\n    "])
@pytest.mark.parametrize(
    "name", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"]
)
def test_a_private_key_is_hidden_line_by_line(line_end: str, name: str) -> None:
    text, lines = private_key(line_end, name)
    for whole in (text, text[: text.index("-----END")]):
        hidden = redact([Message("user", whole)], KEY)
        told = hidden.messages[0].content
        assert not any(line.rstrip("=") in told for line in lines)
        assert told.count("\n") == whole.count("\n")
        assert hidden.restore(told) == whole


def test_a_public_key_and_a_certificate_are_no_secrets() -> None:
    text, _ = private_key(name="PUBLIC KEY")
    assert sent(text) == [text]


def test_the_same_secret_has_the_same_word_wherever_and_whenever_it_stands() -> None:
    secret = lot("again", 20)
    first, second = sent(f'password = "{secret}"', f"the log says {secret}, and again {secret}!")
    word = PLACEHOLDER.findall(first)[0]
    assert second == f"the log says {word}, and again {word}!"
    assert sent(f'password = "{secret}"')[0] == first
    assert sent(f'password = "{secret}"', key=b"another tenant's")[0] != first


def test_a_longer_conversation_keeps_the_words_of_a_shorter_one() -> None:
    texts = [text for _, text, _ in SAMPLES]
    short, long = sent(*texts[:40]), sent(*texts)
    assert long[:40] == short


SHORT = "k4z"
OPENS = Message("user", f"postgres://shop:{SHORT}@db.internal/shop")


def later(said: str, *opens: Message) -> str:
    """What a repair round and a verifier are sent of a text; both are sent the same."""
    first = opens or (OPENS,)
    repair = redact((*first, Message("assistant", said)), KEY, first)
    other = redact([Message("user", said)], KEY, first)
    assert repair.messages[-1].content == other.messages[-1].content
    assert repair.restore(repair.messages[-1].content) == said
    return other.messages[-1].content


def test_what_was_hidden_first_is_hidden_in_what_follows_however_short() -> None:
    word = PLACEHOLDER.findall(redact([OPENS], KEY).messages[0].content)[-1]
    assert later(f"It is {SHORT}.\nPASSWORD={SHORT}\n") == f"It is {word}.\nPASSWORD={word}\n"
    assert later(f"{SHORT}ebra and {SHORT}_1 are words.") == f"{SHORT}ebra and {SHORT}_1 are words."


def test_many_short_values_are_hidden_later_as_few_are() -> None:
    many = [Message("user", f"postgres://shop:{SHORT}{n}@db.internal/shop") for n in range(70)]
    assert SHORT not in later(" ".join(f"{SHORT}{n}" for n in range(70)), *many)


def test_a_short_value_stays_elsewhere_in_the_messages_that_come_first() -> None:
    told = redact([OPENS, Message("user", f"call {SHORT}()")], KEY).messages
    assert told[1].content == f"call {SHORT}()"


def test_nothing_is_said_of_placeholders_where_none_of_the_earlier_is_met_again() -> None:
    messages = (Message("system", "Check."), Message("user", "nothing here"))
    assert redact(messages, KEY, (OPENS,)).messages == messages


def test_a_schema_leaves_without_its_secrets_and_keeps_its_form() -> None:
    key, password = "ghp" + "_" + lot("schema", 36), "Xk29dk3LmQz81"
    schema = {
        "type": "object",
        "description": f"Never say {key}",
        "properties": {
            "password": {"type": "string", "pattern": "^[a-z0-9]{8,40}$", "anyOf": [{"const": password}]},
            "login": {
                "default": {"password": password},
                "examples": [["ada.canary" + "@" + "analytical.io"]],
            },
            key: {"enum": [key, 1, None, True]},
        },
        "required": [key],
    }
    hidden = redact([Message("user", "Answer.")], KEY, None, schema)
    told = orjson.dumps(hidden.schema).decode()
    assert not any(value in told for value in (key, password, "canary"))
    assert orjson.loads(hidden.restore(told)) == schema
    assert hidden.schema is not None
    assert hidden.schema["properties"]["password"]["pattern"] == "^[a-z0-9]{8,40}$"
    assert hidden.schema["required"][0] in hidden.schema["properties"]
    plain = {"type": "object", "properties": {"password": {"type": "string", "format": "date-time"}}}
    assert redact([Message("user", "Answer.")], KEY, None, plain).schema == plain


def test_a_value_of_a_schema_is_hidden_in_messages_and_from_people() -> None:
    schema = {"properties": {"password": {"const": "Xk29dk3LmQz81"}}}
    hidden = redact([Message("user", "It is Xk29dk3LmQz81.")], KEY, None, schema)
    assert "Xk29" not in hidden.messages[0].content
    assert concealed("'Xk29dk3LmQz81' was expected", (), schema) == "'[secret hidden]' was expected"


def test_many_secrets_are_looked_for_as_few_are() -> None:
    secrets = [lot(f"many{number}", 24) for number in range(80)]
    assignments = "\n".join(f'secret_{at} = "{secret}"' for at, secret in enumerate(secrets))
    told = sent(assignments, " and ".join(secrets))
    assert not any(secret in text for secret in secrets for text in told)


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['PASSWORD']",
        'password = "changeme"',
        'password="${DB_PASSWORD}"',
        'api_key = "<your-api-key>"',
        "def login(user: str, password: str = None) -> Token:",
        'token_url = "https://login.example.com/oauth2/token"',
        "secret_name: my-app-secrets-v2",
        "SECRET_KEY = get_random_secret_key()",
        "postgresql://user:password@localhost/db",
        "postgresql://{user}:{password}@{host}/db",
        "git@github.com:owner/name.git",
        "someone@example.com, noreply@github.com",
        "sha256:" + lot("sha", 64, "0123456789abcdef"),
        "commit " + lot("commit", 40, "0123456789abcdef"),
        "id = 'a3bb189e-8bf9-3926-a4bb-1a4d5f4a1b2c'",
        "version 10.4.12.3, 127.0.0.1, 192.168.1.20, 0.0.0.0, Chrome/120.0.6099.0",
        "order 4111 1111 1111 1112",
        "2026-11-25 07:01:41.123456 1234567890",
        "DE89 3704 0044 0532 0130 01",
        "@@ -10,7 +10,8 @@\n+1234567890 = x\n",
        "docker run -u 1000:1000 image; chown --user www-data:www-data .",
        "--password change-this-password now",
        "PASSWORD=settings.DB_PASSWORD1 run",
        "<password>your-password-here</password>",
        "password: users.password1",
        "task-token sk-learn ghp_ AKIA eyJ://",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert sent(text) == [text]


@settings(max_examples=40)
@given(st.randoms(use_true_random=False), st.integers(1, 30))
def test_anything_comes_back_to_the_byte(draw: random.Random, size: int) -> None:
    texts = [anything(draw.randrange, size) for _ in range(2)]
    hidden = redact([Message("user", text) for text in texts], KEY)
    told = [message.content for message in hidden.messages]
    assert [hidden.restore(text) for text in told] == texts
    assert [text.count("\n") for text in told] == [text.count("\n") for text in texts]
    assert sent(*told) == told


@settings(max_examples=40)
@given(st.text(max_size=300))
def test_any_text_at_all_comes_back(text: str) -> None:
    hidden = redact([Message("user", text)], KEY)
    assert hidden.restore(hidden.messages[0].content) == text


def test_a_text_that_holds_a_placeholder_already_is_not_changed_by_it() -> None:
    secret = lot("taken", 20)
    (told,) = sent(f'password = "{secret}"')
    word = PLACEHOLDER.findall(told)[0]
    hidden = redact([Message("user", f'password = "{secret}" # {word}')], KEY)
    assert hidden.messages[0].content.endswith(word)
    assert hidden.restore(hidden.messages[0].content) == f'password = "{secret}" # {word}'


def test_the_model_is_told_of_placeholders_only_where_there_are_some() -> None:
    system = Message("system", "Work.")
    bare = redact([system, Message("user", "nothing here")], KEY)
    assert bare.messages[0] is system
    assert bare.told == ""
    told = redact([system, Message("user", SAMPLES[0][1])], KEY)
    assert told.messages[0].content == "Work." + NOTE
    assert told.told == "1 × secret"


def test_a_placeholder_that_stands_for_nothing_is_noticed() -> None:
    word = "HIDDEN_" + "SECRET_0123456789ab"
    assert strangers(f"{word} {word}", ["a task"]) == [word]
    assert strangers(word, iter(["a task", f"that speaks of {word}"])) == []


def test_what_is_shown_while_it_comes_ends_before_a_placeholder() -> None:
    word = "HIDDEN_" + "SECRET_0123456789ab"
    answer = f"Hello, HIDDENLY H. The key is {word}, it is."
    at = answer.index(word)
    for size in range(len(answer) + 1):
        shown, goes_on = showable(answer[:size])
        assert shown <= at
        assert goes_on is (size < at + len(word))
    assert showable("Hello H") == (6, True)
    assert showable("Hello HIDDEN_ me") == (16, True)


def test_a_message_for_people_loses_what_is_hidden_for_good() -> None:
    _, text, secret = SAMPLES[1]
    assert concealed(f"line 3: {text}") == "line 3: " + text.replace(secret, "[secret hidden]")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_source_of_large_packages_has_hardly_a_hit(package: str) -> None:
    found = tally(package, every=7)
    assert found.lines > 5_000
    assert found.share < 0.01


def test_two_million_characters_take_a_moment() -> None:
    code = "".join(
        f"def function_{n}(argument: int) -> str:\n    return str(argument + {n})\n" for n in range(500)
    )
    text = code * (2_000_000 // len(code))
    started = thread_time()
    sensitive(text)
    assert thread_time() - started < 3


@pytest.mark.parametrize(
    "piece",
    ["sk-", "eyJ", "-eyJa.", "://a:", "glpat-", "password=", "password: a", "@a.", "a@", "1-", "+1 ", "AB12",
     "-----BEGIN PRIVATE KEY-----\n", "A" * 40, "HIDDEN_", "<!--", "earer ", "aws_secret_", "AB12 "],
)  # fmt: skip
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        started = thread_time()
        sensitive((piece * size)[:size])
        return thread_time() - started

    assert seconds(200_000) < max(1, 40 * seconds(20_000))


@pytest.mark.parametrize(
    "piece", ["x", "xx-", "password", "a.", "pwd", "user", "A", "a_", "<", "{", "{a", "$"]
)
def test_judging_a_value_takes_linear_time_where_it_stands_for_nothing(piece: str) -> None:
    started = thread_time()
    for end in ("#", "12345", "é"):
        _real((piece * 5_000)[:5_000] + end)
        _random("1" + (piece * 5_000)[:5_000] + end)
    assert thread_time() - started < 0.5


def test_a_short_prompt_of_dummies_takes_a_moment() -> None:
    started = thread_time()
    sent('password = "' + 150 * "x" + '#"', 'password = "' + 30 * "xxx" + '#"')
    assert thread_time() - started < 0.5


def test_many_values_beside_a_placeholder_take_no_longer_than_without_it() -> None:
    people = " ".join(f"ada.{n}@analytical.io" for n in range(16_000))

    def seconds(text: str) -> float:
        started = thread_time()
        redact([Message("user", text)], KEY)
        return thread_time() - started

    assert seconds("HIDDEN_X " + people) < 2 * seconds(people) + 0.2


def test_secrets_with_a_common_beginning_are_told_apart() -> None:
    keys = ["sk-" + "ant-api03-" + "x" * 5 + lot(f"common{n}", 60, ALNUM) for n in range(70)]
    hidden = redact([Message("user", "\n".join(keys))], KEY)
    assert len(hidden.values) == 70
    assert hidden.restore(hidden.messages[0].content) == "\n".join(keys)
