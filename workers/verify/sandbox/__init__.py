"""Commands that nobody vouches for, run where they can reach nothing and use up little; or not at all."""

from workers.verify.sandbox.contained import Limits, Ran, Refused, Unwanted, run_contained

__all__ = ["Limits", "Ran", "Refused", "Unwanted", "run_contained"]
