"""Tables in Markdown, with a single space around each cell however long its neighbors are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tabulate import DataRow, TableFormat

if TYPE_CHECKING:
    import pandas as pd


def _line_below_header(widths: Sequence[int], alignments: Sequence[str]) -> str:  # noqa: ARG001
    return f"|{' --- |' * len(widths)}"


_ROW = DataRow("|", "|", "|")
MARKDOWN = TableFormat(
    lineabove=None,
    linebelowheader=_line_below_header,
    linebetweenrows=None,
    linebelow=None,
    headerrow=_ROW,
    datarow=_ROW,
    padding=1,
    with_header_hide=None,
)


def markdown_table(table: "pd.DataFrame") -> str:
    """The table as text, without its index; text in cells is not changed, numbers are printed.

    >>> import pandas as pd
    >>> print(markdown_table(pd.DataFrame({"arm": ["adam", "lion"], "score": ["0.40", "0.38"]})))
    | arm | score |
    | --- | --- |
    | adam | 0.40 |
    | lion | 0.38 |
    """
    text: str = table.to_markdown(
        index=False, tablefmt=MARKDOWN, stralign=None, disable_numparse=True
    )
    return text
