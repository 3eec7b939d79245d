"""Answers of models as HTML: Markdown in which no markup, no remote image and no odd link survives.

Source: CommonMark, through markdown-it-py with its own HTML switched off; tables and strikethrough as GitHub has them.
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup

from interlock.runtime.lazy import lazy

if TYPE_CHECKING:
    import markdown_it
else:
    markdown_it = lazy("markdown_it")

_SCHEMES = frozenset({"http", "https", "mailto"})
_DEEPEST = 20
_HEADINGS = {f"h{level}": f"h{min(level + 2, 6)}" for level in range(1, 7)}  # below the page's own


def rendered(text: str) -> Markup:
    """Text of a model, or of a person, as HTML that is safe to show."""
    return Markup(_renderer().render(text))  # noqa: S704 - the renderer escapes all text and makes every tag itself


@cache
def _renderer() -> "markdown_it.MarkdownIt":
    made = markdown_it.MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    made.enable(["table", "strikethrough"])
    # The library knows this hook by the name of its method.
    made.validateLink = _is_harmless  # type: ignore[method-assign]
    made.add_render_rule("image", _image)
    made.add_render_rule("link_open", _link)
    made.add_render_rule("table_open", _table_open)
    made.add_render_rule("table_close", _table_close)
    made.add_render_rule("heading_open", _heading)
    made.add_render_rule("heading_close", _heading)
    made.add_render_rule("fence", _code)
    made.add_render_rule("code_block", _code)
    return made


def _is_harmless(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.lower() in _SCHEMES
    except ValueError:
        return False


def _image(_renderer: Any, tokens: Sequence[Any], index: int, _options: Any, _env: Any) -> str:
    """A picture from elsewhere would tell elsewhere who reads: its name stands in its place."""
    return f'<span class="muted">[picture: {Markup.escape(tokens[index].content or "without a name")}]</span>'


def _link(renderer: Any, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    tokens[index].attrSet("target", "_blank")
    return str(renderer.renderToken(tokens, index, options, env))


def _table_open(_renderer: Any, _tokens: Sequence[Any], _index: int, _options: Any, _env: Any) -> str:
    return '<div class="scroll" tabindex="0"><table>'


def _table_close(_renderer: Any, _tokens: Sequence[Any], _index: int, _options: Any, _env: Any) -> str:
    return "</table></div>"


def _heading(renderer: Any, tokens: Sequence[Any], index: int, options: Any, env: Any) -> str:
    tokens[index].tag = _HEADINGS.get(tokens[index].tag, tokens[index].tag)
    return str(renderer.renderToken(tokens, index, options, env))


def _code(_renderer: Any, tokens: Sequence[Any], index: int, _options: Any, _env: Any) -> str:
    return f'<pre tabindex="0"><code>{Markup.escape(tokens[index].content)}</code></pre>\n'
