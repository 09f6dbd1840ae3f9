"""A plain application: FastAPI, Celery on threads, SQLAlchemy's ORM, httpx, as their guides show them.

It does the same tasks as ours: stores them, has a provider answer, applies and checks the answer,
keeps the result and what it cost. It has no fence, intents, fair shares, retries of its own or events.
"""
