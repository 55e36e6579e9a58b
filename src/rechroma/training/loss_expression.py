"""The loss as an expression, a weighted sum of terms: `bce + 100*mse`."""

import ast

from rechroma.errors import UserError, unknown
from rechroma.training.losses import TERMS

RENAMED = {"places": "cells"}  # earlier names of terms, still accepted
HISTOGRAM_WEIGHT = 0.05  # of `histogram`, where the loss does not name it


def parse_loss(expression: str, segmented: bool = False, hues: bool = False) -> dict[str, float]:
    """The weight of each term in an expression such as `bce + 100*mse`.

    What the network predicts beside colors is trained in any case: where the expression does not
    name it, `segmentation` is added with weight 1 and `histogram` with 0.05.

    Args:
        expression: a sum of terms, each with a number before or after it, or alone.
        segmented: the network segments the damage.
        hues: the network predicts hue histograms.

    Raises:
        UserError: the expression is no such sum, or has a term that is unknown, repeated, or not
            predicted by the network.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        raise _no_sum(expression) from error
    # Each term once, by its present name.
    weights: dict[str, float] = {}
    for name, weight in _weighted_terms(tree, expression):
        name = RENAMED.get(name, name)
        if name not in TERMS:
            raise unknown("loss: a term", name, TERMS)
        if name in weights:
            raise UserError(f"loss is '{expression}': {name} appears twice, add its weights")
        weights[name] = weight
    # A term needs what it compares.
    if "segmentation" in weights and not segmented:
        raise UserError("loss has 'segmentation', which needs model.segmentation: true")
    for name in sorted({"histogram", "cells"} & weights.keys()):
        if not hues:
            raise UserError(f"loss has '{name}', which needs model.hues: true")
    # What is predicted is trained.
    if segmented:
        weights.setdefault("segmentation", 1.0)
    if hues:
        weights.setdefault("histogram", HISTOGRAM_WEIGHT)
    return weights


def _weighted_terms(tree: ast.expr, expression: str) -> list[tuple[str, float]]:
    """The terms and weights in a syntax tree, from left to right."""
    match tree:
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _weighted_terms(left, expression) + _weighted_terms(right, expression)
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
