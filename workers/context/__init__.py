"""What goes into the prompt: requests rendered to messages, with foreign text fenced off."""

from workers.context.render import Again, Message, render, render_repair

__all__ = ["Again", "Message", "render", "render_repair"]
