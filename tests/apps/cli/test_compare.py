import pytest
from command_line import rechroma


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare"], "expected either a study's name or --filter"),
        (["compare", "losses"], "start it: rechroma study losses"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_user_error_about_a_comparison_is_one_line(capsys, arguments, message):
    assert rechroma(*arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
