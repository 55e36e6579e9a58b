import pytest

from rechroma.errors import UserError
from rechroma.training.loss_expression import parse_loss


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("mse", {"mse": 1}),
        ("bce+100*mse", {"bce": 1, "mse": 100}),
        ("0.5*l1 + mse*0.5", {"l1": 0.5, "mse": 0.5}),
        ("1e+2*mse + tv", {"mse": 100, "tv": 1}),
    ],
)
def test_an_expression_gives_each_term_its_weight(expression, expected):
    assert parse_loss(expression) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("mes", r"^loss: a term is 'mes', did you mean 'mse'\?$"),
        ("mse +", "^loss is 'mse \\+', expected a sum like 'bce \\+ 100\\*mse' or "),
        ("mse - l1", "expected a sum like"),
        ("mse*l1", "expected a sum like"),
        ("'2'*mse", "expected a sum like"),
        ("", "expected a sum like"),
        ("mse + 2*mse", r"^loss is 'mse \+ 2\*mse': mse appears twice, add its weights$"),
        ("mse + segmentation", r"^loss has 'segmentation', which needs model.segmentation: true$"),
        ("mse + histogram", r"^loss has 'histogram', which needs model.hues: true$"),
        ("mse + cells", r"^loss has 'cells', which needs model.hues: true$"),
        ("__import__('os')", "expected a sum like"),
    ],
)
def test_a_wrong_expression_is_one_clear_message(expression, message):
    with pytest.raises(UserError, match=message):
        parse_loss(expression)


def test_a_segmenting_network_trains_its_segmentation():
    assert parse_loss("l1", segmented=True) == {"l1": 1, "segmentation": 1}
    assert parse_loss("l1 + 0.1*segmentation", segmented=True)["segmentation"] == 0.1


def test_a_network_that_predicts_hues_trains_their_histogram():
    assert parse_loss("l1", hues=True) == {"l1": 1, "histogram": 0.05}
    assert parse_loss("l1 + 2*histogram", hues=True)["histogram"] == 2


def test_an_earlier_name_of_a_term_is_accepted():
    assert parse_loss("l1 + 0.1*places", hues=True)["cells"] == 0.1
