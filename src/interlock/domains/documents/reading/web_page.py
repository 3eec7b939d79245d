"""HTML: what a reader would see of the page, by its headings; scripts and styles are dropped, nothing is fetched."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from interlock.domains.documents.reading.content import Content, Section, outline
from interlock.domains.documents.reading.plain import decoded

_DROPPED = frozenset(
    {"script", "style", "noscript", "template", "head", "iframe", "object", "embed", "svg", "canvas", "select"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "footer", "form", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section",
        "summary", "table", "tr", "ul", *_HEADINGS,
    }
)  # fmt: skip
_PARAGRAPHS = frozenset({"p", "table", "pre", "blockquote", "ul", "ol", *_HEADINGS})
_CELLS = frozenset({"td", "th"})
_SPACE = re.compile(r"\s+")
_DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE)
_PROLOGUE = 4_096


def read(content: bytes) -> Content:
    """The page's visible text."""
    page = _Page()
    body = LexborHTMLParser(_text(content)).body
    if body is not None:
        page.walk(body)
    return Content(tuple(page.finished()))


def _text(content: bytes) -> str:
    declared = _DECLARED.search(content[:_PROLOGUE])
    if declared is not None:
        try:
            return content.decode(declared[1].decode())
        except (LookupError, UnicodeDecodeError):
            pass  # a page may say what is not so; then its bytes are asked
    return decoded(content)


class _Page:
    """Text as it is gathered from the nodes of a page, without recursion: pages nest as deep as they like."""

    def __init__(self) -> None:
        self._sections: list[Section] = []
        self._titles: dict[int, str] = {}
        self._locator = ""
        self._pieces: list[str] = []
        self._preformatted = 0

    def walk(self, top: LexborNode) -> None:
        """Go through a node and all that is inside."""
        node: LexborNode | None = top
        while node is not None:
            inside = self._enter(node)
            if inside is not None:
                node = inside
                continue
            while node is not None:
                self._leave(node.tag or "")
                if node.mem_id == top.mem_id:
                    return
                if node.next is not None:
                    node = node.next
                    break
                node = node.parent

    def finished(self) -> list[Section]:
        """Every section, once the walk is over."""
        self._cut()
        return self._sections

    def _enter(self, node: LexborNode) -> LexborNode | None:
        tag = node.tag or ""
        if node.is_text_node:
            self._say(node.text_content or "")
            return None
        if tag in _DROPPED or not node.is_element_node:
            return None
        if tag in _HEADINGS:
            self._cut()
        self._pieces.append("\n" if tag == "br" else _edge(tag))
        self._preformatted += tag == "pre"
        return node.first_child

    def _leave(self, tag: str) -> None:
        if tag in _HEADINGS:
            self._locator = outline(self._titles, _HEADINGS[tag], "".join(self._pieces))
        self._preformatted -= tag == "pre"
        self._pieces.append("\t" if tag in _CELLS else _edge(tag))

    def _say(self, text: str) -> None:
        if self._preformatted:
            self._pieces.append(text)
            return
        text = _SPACE.sub(" ", text)
        if text.startswith(" ") and (not self._pieces or self._pieces[-1][-1:].isspace()):
            text = text[1:]
        if text:
            self._pieces.append(text)

    def _cut(self) -> None:
        self._sections.append(Section(self._locator, "".join(self._pieces)))
        self._pieces = []


def _edge(tag: str) -> str:
    if tag in _PARAGRAPHS:
        return "\n\n"
    return "\n" if tag in _BLOCKS else ""
