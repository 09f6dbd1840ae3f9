"""What goes into the prompt: requests rendered to messages, foreign text fenced off, secrets kept back."""

from workers.context.again import Refused, ask_again
from workers.context.compose import Composed, compose
from workers.context.fit import TooLong
from workers.context.gather import Gathered, Unusable, gather, looked_through
from workers.context.judge import read_verdict, render_judge
from workers.context.redact import Redacted, concealed, may_hold_placeholders, redact, showable, strangers
from workers.context.render import Again, Message, render, render_repair
from workers.context.sensitive import SECRET, Span, merged, sensitive
from workers.context.session import SHARE, with_history
from workers.context.untrusted import BIDI, injections, sanitised, texts
from workers.context.verifier import render_verifier

__all__ = [
    "BIDI",
    "SECRET",
    "SHARE",
    "Again",
    "Composed",
    "Gathered",
    "Message",
    "Redacted",
    "Refused",
    "Span",
    "TooLong",
    "Unusable",
    "ask_again",
    "compose",
    "concealed",
    "gather",
    "injections",
    "looked_through",
    "may_hold_placeholders",
    "merged",
    "read_verdict",
    "redact",
    "render",
    "render_judge",
    "render_repair",
    "render_verifier",
    "sanitised",
    "sensitive",
    "showable",
    "strangers",
    "texts",
    "with_history",
]
