"""Workers on real parts: Postgres, Valkey, Celery, and the simulator over HTTP."""
