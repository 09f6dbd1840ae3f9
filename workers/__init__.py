"""The workers: claim → call → verify → settle, and chores. `celery -A workers …` finds its app here."""
