import base64
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rechroma.apps.blind import page
from rechroma.apps.blind.page import Deck, pictures_of, render_page
from rechroma.apps.blind.photographs import BlindPhoto
from rechroma.apps.blind.sides import Side
from rechroma.apps.blind.votes import read_votes
from rechroma.errors import UserError

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def data_of(html):
    return json.loads(re.search(r'id="data">(.*)</script>', html)[1])


def decoded(uri):
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def side(name, *shape):
    return Side(name, lambda _: np.zeros((*shape, 3), np.uint8))


def test_the_page_shows_the_pairs_and_says_nothing_of_the_models(deck, key):
    html = render_page(deck)
    data = data_of(html)
    assert list(data) == ["page", "pairs", "pictures"]
    assert [entry["id"] for entry in data["pairs"]] == [pair.id for pair in key.pairs]
    for entry, pair in zip(data["pairs"], deck.pairs, strict=True):
        assert list(entry) == ["id", "left", "right"]
        shown = [data["pictures"][entry[side]] for side in ("left", "right")]
        assert shown == list(deck.shown(pair))
    # The order of the pictures is that of the pairs.
    places = [entry[side] for entry in data["pairs"] for side in ("left", "right")]
    assert places == sorted(places)


def test_pictures_carry_no_metadata(deck):
    for uri in deck.pictures.values():
        picture = decoded(uri)
        assert (picture.format, picture.size) == ("JPEG", (64, 48))
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_the_page_asks_no_address(deck):
    html = render_page(deck)
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|@import|src=", html)


def test_the_id_of_a_page_is_that_of_what_it_shows(deck):
    same = Deck(deck.pairs, dict(deck.pictures))
    other = Deck(deck.pairs, deck.pictures | {(0, 0): deck.pictures[1, 0]})
    assert same.page_id() == deck.page_id() != other.page_id()
    assert render_page(same) == render_page(deck)


def test_a_page_that_gets_too_large_is_a_user_error(monkeypatch):
    monkeypatch.setattr(page, "LIMIT", 10_000)
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    deck = Deck()
    with pytest.raises(UserError, match=r"larger than 0 MB after 2 photographs; expected --limit"):
        for photo in range(5):
            deck.add(photo, [noise])


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([(300, 400), (300, 400)], (150, 200)),
        ([(300, 400), (90, 120)], (90, 120)),
        ([(300, 400), (91, 120), (600, 800)], (90, 120)),
    ],
)
def test_the_pictures_of_a_photograph_have_one_size_and_none_is_enlarged(shapes, expected):
    photo = BlindPhoto(Path("a.png"), np.zeros((300, 400), np.uint8), np.zeros((300, 400), bool))
    pictures = pictures_of(photo, [side("s", *shape) for shape in shapes], 200)
    assert {picture.shape for picture in pictures} == {(*expected, 3)}


def test_a_picture_of_another_shape_is_a_user_error():
    photo = BlindPhoto(Path("a.png"), np.zeros((300, 400), np.uint8), np.zeros((300, 400), bool))
    with pytest.raises(UserError, match=r"a\.png: its picture of ready is 300x300 px, expected"):
        pictures_of(photo, [side("model", 300, 400), side("ready", 300, 300)], 200)


@pytest.fixture
def browser(tmp_path):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (
        *("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"),
        "--window-size=900,700",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "got")})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Voter:
    """Uses the page as a person does, waiting for what is to appear."""

    def __init__(self, browser):
        self.browser = browser

    def wait(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.browser, 30, poll_frequency=0.05).until(condition)

    def click(self, element_id):
        self.wait(lambda browser: browser.find_element("id", element_id).is_displayed())
        self.browser.find_element("id", element_id).click()

    def see(self, count):
        """Wait until the pair with this count is seen."""
        self.wait(
            lambda browser: (
                browser.find_element("id", "count").text == count
                and browser.execute_script("return ready")
            )
        )

    def press(self, key):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(key).perform()

    def pressed(self):
        selector = '[aria-pressed="true"]'
        return [e.get_attribute("id") for e in self.browser.find_elements("css selector", selector)]


@pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="chromium and chromedriver are not on this machine"
)
def test_a_person_votes_with_keys_goes_back_reloads_and_downloads(browser, tmp_path, deck, key):
    file = tmp_path / "blind.html"
    file.write_text(render_page(deck), encoding="utf-8")
    person = Voter(browser)
    browser.get(file.as_uri())
    browser.find_element("id", "voter").send_keys("Anna ü")
    person.click("begin")
    person.see("1 of 3")
    person.press("\ue014")  # →
    person.see("2 of 3")
    person.press(" ")
    person.see("3 of 3")
    # Back, where the vote is shown, and another one.
    person.press("\ue003")  # Backspace
    person.see("2 of 3")
    assert person.pressed() == ["none"]
    person.press("\ue012")  # ←
    person.see("3 of 3")
    # Votes are kept.
    browser.refresh()
    assert browser.find_element("id", "begin").text == "Continue, 2 of 3 done"
    person.click("begin")
    person.see("3 of 3")
    person.click("right")
    person.click("download")
    (got,) = person.wait(lambda _: list((tmp_path / "got").glob("*.json")))
    assert got.name == f"votes-Anna-ü-{key.page}.json"
    votes = read_votes(got, key)
    assert (votes.voter, votes.choices) == ("Anna ü", {1: "right", 2: "left", 3: "right"})
    assert browser.get_log("browser") == []
