"""What kinds of AI systems there are."""

from enum import StrEnum


class SystemKind(StrEnum):
    """What a registered system is."""

    AGENT = "agent"
    MCP_CLIENT = "mcp_client"
    WORKFLOW = "workflow"
    LLM_PROVIDER = "llm_provider"
    ADAPTER = "adapter"
