"""The DVC project in a folder, which experiments need."""

from pathlib import Path
from typing import TYPE_CHECKING

from rechroma.errors import UserError

if TYPE_CHECKING:
    from dvc.repo import Repo


def open_repo(root: Path) -> "Repo":
    """The DVC project in the folder `root`, in a Git repository with a commit.

    Raises:
        UserError: it is not one.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from scmrepo.exceptions import SCMError

    try:
        repo = Repo(str(root))
        _ = repo.experiments  # which only a Git repository has
        repo.scm.get_rev()
    except (DvcException, SCMError) as error:
        missing = {"git init": ".git", "dvc init": ".dvc"}
        steps = [command for command, folder in missing.items() if not (root / folder).exists()]
        if "no_scm" in str(error):
            steps.append("dvc config core.no_scm false")
        steps += ["git add -A", "git commit -m start"]
        reason = str(error).partition(". ")[0]
        raise UserError(
            f"{root} is no project of Git and DVC with a commit ({reason}), which experiments "
            f"need; make it one: {' && '.join(steps)}"
        ) from error
    return repo
