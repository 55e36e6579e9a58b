import pytest
from command_line import files, rechroma


@pytest.mark.usefixtures("project")
def test_studies_are_listed(capsys):
    assert rechroma("study") == 0
    assert "losses" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_a_dry_run_prints_every_training_and_starts_none(capsys):
    before = files()
    assert rechroma("study", "losses", "--dry-run", "--seeds", "7", "8", "-S", "lr=0.5") == 0
    shown = capsys.readouterr().out
    assert files() == before
    assert "lr=0.5" in shown.splitlines()[1]
    assert "losses-mse-s7-" in shown
    assert shown.splitlines()[-1].startswith(f"{len(shown.splitlines()) - 3} trainings of ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "lossess"], "did you mean 'losses'"),
        (["study", "losses", "-S", "optm=adam"], "did you mean 'optim'"),
        (["study", "losses"], "holds no dvc.yaml"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_user_error_about_a_study_is_one_line(capsys, arguments, message):
    assert rechroma(*arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1
