import pandas as pd

from rechroma.evaluation.tables import markdown_table


def test_cells_have_one_space_around_them_however_long_others_are():
    table = pd.DataFrame({"method": ["a", "a long name"], "score": ["1.000", ""]})
    assert markdown_table(table).splitlines() == [
        "| method | score |",
        "| --- | --- |",
        "| a | 1.000 |",
        "| a long name |  |",
    ]


def test_numbers_in_text_keep_their_digits():
    assert markdown_table(pd.DataFrame({"score": ["0.300", "1e-3"]})).splitlines()[2:] == [
        "| 0.300 |",
        "| 1e-3 |",
    ]
