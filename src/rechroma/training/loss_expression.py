"""The loss as an expression that weighs terms: `bce + 100*mse`."""

import ast

from rechroma.errors import UserError, unknown
from rechroma.training.losses import TERMS

RENAMED = {"places": "cells"}  # terms by the names they had before
HISTOGRAM_WEIGHT = 0.05  # beside a loss that does not name it


def parse_loss(expression: str, segmented: bool = False, hues: bool = False) -> dict[str, float]:
    """The weight of each term in an expression such as `bce + 100*mse`.

    What a network says beside colors is trained too: when the expression does not name it,
    `segmentation` is added with weight 1 and `histogram` with 0.05.

    Raises:
        UserError: a term that does not exist or is repeated, or no sum of numbers times terms.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError:
        raise _no_sum(expression) from None
    found: dict[str, float] = {}
    for name, weight in _summands(tree, expression):
        name = RENAMED.get(name, name)
        if name not in TERMS:
            raise unknown("loss: a term", name, TERMS)
        if name in found:
            raise UserError(f"loss is '{expression}': {name} stands there twice")
        found[name] = weight
    if "segmentation" in found and not segmented:
        raise UserError("loss has 'segmentation', which needs model.segmentation: true")
    for name in sorted({"histogram", "cells"} & found.keys()):
        if not hues:
            raise UserError(f"loss has '{name}', which needs model.hues: true")
    if segmented:
        found.setdefault("segmentation", 1.0)
    if hues:
        found.setdefault("histogram", HISTOGRAM_WEIGHT)
    return found


def _summands(tree: ast.expr, expression: str) -> list[tuple[str, float]]:
    match tree:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _summands(left, expression) + _summands(right, expression)
        case (
            ast.BinOp(left=ast.Constant(value=int() | float() as weight), op=ast.Mult(), right=term)
            | ast.BinOp(
                left=term, op=ast.Mult(), right=ast.Constant(value=int() | float() as weight)
            )
        ) if isinstance(term, ast.Name):
            return [(term.id, float(weight))]
        case ast.Name(id=name):
            return [(name, 1.0)]
        case _:
            raise _no_sum(expression)


def _no_sum(expression: str) -> UserError:
    return UserError(
        f"loss is '{expression}', expected a sum like 'bce + 100*mse' or '0.3*l1 + ssim'"
    )
