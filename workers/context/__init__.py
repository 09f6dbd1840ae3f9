"""What goes into the prompt: requests rendered to messages, with foreign text fenced off."""

from workers.context.render import Message, render, render_repair

__all__ = ["Message", "render", "render_repair"]
