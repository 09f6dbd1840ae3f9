"""Formats of the simulator's vendors as declarations: what the wire `custom` can be told to speak."""

from typing import Any, Final

from schemas.custom import CustomFormat


def declared(**given: Any) -> CustomFormat:
    """A declaration."""
    return CustomFormat.model_validate(given)


OPENAI_CHAT: Final = declared(
    paths={"completion": "/chat/completions", "models": "/models"},
    stream="sse",
    body={
        "model": "{{model}}",
        "messages": "{{messages}}",
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": "{{max_tokens}}",
        "temperature": "{{temperature}}",
    },
    answer={
        "text": "choices[*].delta.content",
        "finish_reason": "choices[0].finish_reason",
        "refusal": "choices[0].delta.refusal",
        "model": "model",
        "input_tokens": ["usage.prompt_tokens"],
        "output_tokens": ["usage.completion_tokens"],
        "cached_tokens": ["usage.prompt_tokens_details.cached_tokens"],
        "reasoning_tokens": ["usage.completion_tokens_details.reasoning_tokens"],
    },
    finish={"stop": "complete", "length": "output_limit", "content_filter": "content_filtered"},
    errors={
        "code": ["error.code", "error.type"],
        "message": "error.message",
        "codes": {
            "context_length_exceeded": "context_too_long",
            "insufficient_quota": "quota_exhausted",
            "rate_limit_exceeded": "rate_limited",
            "content_filter": "content_filtered",
            "content_policy_violation": "content_filtered",
            "invalid_prompt": "content_filtered",
            "model_not_found": "model_not_found",
            "server_error": "server_error",
            "server_is_overloaded": "overloaded",
            "overloaded_error": "overloaded",
        },
    },
    request_id_header="x-request-id",
)

OLLAMA: Final = declared(
    paths={"completion": "/api/chat", "models": "/api/tags", "model_ids": "models[*].name"},
    stream="ndjson",
    body={
        "model": "{{model}}",
        "messages": "{{messages}}",
        "stream": True,
        "format": "{{schema}}",
        "options": {"num_predict": "{{max_tokens}}", "temperature": "{{temperature}}"},
    },
    answer={
        "text": "message.content",
        "thinking": "message.thinking",
        "finish_reason": "done_reason",
        "model": "model",
        "input_tokens": ["prompt_eval_count"],
        "output_tokens": ["eval_count"],
    },
    finish={"stop": "complete", "length": "output_limit"},
    errors={"message": "error", "words": {"server busy": "overloaded"}},
)

ANTHROPIC: Final = declared(
    paths={"completion": "/v1/messages"},
    auth={"header": "x-api-key", "prefix": ""},
    body={
        "model": "{{model}}",
        "messages": "{{turns}}",
        "system": "{{system}}",
        "max_tokens": "{{max_tokens}}",
        "temperature": "{{temperature}}",
    },
    answer={
        "text": "content[*].text",
        "finish_reason": "stop_reason",
        "model": "model",
        "request_id": "id",
        "input_tokens": [
            "usage.input_tokens",
            "usage.cache_creation_input_tokens",
            "usage.cache_read_input_tokens",
        ],
        "output_tokens": ["usage.output_tokens"],
        "cached_tokens": ["usage.cache_read_input_tokens"],
    },
    finish={"end_turn": "complete", "max_tokens": "output_limit", "refusal": "content_filtered"},
    errors={
        "code": ["error.type"],
        "message": "error.message",
        "codes": {"overloaded_error": "overloaded"},
        "words": {"prompt is too long": "context_too_long"},
    },
)
