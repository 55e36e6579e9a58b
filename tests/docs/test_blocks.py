import pytest
from command_blocks import commands_of, missing_line, parse_blocks

PAGE = """\
Text with `$ code`.

```console
$ rechroma models   # all of them
bundled
$ dvc exp run -S optim=adam \\
    -S 'loss=10*mse + ssim'
```

- A list:

    ```python
    if True:
        print(1)
    ```
"""


def test_blocks_are_found_with_their_lines_and_languages():
    console, python = parse_blocks(PAGE, "page.md")
    assert (console.place, console.language) == ("page.md:4", "console")
    assert (python.line, python.lines) == (13, ("if True:", "    print(1)"))


def test_a_block_that_is_never_closed_is_an_error():
    with pytest.raises(ValueError, match=r"page\.md:1: the block is never closed"):
        list(parse_blocks("```console\n$ make", "page.md"))


def test_commands_have_their_place_and_output():
    first, second = commands_of(next(parse_blocks(PAGE, "page.md")))
    assert (first.place, first.words, first.output) == (
        "page.md:4",
        ["rechroma", "models"],
        ("bundled",),
    )
    assert second.words == ["dvc", "exp", "run", "-S", "optim=adam", "-S", "loss=10*mse + ssim"]


@pytest.mark.parametrize(
    ("expected", "missing"),
    [
        ((), None),
        (("score: 0.9",), None),
        (("score: 12.345", "written: …"), None),
        (("…", "written: a.png"), None),
        (("score: high",), "score: high"),
        (("score: 1",), "score: 1"),
        (("written: …", "score: 0.5"), "score: 0.5"),
        (("score",), "score"),
    ],
)
def test_output_is_compared_by_lines_with_numbers_as_patterns(expected, missing):
    assert missing_line(expected, "start\nscore: 0.512\nwritten: a.png\n") == missing
