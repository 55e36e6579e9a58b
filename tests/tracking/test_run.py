import pytest
from mlflow.exceptions import MlflowException

from rechroma.errors import UserError
from rechroma.tracking.run import Run, terminating
from rechroma.tracking.store import connect, ensure_experiment


@pytest.fixture
def run(root) -> Run:
    client = connect(root)
    experiment = ensure_experiment(client, root, "trial")
    return Run(client, client.create_run(experiment).info.run_id)


@pytest.mark.parametrize(
    ("error", "status"), [(None, "FINISHED"), (ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_run_ends_as_its_block_does(run, error, status):
    def block() -> None:
        with terminating(run):
            if error:
                raise error

    if error:
        with pytest.raises(error):
            block()
    else:
        block()
    assert run.client.get_run(run.id).info.status == status


@pytest.mark.parametrize(
    "reason",
    ["database or disk is full", "attempt to write a readonly database", "API request to x"],
)
def test_a_store_that_fails_is_one_message(run, reason):
    with (
        pytest.raises(UserError, match=r"MLflow's store .* failed .* resumes at its last"),
        terminating(run),
    ):
        raise MlflowException(f"(sqlite3.OperationalError) {reason}\n[SQL: …]")


def test_a_wrong_request_keeps_its_error(run):
    with pytest.raises(MlflowException, match="invalid"), terminating(run):
        raise MlflowException("invalid parameter")
