"""Settings, read once from the environment; no other module reads it.

Names are `ORCHESTRATOR_<FIELD>`; vendors' own key names (`OPENAI_API_KEY` …) are taken as they are.
"""

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.tasks import MAX_REPAIRS

_USED_ELSEWHERE = {"ORCHESTRATOR_SIMULATOR_KEY"}


class Config(BaseSettings):
    """Everything that can be set, with its default. Times are in seconds."""

    model_config = SettingsConfigDict(env_prefix="ORCHESTRATOR_", frozen=True, extra="ignore")

    environment: Literal["development", "production"] = Field(
        "development", description="`production` refuses failpoints"
    )
    database_url: str | None = Field(None, description="Postgres; without it `up` starts an embedded one")
    broker_url: str | None = Field(
        None, description="Redis or Valkey; without it `up` starts an embedded one"
    )
    data_dir: Path = Field(Path(".data"), description="where the embedded servers and spools live")
    host: str = Field("127.0.0.1", description="address the API listens on")
    port: int = Field(8000, ge=0, le=65535, description="port the API listens on")
    public_url: str | None = Field(None, description="the API's address as clients see it")
    api_url: str | None = Field(None, description="the API that the command line talks to")
    api_key: SecretStr | None = Field(None, description="the API key that the command line shows there")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="what is logged, as JSON lines on standard error"
    )
    debug: bool = Field(False, description="the command line shows the traceback of an unexpected error")
    key_pepper: SecretStr | None = Field(None, description="mixed into the hashes of API keys")
    master_key: SecretStr | None = Field(
        None,
        description="seals credentials of providers: 32 random bytes in base64; several, `,` between: "
        "the first seals, all of them open",
    )
    master_key_file: Path | None = Field(
        None,
        description="holds the master key instead, one a line; default `master-key` in the data directory",
    )
    max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="largest request body")
    database_pool: int = Field(10, ge=1, le=200, description="connections of one process")
    concurrency: int = Field(100, ge=1, le=2000, description="slots of one worker process")
    lease_seconds: float = Field(60, ge=1, description="how long a claim lasts without a heartbeat")
    heartbeat_seconds: float = Field(10, gt=0, description="how often a worker renews its leases")
    dead_after_seconds: float = Field(
        45, ge=1, description="a process without a heartbeat is dead after this"
    )
    nudge_seconds: float = Field(15, ge=1, description="an unclaimed nudge is repeated after this")
    max_crashes: int = Field(3, ge=1, le=100, description="dead workers a task survives before it fails")
    unknown_final_hours: float = Field(
        24, gt=0, description="hours until the charge of a call whose outcome stays unknown is final"
    )
    drain_seconds: float = Field(30, ge=0, description="what a stopping worker gives its tasks")
    connect_timeout: float = Field(5, gt=0, description="connecting to a provider")
    first_token_timeout: float = Field(60, gt=0, description="until a provider begins to answer")
    idle_timeout: float = Field(60, gt=0, description="between two pieces of an answer")
    total_timeout: float = Field(600, gt=0, description="one provider call, whatever trickles in")
    chat_seconds: float = Field(
        600, gt=0, le=3600, description="how long `/generate` and the OpenAI front wait for an answer at most"
    )
    repair_rounds: int = Field(
        MAX_REPAIRS, ge=0, le=MAX_REPAIRS, description="times an unusable answer is mended, at most"
    )
    sandboxed_tests: bool = Field(
        False,
        description="run the tests that tasks name, on the changed files, in a sandbox without network: "
        "set for the API and the workers alike",
    )
    sandbox_reads: str = Field(
        "", description="folders that such tests may read beyond the system's and Python's own, `:` between"
    )
    max_answer_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, description="largest answer read from a provider"
    )
    cache_url: str | None = Field(
        None, description="Redis or Valkey for kept answers; without it the broker's"
    )
    cache_seconds: int = Field(
        3600, ge=1, le=604_800, description="how long an answer is kept; vectors 24 times as long"
    )
    cache_megabytes: int = Field(
        64, ge=0, description="what kept answers may take there, over all tenants; 0: none is kept"
    )
    cache_process_megabytes: int = Field(
        16, ge=0, description="what kept answers may take in each worker process besides"
    )
    circuit_minimum_calls: int = Field(5, ge=1, description="calls within a minute before a circuit may open")
    circuit_failure_ratio: float = Field(
        0.5, gt=0, le=1, description="share of failed calls within a minute that opens a circuit"
    )
    circuit_open_seconds: float = Field(
        10, gt=0, description="how long a circuit opens; doubles with each failed probe"
    )
    circuit_open_most: float = Field(300, gt=0, description="longest time that a circuit opens")
    health_check_seconds: float = Field(
        0, ge=0, description="how often each provider is asked whether it is there, for example 60; 0: never"
    )
    allow_private_webhooks: bool = Field(
        False, description="deliver webhooks to private and loopback addresses too"
    )
    allow_private_providers: bool = Field(
        False,
        description="tenants may configure providers at private and loopback addresses, and over http",
    )
    failpoints: str = Field("", description="for fault tests only: `name=kill` and the like, `;` between")
    flower_password: SecretStr | None = Field(
        None, description="basic auth of Flower; made up by `up` if unset"
    )
    metrics_port: int | None = Field(None, description="a worker or dispatcher serves /metrics here")

    @field_validator("database_url")
    @classmethod
    def _names_the_driver(cls, url: str | None) -> str | None:
        if url is None:
            return None
        scheme, separator, rest = url.partition("://")
        if not separator or scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
            raise ValueError("must look like postgresql://user:password@host:5432/database")
        return f"postgresql+psycopg://{rest}"

    @field_validator("broker_url", "cache_url")
    @classmethod
    def _names_a_redis(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("redis://", "rediss://")):
            raise ValueError("must look like redis://:password@host:6379/0, of a Redis or Valkey")
        return url

    @field_validator("failpoints")
    @classmethod
    def _not_in_production(cls, failpoints: str, info: ValidationInfo) -> str:
        if failpoints and info.data.get("environment") == "production":
            raise ValueError("must be empty in production")
        return failpoints


@cache
def config() -> Config:
    """The settings of this process."""
    return Config()


def child_environment(**settings: str | None) -> dict[str, str]:
    """This process's environment with these variables set (None: removed), for a process it starts."""
    changed = {**os.environ, **settings}
    return {name: value for name, value in changed.items() if value is not None}


def unknown_settings() -> list[str]:
    """Variables that look like settings and are none: most often a typing error."""
    known = {f"ORCHESTRATOR_{name.upper()}" for name in Config.model_fields} | _USED_ELSEWHERE
    return sorted(name for name in os.environ if name.startswith("ORCHESTRATOR_") and name not in known)


def credential(name: str) -> str | None:
    """The value of a provider credential kept in the environment under `name`."""
    return os.environ.get(name)


def shares_metrics() -> bool:
    """Whether this machine's processes sum their counters in a shared folder."""
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ
