from command_line import rechroma


def test_models_are_listed_with_score_and_license(model, capsys, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    model("models/restorer")
    assert rechroma("models") == 0
    first, score, rights, own, *_ = capsys.readouterr().out.splitlines()
    assert first == "(bundled, the default without another)"
    assert score.startswith("    score: ")
    assert rights.startswith("    license: Research use only")
    assert own == "models/restorer"
