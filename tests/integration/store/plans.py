"""Plans as Postgres carries them out: which tables are scanned whole, and how many rows are read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import ClientCursor

from orchestrator.store.statements import Statement

BIG: Final = (
    "tasks", "task_payloads", "task_results", "attempts", "calls", "call_answers", "events", "ledger",
    "deliveries", "chores", "budgets", "budget_windows", "call_charges", "gates",
    "credentials", "provider_checks",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Plan:
    """A plan that was carried out."""

    nodes: tuple[Mapping[str, Any], ...]

    def __repr__(self) -> str:
        return "\n".join(
            f"{node['Node Type']} {node.get('Relation Name')} {node.get('Index Name', '')}"
            f" rows={node['Actual Rows']} removed={node.get('Rows Removed by Filter', 0)}"
            f" loops={node['Actual Loops']} {node.get('Index Cond', '')} {node.get('Filter', '')}"
            for node in self.nodes
            if "Scan" in node["Node Type"] and node["Actual Loops"] and "Relation Name" in node
        )

    @property
    def whole_scans(self) -> list[str]:
        """Big tables that were read from end to end, and did hold rows."""
        return [
            node["Relation Name"]
            for node in self.nodes
            if node["Node Type"] == "Seq Scan"
            and node["Relation Name"].startswith(BIG)
            and node["Actual Loops"]
            and node["Actual Rows"] + node.get("Rows Removed by Filter", 0) > 0
        ]

    @property
    def rows_read(self) -> float:
        """Rows that scans of big tables read, those that a filter removed included."""
        return float(
            sum(
                (
                    node["Actual Rows"]
                    + node.get("Rows Removed by Filter", 0)
                    + node.get("Rows Removed by Index Recheck", 0)
                )
                * node["Actual Loops"]
                for node in self.nodes
                if str(node.get("Relation Name", "")).startswith(BIG) and "Scan" in node["Node Type"]
            )
        )


def explained(url: str, statement: Statement, params: Mapping[str, Any], *, generic: bool) -> Plan:
    """The plan of a statement, carried out and rolled back; `generic`: as a prepared statement has it."""
    plain = f"postgresql://{url.partition('://')[2]}"
    with psycopg.connect(plain, cursor_factory=ClientCursor) as connection:
        cursor = connection.cursor()
        if generic:
            rows = _generic(cursor, statement, params)
        else:
            asked = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.driver}"
            rows = cursor.execute(asked.encode(), params).fetchone()
        connection.rollback()
    assert rows is not None
    plan = rows[0] if isinstance(rows[0], list) else json.loads(rows[0])
    return Plan(tuple(_nodes(plan[0]["Plan"])))


def _generic(cursor: Any, statement: Statement, params: Mapping[str, Any]) -> Any:
    names = list(statement.names)
    numbers = {name: f"${position}" for position, name in enumerate(names, 1)}
    types = ", ".join(_type(params[name]) for name in names)
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    cursor.execute(f"PREPARE hot{f'({types})' if names else ''} AS {statement.driver % numbers}".encode())
    call = f"EXECUTE hot({', '.join('%s' for _ in names)})" if names else "EXECUTE hot"
    values = [params[name] for name in names]
    row = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {call}".encode(), values).fetchone()
    cursor.execute("DEALLOCATE hot")
    return row


def _type(value: object) -> str:
    """The type under which psycopg sends a value; Postgres guesses texts and NULL from their place."""
    if isinstance(value, list):
        return f"{_type(value[0])}[]" if value and not isinstance(value[0], str) else "text[]"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "smallint" if abs(value) < 2**15 else "bigint"
    names: dict[type, str] = {UUID: "uuid", float: "float8", bytes: "bytea", datetime: "timestamptz"}
    return names.get(type(value), "unknown")


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)
