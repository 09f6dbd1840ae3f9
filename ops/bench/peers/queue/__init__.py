"""A plain Celery application on Redis alone: late acks, automatic retries, a result backend.

It does one job of ours as its guides show: ask the provider, check the answer, return it with what it
cost. Its ledger is a list in Redis that each task appends to when it is done.
"""
