"""What goes into the prompt: requests rendered to messages, with foreign text fenced off."""

from workers.context.judge import read_verdict, render_judge
from workers.context.render import Message, render, render_repair

__all__ = ["Message", "read_verdict", "render", "render_judge", "render_repair"]
