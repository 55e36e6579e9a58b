import numpy as np
from command_line import get

from rechroma.apps.blind.page import Deck
from rechroma.apps.blind.pairs import draw_pairs
from rechroma.apps.blind.sheets import WIDTH, write_sheets
from rechroma.apps.blind.votes import read_votes


def test_sheets_show_the_pairs_in_their_order_on_their_sides(tmp_path, deck):
    votes, sheet = write_sheets(deck, tmp_path / "sheets")
    assert (votes.name, sheet.name) == ("votes.csv", "pairs-1-3.png")
    picture = get(sheet)
    rows = np.split(picture, 3)
    for pair, row in zip(deck.pairs, rows, strict=True):
        halves = np.split(row[50:80], [row.shape[1] // 2], axis=1)
        shown = [half[:, 20:50].mean() for half in halves]
        expected = [(90, 150)[side] + pair.photo for side in (pair.left, pair.right)]
        assert np.allclose(shown, expected, atol=2)


def test_the_votes_beside_the_sheets_only_need_to_be_filled_in(tmp_path, deck, key):
    votes, _ = write_sheets(deck, tmp_path / "sheets")
    filled = votes.read_text().replace("\n2,", "\n2,left")
    votes.write_text(filled)
    assert read_votes(votes, key).choices == {2: "left"}


def test_large_pairs_are_reduced_and_take_several_sheets(tmp_path):
    deck = Deck(draw_pairs([f"{number}" for number in range(10)], ["a", "b"], seed=1))
    for photo in range(10):
        deck.add(photo, [np.zeros((900, 850, 3), np.uint8)] * 2)
    _, *sheets = write_sheets(deck, tmp_path / "sheets")
    assert [sheet.name for sheet in sheets][:2] == ["pairs-01.png", "pairs-02.png"]
    assert len(sheets) == 10
    assert 2 * WIDTH < get(sheets[0]).shape[1] < 2 * WIDTH + 50
