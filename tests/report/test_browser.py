"""The pages in a real browser: nothing goes wrong, nothing is fetched, everything is in reach."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from report import compare, page
from tests.report.sample import report_data

# Where Debian and others put it.
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = (360, 1280)
OVERFLOW = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""
# Contrast of the text's colour to the page's, as WCAG 2 defines it.
CONTRAST = """() => {
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(v => v / 255).map(
    v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const back = light(getComputedStyle(document.body).backgroundColor);
  return Object.fromEntries(['body', '.note', '.source', 'a', '.good, .bad', 'svg text'].map(s => {
    const element = document.querySelector(s), style = getComputedStyle(element);
    const fore = light(element instanceof SVGElement ? style.fill : style.color);
    return [s, (Math.max(fore, back) + 0.05) / (Math.min(fore, back) + 0.05)]; }));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return Chromium, with a profile of its own."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on PATH")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return files of a blessed run's page, of a refused one's, and of both side by side."""
    folder = tmp_path_factory.mktemp("pages")
    blessed = report_data()
    refused = report_data(seed=1, blessed=False, reasons=["too low"], alarms=["a leak"])
    texts = {
        "blessed": page.render(blessed),
        "refused": page.render(refused),
        "compare": compare.render(compare.Run("a", blessed), compare.Run("b", refused)),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["blessed", "refused", "compare"])
def test_a_page_is_whole_readable_and_fetches_nothing(
    browser: Any, pages: dict[str, Path], name: str, scheme: str
) -> None:
    messages, requests = [], []
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.on("console", lambda message: messages.append(message.text))
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.on("request", lambda request: requests.append(request.url))
    url = pages[name].as_uri()
    tab.goto(url)
    for width in WIDTHS:
        tab.set_viewport_size({"width": width, "height": 900})
        assert tab.evaluate(OVERFLOW) == 0, f"scrolls sideways at {width} px"
    contrasts = tab.evaluate(CONTRAST)
    assert min(contrasts.values()) >= 4.5, contrasts
    tab.emulate_media(media="print")  # on white paper, whatever the screen
    contrasts = tab.evaluate(CONTRAST)
    assert min(contrasts.values()) >= 4.5, contrasts
    assert not tab.locator("nav").is_visible()
    tab.emulate_media(media="screen")
    assert messages == []
    assert {found for found in requests if not found.startswith("data:")} == {url}
    if folder := os.environ.get("REPORT_SCREENSHOTS"):
        tab.screenshot(path=Path(folder, f"{name}-{scheme}.png"), full_page=True)
    context.close()


def test_the_keyboard_reaches_the_content_first_and_every_table(
    browser: Any, pages: dict[str, Path]
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640})
    tab = context.new_page()
    tab.goto(pages["blessed"].as_uri())
    tab.keyboard.press("Tab")
    skip = tab.locator(":focus")
    assert skip.inner_text() == "Skip to the content"
    assert skip.bounding_box()["x"] >= 0
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    reached = set()
    for _ in range(200):
        tab.keyboard.press("Tab")
        label = tab.evaluate("document.activeElement.getAttribute('aria-label')")
        if label:
            reached.add(label)
        # The parts of a player show the focus themselves.
        assert tab.evaluate("""() => document.activeElement.matches('body, audio') ||
          getComputedStyle(document.activeElement).outlineStyle !== 'none'"""), label
        if label == "Artifacts that were read":
            break
    assert {
        "Checks of the gate",
        "Leaderboard",
        "Figures by genre",
        "Confusion matrix",
        "Artifacts that were read",
    } <= (reached)
    context.close()


def test_an_excerpt_can_be_played(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(pages["blessed"].as_uri())
    seconds = tab.evaluate("""() => new Promise((done, fail) => {
      const sound = document.querySelector('.mistakes audio');
      sound.addEventListener('loadedmetadata', () => done(sound.duration));
      sound.addEventListener('error', () => fail(sound.error.message));
      sound.preload = 'metadata'; sound.load();
    })""")
    assert 9.5 < seconds < 10.5
    context.close()
