"""GitHub Copilot, over a double of GitHub's API."""
