import sys

from command_line import rechroma

from rechroma.apps.web import application
from rechroma.apps.web.server import listen


def test_without_gradio_the_command_names_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert rechroma("web") == 2
    assert capsys.readouterr().err == (
        "rechroma: rechroma web needs gradio: pip install 'rechroma[web]'\n"
    )


def test_a_taken_port_is_reported_before_a_model_is_loaded(monkeypatch, capsys):
    monkeypatch.setattr(application, "require_gradio", lambda: None)
    with listen(0) as listening:
        port = listening.getsockname()[1]
        assert rechroma("web", "--port", str(port), "--model", "gone") == 2
    assert capsys.readouterr().err == (
        f"rechroma: port {port} is taken, choose another one with --port\n"
    )
