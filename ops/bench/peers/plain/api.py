"""The API: take a task, store it, send it to Celery; show a task."""

import os
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from ops.bench.peers.plain.tables import Base, Session, Task, engine
from ops.bench.peers.plain.work import run

Base.metadata.create_all(engine)
app = FastAPI()


class SourceFile(BaseModel):
    """A file of the repository."""

    path: str
    content: str


class Context(BaseModel):
    """What is to be mended."""

    description: str = Field(min_length=1)
    files: list[SourceFile] = Field(min_length=1)
    acceptance_criteria: list[str] = []


class NewTask(BaseModel):
    """A task to be done."""

    kind: str
    context: Context


class TaskView(BaseModel):
    """A task as its submitter sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    status: str
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def authorised(authorization: Annotated[str, Header()] = "") -> None:
    """Refuse whoever has not the key."""
    if authorization != f"Bearer {os.environ['PLAIN_KEY']}":
        raise HTTPException(401)


@app.post("/tasks", status_code=202, response_model=TaskView, dependencies=[Depends(authorised)])
def submit(new: NewTask) -> Task:
    """Store a task and queue it."""
    with Session(expire_on_commit=False) as session:
        task = Task(kind=new.kind, context=new.context.model_dump())
        session.add(task)
        session.commit()
    run.delay(str(task.id))
    return task


@app.get("/tasks/{task_id}", response_model=TaskView, dependencies=[Depends(authorised)])
def show(task_id: UUID) -> Task:
    """Show a task."""
    with Session() as session:
        task = session.get(Task, task_id)
    if task is None:
        raise HTTPException(404)
    return task


@app.get("/health")
def health() -> dict[str, str]:
    """Say that it runs."""
    return {"status": "ok"}
