"""What goes into the prompt: requests rendered to messages, with foreign text fenced off."""

from workers.context.compose import Composed, compose
from workers.context.fit import TooLong
from workers.context.gather import Gathered, Unusable, gather
from workers.context.render import Again, Message, render, render_repair
from workers.context.verifier import render_verifier

__all__ = [
    "Again",
    "Composed",
    "Gathered",
    "Message",
    "TooLong",
    "Unusable",
    "compose",
    "gather",
    "render",
    "render_repair",
    "render_verifier",
]
