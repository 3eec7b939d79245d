"""What goes wrong outside, in our words. Headers and paths stay out of every message: both carry secrets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from interlock.kit.errors import InterlockError, Kind, invalid


def cause_of(error: BaseException) -> InterlockError | None:
    """The refusal or failure of ours that a library wrapped into an error of its own, if there is one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, InterlockError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def in_our_words(origin: str) -> Iterator[None]:
    """Turn the transport's errors into ours; `origin` is scheme, host and port, and all of the URL that is told."""
    try:
        yield
    except TimeoutError as error:
        raise InterlockError(
            Kind.UPSTREAM_TIMEOUT, f"{origin} did not answer in time.", code="provider_timeout", data={"origin": origin}
        ) from error
    except aiohttp.ClientSSLError as error:
        raise upstream(
            f"No secure connection to {origin}: its certificate or protocol is not accepted.",
            "provider_unreachable",
            origin,
        ) from error
    except aiohttp.ClientConnectorError as error:
        raise upstream(f"{origin} cannot be reached ({_reason(error)}).", "provider_unreachable", origin) from error
    except aiohttp.ClientResponseError:
        raise upstream(f"{origin} did not answer in HTTP.", "provider_bad_response", origin) from None
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ConnectionError) as error:
        if isinstance(error.__cause__, ContentEncodingError):
            raise upstream(
                f"{origin} sent a body that cannot be decompressed.", "provider_bad_response", origin
            ) from error
        raise upstream(
            f"{origin} cut the connection before its answer was complete.", "provider_cut", origin
        ) from error
    except aiohttp.InvalidURL:
        raise invalid("The URL cannot be used.", field="url") from None


def _reason(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name cannot be resolved"
    return error.strerror or "no connection"


def upstream(message: str, code: str, origin: str, **data: Any) -> InterlockError:
    """An UPSTREAM error about one origin."""
    return InterlockError(Kind.UPSTREAM, message, code=code, data={"origin": origin, **data})


def too_large(origin: str, limit: int) -> InterlockError:
    """The answer is larger than the caller allows."""
    return upstream(
        f"The answer of {origin} is larger than {limit} bytes.", "provider_response_too_large", origin, max_bytes=limit
    )


def refused(host: str, reason: str) -> InterlockError:
    """The guard keeps this host closed."""
    return InterlockError(
        Kind.FORBIDDEN,
        f"The server does not connect to '{host}': it is a {reason} address.",
        code="address_refused",
        data={"host": host, "reason": reason},
        hint="If this target is meant, add its network to INTERLOCK_HTTP_ALLOW_PRIVATE.",
    )


def redirected(origin: str, response: aiohttp.ClientResponse) -> InterlockError:
    """Names where the redirect leads, without its path or query."""
    try:
        place = str(response.url.join(URL(response.headers["Location"])).origin())
    except ValueError:
        place = "a place that cannot be read"
    where = "another path of the same host" if place == origin else place
    return upstream(
        f"{origin} answered {response.status}, a redirect to {where}; redirects are not followed.",
        "provider_redirected",
        origin,
        status=response.status,
        target=place,
    )
