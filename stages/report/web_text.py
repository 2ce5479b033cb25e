"""Markdown of ours, and words of models, as parts of a page that loads nothing from anywhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

SMALLEST, LARGEST = 0.85, 1.4  # pixels of a page for a point of a figure, whose words have 8.5
TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, **values: Any) -> str:
    """A page of templates/; every value that is not Markup is text and is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)


@dataclass(frozen=True)
class Image:
    """An SVG as the address of an image, so that it needs no file beside the page."""

    image: str
    size: str  # CSS: words as large as those around it, and on a narrow page still to be read
    caption: str = ""

    @classmethod
    def of(cls, svg: str, caption: str = "") -> Image:
        width = float(re.search(r'width="([0-9.]+)pt"', svg)[1])  # type: ignore[index]
        address = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
        size = f"min-width: {SMALLEST * width:.0f}px; max-width: {LARGEST * width:.0f}px"
        return cls(address, size, caption)


def markdown(text: str, images: Mapping[str, Image]) -> Markup:
    """Markdown without HTML in it. images: what a picture's address stands for, else its words."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")

    def picture(
        renderer: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any
    ) -> str:
        found = images.get(str(tokens[at].attrs["src"]))
        words = tokens[at].content
        if found is None:
            return str(Markup("<em>{}</em>").format(words))
        form = Markup('<span class="scroll figure"><img src="{}" alt="{}" style="{}"></span>')
        return str(form.format(found.image, words, found.size))

    parser.add_render_rule("image", lambda *given: picture(*given))
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return Markup(parser.render(text))
