"""Typed settings, read once from the environment in main.py and handed down; nobody else looks at the environment."""

from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode]
Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """Every knob of a server; each is `INTERLOCK_<NAME>` in the environment."""

    model_config = SettingsConfigDict(env_prefix="INTERLOCK_", frozen=True, extra="ignore")

    data_dir: Path = Path("data")
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=0, le=65535)
    public_url: str | None = None
    master_key: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "text"
    sqlite_synchronous: Literal["normal", "full"] = "normal"
    database_pool: int = Field(default=10, ge=2, le=100)
    max_body_bytes: int = Field(default=10_000_000, ge=1_000)
    max_upload_bytes: int = Field(default=25_000_000, ge=1_000, le=500_000_000)
    max_json_depth: int = Field(default=64, ge=8, le=256)
    rate_limit_per_minute: int = Field(default=60, ge=1)
    embed_rate_limit_per_minute: int = Field(default=30, ge=1)
    dashboard_rate_limit_per_minute: int = Field(default=1_200, ge=1)
    hook_rate_limit_per_minute: int = Field(default=600, ge=1)
    trusted_proxies: Networks = ()
    allowed_hosts: Names = ()
    allowed_origins: Names = ()
    http_allow_private: Networks = ()
    http_timeout_seconds: float = Field(default=30.0, gt=0)
    http_max_response_bytes: int = Field(default=10_000_000, ge=1_000)
    approval_hours: float = Field(default=24.0, gt=0)
    check_hold_minutes: float = Field(default=15.0, gt=0)
    attestation_years: int = Field(default=10, ge=0)
    default_monthly_cap: Decimal | None = Field(default=None, ge=0)
    local_model_threads: int = Field(default=1, ge=1, le=64)
    openai_api_key: SecretStr | None = None
    anthropic_api_key: SecretStr | None = None
    google_api_key: SecretStr | None = None
    openrouter_api_key: SecretStr | None = None
    ollama_url: str | None = None
    otlp_endpoint: str | None = None

    @field_validator("trusted_proxies", "allowed_hosts", "allowed_origins", "http_allow_private", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: str | None) -> str | None:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://; leave it out to keep the data in the data directory")
        return value or None

    @property
    def base_url(self) -> str:
        """Where this server is reached, without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def is_postgres(self) -> bool:
        """Whether the truth lives in PostgreSQL rather than in the data directory."""
        return self.database_url is not None
