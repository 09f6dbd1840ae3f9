"""Prompts as the worker writes them, and a reading of answers that shares no code with the simulator."""

import re

from orchestrator.simulator.scripts.answer import script
from orchestrator.simulator.wire import Message, Role

MERGE = '''\
"""Intervals on a line."""


def merge(intervals):
    """Join intervals that overlap or touch."""
    merged = []
    for start, end in intervals:
        if merged and start < merged[-1][1]:
            last_start, last_end = merged[-1]
            merged[-1] = (last_start, max(last_end, end))
        else:
            merged.append((start, end))
    return merged
'''
DIFF = """\
diff --git a/app/users.py b/app/users.py
index 1111111..2222222 100644
--- a/app/users.py
+++ b/app/users.py
@@ -1,2 +1,19 @@
 import sqlite3
-def old(): ...
+PASSWORD = "hunter2hunter2"
+
+
+def find_user(db, name, seen=[]):
+    seen.append(name)
+    rows = db.execute(f"SELECT * FROM users WHERE name = '{name}'")
+    return rows.fetchall()
+
+
+def totals(orders: list[int]) -> int:
+    total = 0
+    try:
+        for i in range(len(orders) + 1):
+            total += orders[i]
+    except:
+        pass
+    return total
+
"""


def ask(kind: str, user: str, *, repair: bool = False) -> tuple[Message, ...]:
    """The messages of one task; a repair round has the earlier answer and what was wrong with it."""
    messages = (Message(Role.SYSTEM, f"You are careful.\nTask kind: {kind}\n"), Message(Role.USER, user))
    if not repair:
        return messages
    again = Message(Role.USER, "<problems>the SEARCH lines were not found</problems>")
    return (*messages, Message(Role.ASSISTANT, "an earlier answer"), again)


def file(path: str, content: str) -> str:
    """A file as a prompt shows it."""
    ended = content if content.endswith("\n") else f"{content}\n"
    return f'<file path="{path}">\n{ended}</file>'


def answered(kind: str, user: str) -> str:
    """The answer to a first round."""
    return script(ask(kind, user))


def applied(answer: str, files: dict[str, str]) -> dict[str, str]:
    """The files after the answer's blocks; a block that doesn't fit exactly once is an error."""
    after = dict(files)
    blocks = re.findall(
        r"^(\S+)\n<{7} SEARCH\n(.*?)^={7}\n(.*?)\n>{7} REPLACE$", answer, re.MULTILINE | re.DOTALL
    )
    if not blocks:
        raise ValueError("no blocks")
    for path, search, replacement in blocks:
        if not search:
            if path in after:
                raise ValueError(f"{path} exists")
            after[path] = replacement + "\n"
        elif after.get(path, "").count(search) != 1:
            raise ValueError(f"{path}: the lines occur {after.get(path, '').count(search)} times")
        else:
            after[path] = after[path].replace(search, replacement + "\n")
    return after
