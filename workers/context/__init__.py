"""What goes into the prompt: requests rendered to messages, foreign text fenced off, secrets kept back."""

from workers.context.redact import Redacted, concealed, may_hold_placeholders, redact, showable, strangers
from workers.context.render import Message, render, render_repair
from workers.context.sensitive import SECRET, Span, merged, sensitive
from workers.context.untrusted import BIDI, injections, sanitised, texts

__all__ = [
    "BIDI",
    "SECRET",
    "Message",
    "Redacted",
    "Span",
    "concealed",
    "injections",
    "may_hold_placeholders",
    "merged",
    "redact",
    "render",
    "render_repair",
    "sanitised",
    "sensitive",
    "showable",
    "strangers",
    "texts",
]
