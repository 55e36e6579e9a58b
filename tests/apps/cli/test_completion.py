import re
import subprocess

import pytest
from command_line import rechroma

from rechroma.apps.cli.completion import SHELLS

# Prints what bash would offer for the last of the words.
COMPLETE = """
source completion.bash
COMP_WORDS=(rechroma {words}); COMP_CWORD={last}
function=$(complete -p rechroma | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
$function rechroma "${{COMP_WORDS[$COMP_CWORD]}}" "${{COMP_WORDS[$COMP_CWORD-1]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def script(capsys):
    """The script for a shell."""

    def of(shell):
        assert rechroma("--print-completion", shell) == 0
        return capsys.readouterr().out

    return of


@pytest.fixture
def offered(script, desk):
    """What bash offers after some words, of which the last is begun."""
    (desk / "completion.bash").write_text(script("bash"))

    def of(*words):
        code = COMPLETE.format(words=" ".join(words), last=len(words))
        ran = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True)
        assert not ran.stderr
        return set(ran.stdout.split())

    return of


def test_the_script_for_bash_is_valid(script, desk):
    (desk / "completion.bash").write_text(script("bash"))
    subprocess.run(["bash", "-n", "completion.bash"], check=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script_with_the_options_of_commands(script, shell):
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)*", script(shell)))
    assert {"keep-color", "save-masks", "avif"} <= words


def test_bash_completes_commands_options_choices_and_files(offered, desk):
    (desk / "old.jpg").touch()
    assert offered("re") == {"restore"}
    assert {"--out", "--mask", "--jobs", "--json", "--quiet"} <= offered("restore", "--")
    assert offered("restore", "--jo") == {"--jobs"}
    assert offered("restore", "x", "--format", '""') >= {"png", "jpeg2000"}
    assert offered("restore", "ol") == {"old.jpg"}
    assert offered("restore", "x", "--mask", "ol") == {"old.jpg"}


def test_an_unknown_shell_is_one_line(capsys):
    assert rechroma("--print-completion", "powershell") == 2
    assert "invalid choice: 'powershell'" in capsys.readouterr().err
