"""Tools of the platform itself, which act on no account. Not in the catalogue unless a server adds them."""

from interlock.domains.tools.adapters.call import AdapterCall, AdapterResult


async def echo(call: AdapterCall) -> AdapterResult:
    """Give back what was given: shows that the pipeline works, and measures it without a provider's time."""
    return AdapterResult({"ok": True, "echo": dict(call.arguments)})
