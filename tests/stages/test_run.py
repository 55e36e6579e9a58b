import pytest

from rechroma.errors import UserError
from stages import run


def failing(error):
    def stage():
        raise error

    return stage


def test_a_missing_extra_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr("rechroma.extras.find_spec", lambda _: None)
    with pytest.raises(SystemExit, match="2"):
        run(failing(ModuleNotFoundError("No module named 'torch'", name="torch")))
    error = capsys.readouterr().err
    assert "this needs torch, which is not installed: pip install 'rechroma[train]'" in error
    assert error.count("\n") == 1


def test_a_missing_module_of_the_program_keeps_its_traceback():
    with pytest.raises(ModuleNotFoundError):
        run(failing(ModuleNotFoundError(name="rechroma.colour")))


def test_a_mistake_is_one_line(capsys):
    with pytest.raises(SystemExit, match="2"):
        run(failing(UserError("params.yaml: is missing")))
    assert capsys.readouterr().err.endswith(": params.yaml: is missing\n")
