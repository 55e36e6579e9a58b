"""Shows the runnable examples of docstrings as code: a block from `>>>` to the next empty line."""

from typing import Any

import griffe


class FencedDoctests(griffe.Extension):
    """Puts fences around examples, which Markdown would take for quotations."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence the examples of one object, a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = fence(obj.docstring.value)


def fence(docstring: str) -> str:
    """The docstring with a fence around each example; its sections are left alone."""
    lines: list[str] = []
    inside = False
    for line in docstring.split("\n"):
        if not inside and line.startswith(">>>"):
            # The blank line keeps the example out of a section before it.
            lines += ["", "```pycon"]
            inside = True
        elif inside and not line.strip():
            lines.append("```")
            inside = False
        lines.append(line)
    if inside:
        lines.append("```")
    return "\n".join(lines)
