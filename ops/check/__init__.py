"""House law that the usual linters don't know, as small pure functions over one file's syntax tree.

`python -m ops.check` prints `path:line: message` for every breach and exits 1 when there is one.
"""
