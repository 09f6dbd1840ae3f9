"""What goes into the prompt: requests rendered to messages, with foreign text fenced off."""

from workers.context.render import Message, render, render_repair
from workers.context.verifier import render_verifier

__all__ = ["Message", "render", "render_repair", "render_verifier"]
