import json

import pytest

from rechroma.apps.blind.votes import read_all_votes, read_votes
from rechroma.errors import UserError


@pytest.fixture
def write(tmp_path):
    """Writes a file of votes: `write("anna.csv", "1,left")`."""

    def write(name, content):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_the_result_of_the_page_is_read_by_ids(write, key):
    ids = [pair.id for pair in key.pairs]
    content = {"page": key.page, "voter": " Anna ", "votes": {ids[1]: "right", ids[0]: "none"}}
    votes = read_votes(write("votes.json", content), key)
    assert (votes.voter, votes.choices) == ("Anna", {2: "right", 1: "none"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ben.csv", "1,left\n3,none\n"),
        ("ben.CSV", "\ufeffpair;vote\n1; LEFT \n2;\n\n3;tie\n;\n"),
        ("ben.csv", "page,PAGE,\nnumber,vote,,\n1,l,\n2,,\n3,=\n"),
        ("ben.json", '{"1": "left", "3": "none"}'),
        ("ben.json", '{"page": "PAGE", "votes": {"1": "left", "3": "n"}}'),
    ],
)
def test_votes_by_hand_are_read_by_numbers(write, key, name, content):
    votes = read_votes(write(name, content.replace("PAGE", key.page)), key)
    assert (votes.voter, votes.choices) == ("ben", {1: "left", 3: "none"})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "page,0123\n1,left", r"a\.csv: is of the page 0123, expected"),
        ("a.json", {"page": "0123", "votes": {}}, r"a\.json: is of the page 0123, expected"),
        ("a.csv", "1,left\n4,left", "line 2: has the pair '4', which the page .* expected 1 to 3"),
        ("a.json", {"ffff": "left"}, "has the pair 'ffff', which the page"),
        ("a.csv", "1,left\n2,up", "line 2: is 'up', expected left, right or none"),
        ("a.json", {"1": 7}, "pair 1: is '7', expected left"),
        ("a.csv", "1,left\n2,left\n1,right", "line 3: has the pair '1' again"),
        ("a.json", '{"1": "left", "1": "right"}', "has '1' twice"),
        ("a.csv", "1,left,right", "line 1: expected a number and a vote, as 1,left"),
        ("a.csv", "1 left", "line 1: expected a number and a vote"),
        ("a.csv", "page,\n", r"a\.csv: is of the page"),
        ("a.csv", "1,\n2,\n", "holds no vote, expected at least one"),
        ("a.json", "left", "is no JSON"),
        ("a.json", "[1]", "holds no votes, expected the result of the page"),
        ("a.json", {"voter": "x", "votes": 3}, "holds no votes, expected the result of the page"),
        ("a.txt", "1,left", r"a\.txt: expected votes in a file with the suffix"),
    ],
)
def test_votes_that_cannot_count_are_a_user_error(write, key, name, content, message):
    with pytest.raises(UserError, match=message):
        read_votes(write(name, content), key)


def test_a_pair_by_id_and_by_number_is_there_twice(write, key):
    with pytest.raises(UserError, match="again, expected each pair once"):
        read_votes(write("a.json", {"1": "left", key.pairs[0].id: "left"}), key)


def test_a_file_that_is_missing_or_no_text_is_a_user_error(tmp_path, key):
    with pytest.raises(UserError, match=r"a\.csv: is missing, expected votes"):
        read_votes(tmp_path / "a.csv", key)
    (tmp_path / "a.csv").write_bytes("1,left".encode("utf-16"))
    with pytest.raises(UserError, match=r"a\.csv: is no text in UTF-8"):
        read_votes(tmp_path / "a.csv", key)


def test_two_files_of_one_person_are_a_user_error(write, key):
    one = write("one.json", {"voter": "Anna", "votes": {"1": "left"}})
    two = write("two.json", {"voter": "Anna", "votes": {"1": "right"}})
    ben = write("ben.csv", "1,left")
    assert [votes.voter for votes in read_all_votes([one, ben], key)] == ["Anna", "ben"]
    with pytest.raises(UserError, match=r"two\.json: is of 'Anna', as .*one\.json is"):
        read_all_votes([one, ben, two], key)
    with pytest.raises(UserError, match=r"is of 'ben', as"):
        read_all_votes([ben, ben], key)
