import asyncio
import json
import shutil
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from rechroma.apps.web import application, session
from rechroma.apps.web.application import make_application
from rechroma.apps.web.examples import write_examples
from rechroma.apps.web.server import listen, make_server
from rechroma.imaging.color import to_luma
from rechroma.imaging.detect_damage import find_damage
from rechroma.imaging.io import read_color

HOLE = np.s_[120:240, 60:200]
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


def run_nothing(luma, mask):
    """Stands for a network."""
    assert luma is mask is None
    time.sleep(0.01)


@dataclass
class Painter:
    """Stands for a Restorer: what is lost becomes white; keeps the masks that it was given.

    While `endless` is set, it runs its network again and again.
    """

    backend: Any = field(default_factory=lambda: run_nothing)
    masks: list[np.ndarray] = field(default_factory=list)
    endless: threading.Event = field(default_factory=threading.Event)

    def __call__(self, damaged, mask):
        return self.keep_color(np.repeat(damaged[..., None], 3, axis=2), mask)

    def keep_color(self, photo, mask):
        while self.endless.is_set():
            self.backend(None, None)
        self.masks.append(mask)
        return np.where(mask[..., None], np.uint8(255), photo)


def find_a_line(lumas):
    """Stands for the network: a line that may be damage, seen in one of three looks."""
    planes = np.zeros((len(lumas), 4, *lumas.shape[1:]), np.float32)
    if lumas.shape[2] == 512:
        planes[:, 0, :, 400] = 0.9
    return planes


@pytest.fixture
def old(tmp_path, photo):
    """A photograph of 512x384 px in gray, its gray in `HOLE` nowhere else, and its file."""
    gray = to_luma(cv2.resize(photo, (512, 384), interpolation=cv2.INTER_CUBIC))
    gray[gray == 60] = 61
    gray[HOLE] = 60
    Image.fromarray(gray).save(tmp_path / "old.png")
    return gray, tmp_path / "old.png"


@pytest.fixture
def restorer():
    return Painter()


@pytest.fixture
def address(tmp_path, restorer, monkeypatch):
    """Where the page is served, with a small limit for uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(application, "UPLOAD_LIMIT", 10**6)
    monkeypatch.setattr(session, "load_bundled_finder", lambda: find_a_line)
    strip = write_examples(tmp_path / "cache" / "examples")

    async def make():  # outside a loop, Gradio leaves loops of its own open
        return make_application(restorer, strip, bundled=True)

    with listen(0) as listening:
        server = make_server(asyncio.run(make()))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield "http://{}:{}/".format(*listening.getsockname())
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def browser(tmp_path):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--enable-unsafe-swiftshader",
        "--window-size=700,1200",
    ):
        options.add_argument(argument)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path / "got")})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


class Person:
    """Uses the page as a person does, waiting for what is to appear."""

    def __init__(self, browser):
        self.browser = browser

    def wait(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.browser, 60, poll_frequency=0.1).until(condition)

    def see(self, selector):
        return self.wait(
            lambda browser: next(
                (
                    each
                    for each in browser.find_elements("css selector", selector)
                    if each.is_displayed()
                ),
                None,
            )
        )

    def upload(self, file):
        picker = self.wait(lambda browser: browser.find_element("css selector", "#file input"))
        picker.send_keys(str(file))

    def read(self, selector, words):
        self.wait(lambda browser: words in browser.find_element("css selector", selector).text)

    def stroke(self, tool, start, end):
        """Draw from `start` to `end`, in px of the photograph from its middle."""
        from selenium.webdriver.common.action_chains import ActionChains

        self.see(f'#editor [aria-label="{tool}"]').click()
        canvas = self.see("#editor canvas")
        zoom = canvas.rect["width"] / float(canvas.get_attribute("width"))
        (x, y), (right, below) = (np.rint(np.multiply(each, zoom)) for each in (start, end))
        drag = ActionChains(self.browser, duration=50)
        drag.move_to_element_with_offset(canvas, int(x), int(y)).click_and_hold()
        drag.move_by_offset(int(right - x), int(below - y)).release().perform()

    def painted(self, x, y):
        """Whether a px of the photograph is painted, as the browser shows it."""
        alpha = (
            "const canvas = document.querySelector('#editor canvas');"
            "return canvas.getContext('2d').getImageData(...arguments, 1, 1).data[3]"
        )
        return self.browser.execute_script(alpha, x, y) > 127

    def slide(self, selector, key):
        self.see(f"{selector} input[type=range]").send_keys(key)

    def asked_addresses(self):
        messages = [
            json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")
        ]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


def within(mask, area):
    """Whether nothing outside `area` is True."""
    outside = mask.copy()
    outside[area] = False
    return not outside.any()


needs_a_browser = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="chromium and chromedriver are not on this machine"
)
END, HOME = "\ue010", "\ue011"


@needs_a_browser
def test_a_photograph_goes_through_the_page(browser, address, restorer, old, tmp_path):
    gray, file = old
    person = Person(browser)
    browser.get(address)

    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    person.upload(broken)
    person.read(".toast-body", "broken.png: is no picture, expected PNG")
    person.see(".toast-close").click()
    person.see('#file [aria-label="Clear"]').click()

    person.upload(file)
    person.read("#damage .status", "512x384 px. Damage found: 8.5% of the photograph")
    person.stroke("Brush", (-20, 100), (120, 100))  # below the hole
    person.stroke("Eraser", (-150, -60), (-110, -60))  # in its upper part
    person.stroke("Eraser", (0, 150), (10, 150))
    person.see("#editor .undo").click()

    # The mask follows the slider, below what was drawn.
    person.see("#find label:nth-of-type(3)").click()
    person.see("#sensitivity")
    assert not person.painted(400, 30)
    person.slide("#sensitivity", END)
    person.wait(lambda _: person.painted(400, 30))
    person.read("#damage .status", "lines 0.2%, flat areas 8.5%")
    assert person.painted(300, 292)
    assert not person.painted(120, 132)
    person.see("#groups label:nth-of-type(1)").click()
    person.wait(lambda _: not person.painted(400, 30))
    person.read("#damage .status", "Not filled: lines 0.2%.")
    person.see("#groups label:nth-of-type(1)").click()
    person.slide("#sensitivity", HOME)
    person.wait(lambda _: not person.painted(400, 30))

    person.see("#restore").click()

    slider = person.see(".comparison input")
    slider.send_keys(END)
    shown = "return getComputedStyle(arguments[0].parentElement).getPropertyValue('--shown')"
    assert browser.execute_script(shown, slider) == "100%"

    person.see("#download").click()
    got = tmp_path / "got" / "old-restored.png"
    person.wait(lambda _: got.exists())
    restored = read_color(got)

    (mask,) = restorer.masks
    painted, erased = mask & ~find_damage(gray), find_damage(gray) & ~mask
    assert painted[292, 240:370].all()
    assert erased[132, 110:142].all()
    assert within(painted, np.s_[240:344, 184:428])
    assert within(erased, np.s_[120:184, 60:198])
    assert restored.shape == (384, 512, 3)
    assert np.array_equal(to_luma(restored)[~mask], gray[~mask])
    assert (restored[mask] == 255).all()

    asked = person.asked_addresses()
    assert any(each.startswith(address) for each in asked)
    assert [each for each in asked if not each.startswith((address, "data:", "blob:"))] == []


@needs_a_browser
def test_restoring_can_be_canceled(browser, address, restorer, old, tmp_path):
    person = Person(browser)
    browser.get(address)
    person.upload(old[1])
    person.read("#damage .status", "512x384 px. Damage found")

    restorer.endless.set()
    person.see("#restore").click()
    person.see("#cancel").click()
    person.see("#restore")
    person.read(".toast-body", "Canceled")
    assert not browser.find_elements("css selector", ".comparison")
    assert not list(tmp_path.rglob("*-restored*"))

    restorer.endless.clear()
    person.see("#restore").click()
    person.see(".comparison input")
    assert len(restorer.masks) == 1
