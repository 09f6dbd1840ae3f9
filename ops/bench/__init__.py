"""The benchmark: the real product on real parts, each a process, measured from outside.

Postgres keeps fsync, full_page_writes and synchronous_commit on; what is measured is what `up` runs.
"""
