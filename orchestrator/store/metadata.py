"""What all tables have in common: the one metadata that they belong to, and how a time is kept."""

from sqlalchemy import DateTime, MetaData

metadata = MetaData()
TIME = DateTime(timezone=True)
