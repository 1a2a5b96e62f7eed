"""The report in a real headless Chromium, by Playwright: what is wrong with a page, at any size, in any view."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

#: Windows that a page must fit: a screen, a tablet, a telephone.
SIZES = ((1400, 1000), (820, 1180), (390, 844))


def chromium_or_skip() -> str:
    """The browser's program; skips the test without one, or fails it with MORPHODOSE_REQUIRE_BROWSER=1."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    why = "no Chromium on the PATH (Debian: apt-get install chromium)"
    if os.environ.get("MORPHODOSE_REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser (`playwright.sync_api.Browser`)."""
    from playwright.sync_api import sync_playwright

    program = chromium_or_skip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page of a browser, and all that it reported and asked for."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        settings: dict[str, Any] = {"viewport": {"width": SIZES[0][0], "height": SIZES[0][1]}}
        self.context = browser.new_context(**(settings | options))
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.problems: list[str] = []
        self.own = (path.resolve().as_uri(), "data:", "blob:", "about:")
        self.address = path.resolve().as_uri()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda fault: self.problems.append(f"thrown: {fault}"))
        self.page.on("request", self._asked)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(self.own):
            self.problems.append(f"request: {request.url[:200]}")

    def open(self, **asked: str) -> Any:
        """Open the page with something in its address, and give it."""
        from urllib.parse import urlencode

        self.page.goto(f"{self.address}?{urlencode(asked)}" if asked else self.address)
        return self.page

    def close(self) -> None:
        """Close the page; what it reported stays."""
        self.context.close()


#: What is wrong with the view that is shown, as texts.
LOOK = """() => {
  const found = [], shown = [...document.querySelectorAll('.md-page')].filter(e => e.offsetHeight);
  if (shown.length !== 1) found.push(`${shown.length} views are shown`);
  for (const section of document.querySelectorAll('.md-page.md-shown .md-section')) {
    const text = section.textContent.trim().length > 15;
    if (!text && !section.querySelector('img, svg, canvas')) found.push(`${section.id}: the section is empty`);
  }
  for (const image of document.images)
    if (image.complete && !image.naturalWidth) found.push(`a picture is broken: ${image.alt || image.src.slice(0, 60)}`);
  if (document.documentElement.scrollWidth > innerWidth + 1)
    found.push(`the page is wider than the window: ${document.documentElement.scrollWidth} px`);
  return found;
}"""


def report_problems(
    path: Path, browser: Any = None, sizes: Sequence[tuple[int, int]] = SIZES, picture: Path | None = None
) -> list[str]:
    """Open every view of a report at some sizes and list all that is wrong with it.

    Parameters
    ----------
    path : Path
        The HTML file.
    browser : playwright Browser, optional
        One that runs already.
    sizes : sequence of (width, height)
        Windows.
    picture : Path, optional
        Folder for a screenshot of each view and size.
    """
    if browser is None:
        with chromium() as started:
            return report_problems(path, started, sizes, picture)
    watched = Watched(browser, path)
    try:
        page = watched.open()
        views = page.evaluate("[...document.querySelectorAll('.md-page')].map(e => e.id.slice(5))")
        found = [] if len(views) >= 5 else [f"only {len(views)} views"]
        for width, height in sizes:
            page.set_viewport_size({"width": width, "height": height})
            for view in views:
                page.click(f"[data-view-link={view}]")
                page.wait_for_timeout(30)
                found += [f"{view} at {width} px: {text}" for text in page.evaluate(LOOK)]
                if picture:
                    page.screenshot(path=picture / f"{width}_{view}.png")
        return found + watched.problems
    finally:
        watched.close()


def serious_faults(page: Any) -> list[str]:
    """What axe-core finds serious or critical in what is shown, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    result = Axe().run(page, options={"resultTypes": ["violations"]})
    return [
        f"{fault['id']}: {fault['help']}: {fault['nodes'][0]['html'][:120]} ({len(fault['nodes'])})"
        for fault in result.response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
