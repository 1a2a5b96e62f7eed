"""A real headless Chromium for tests, driven over the DevTools protocol by a pipe: no driver, no package.

Chromium reads commands from file descriptor 3 and writes answers to 4, as JSON ended by a null byte
(``--remote-debugging-pipe``).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)


def chromium_or_skip() -> str:
    """The browser's program; skips the test without one, or fails it with MORPHODOSE_REQUIRE_BROWSER=1."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    why = "no Chromium on the PATH (Debian: apt-get install chromium)"
    if os.environ.get("MORPHODOSE_REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


class Page:
    """One page of a running browser, with all that it reported."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = reading, writing
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        #: Console errors, uncaught exceptions and browser errors, in words.
        self.errors: list[str] = []
        #: Addresses that were asked for.
        self.requests: list[str] = []
        self.loaded = False

    def call(self, method: str, limit_s: float = 60, **parameters: Any) -> dict[str, Any]:
        """Send a command and give its answer; events met on the way are kept."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writing, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + limit_s
        while True:
            found = self._next(until - time.monotonic())
            if found is None:
                raise TimeoutError(f"the browser did not answer {method} within {limit_s} s")
            if found.get("id") == number:
                if "error" in found:
                    raise RuntimeError(f"{method}: {found['error']}")
                return dict(found.get("result", {}))

    def listen(self, seconds: float) -> None:
        """Collect events for some time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._next(left)

    def _next(self, seconds: float) -> dict[str, Any] | None:
        until = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._reading], [], [], max(until - time.monotonic(), 0))
            if not ready:
                return None
            part = os.read(self._reading, 1 << 20)
            if not part:
                raise RuntimeError("the browser ended")
            self._buffer += part
        text, _, self._buffer = self._buffer.partition(b"\0")
        message = dict(json.loads(text))
        self._keep(message.get("method", ""), message.get("params", {}))
        return message

    def _keep(self, method: str, event: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.errors.append(str(details.get("exception", {}).get("description", details.get("text"))))
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "assert"):
            self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] == "error":
            self.errors.append(f"{event['entry']['text']} {event['entry'].get('url', '')}".strip())
        elif method == "Network.requestWillBeSent":
            self.requests.append(str(event["request"]["url"]))
        elif method == "Page.javascriptDialogOpening":
            self.errors.append(f"a dialog opened: {event.get('message')}")
        elif method == "Page.loadEventFired":
            self.loaded = True

    def open(self, path: Path, width: int = 1280, height: int = 900, limit_s: float = 90) -> None:
        """Open a file and wait until it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.call("Page.navigate", url=path.resolve().as_uri())
        until = time.monotonic() + limit_s
        while not self.loaded:
            if time.monotonic() > until:
                raise TimeoutError(f"{path} was not loaded within {limit_s} s")
            self.listen(0.1)

    def run(self, script: str) -> Any:
        """Value of a JavaScript expression, awaited when it is a promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(str(details.get("exception", {}).get("description", details["text"])))
        return answer["result"].get("value")

    def wait(self, condition: str, limit_s: float = 60) -> None:
        """Wait until a JavaScript expression is true."""
        until = time.monotonic() + limit_s
        while not self.run(condition):
            if time.monotonic() > until:
                raise TimeoutError(f"not true within {limit_s} s: {condition}")
            self.listen(0.2)

    def screenshot(self, path: Path) -> None:
        """PNG of what is in view."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def chromium_page() -> Iterator[Page]:
    """A page of a browser with an empty profile; the browser is ended and its profile removed."""
    program = chromium_or_skip()
    with tempfile.TemporaryDirectory(prefix="morphodose-browser-", ignore_cleanup_errors=True) as profile:
        commands, write_end = os.pipe()
        read_end, answers = os.pipe()
        # far away from 3 and 4, so that neither is overwritten while both are put in place
        far = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in (commands, answers)]

        def wire() -> None:
            os.dup2(far[0], 3)
            os.dup2(far[1], 4)

        process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=wire,
            pass_fds=(3, 4),
        )
        for end in (commands, answers, *far):
            os.close(end)
        try:
            yield Page(read_end, write_end)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(read_end)
            os.close(write_end)


#: What is wrong with the report that is open, as texts: empty sections, broken pictures, plots not drawn.
_LOOK = """(() => {
  const found = [];
  const box = element => element.getBoundingClientRect();
  const seen = element => box(element).width > 20 && box(element).height > 20;
  const links = [...document.querySelectorAll('.mqc-nav a[href^="#"]')];
  if (links.length < 5) found.push(`only ${links.length} sections in the navigation`);
  for (const link of links) {
    const name = link.textContent.trim();
    const target = document.getElementById(link.getAttribute('href').slice(1));
    if (!target) { found.push(`${name}: its link leads nowhere`); continue; }
    const place = target.closest('.mqc-section') || target.closest('.mqc-module-section');
    const copy = place.cloneNode(true);
    copy.querySelectorAll('h1, h2, h3, script, style, .ai-summary, button').forEach(e => e.remove());
    const text = copy.textContent.trim().length > 15;
    const drawn = [...place.querySelectorAll('img, svg.main-svg')].some(seen);
    if (!(text || drawn) || !seen(place)) found.push(`${name}: the section is empty`);
  }
  for (const image of document.images)
    if (!image.naturalWidth) found.push(`a picture is broken: ${image.alt || image.src.slice(0, 60)}`);
  for (const plot of document.querySelectorAll('.mqc-section .hc-plot')) {
    const marks = plot.querySelectorAll('.scatterlayer .trace, .barlayer .trace, .heatmaplayer image').length;
    if (!plot.querySelector('svg.main-svg') || !marks) found.push(`a plot is not drawn: ${plot.id}`);
  }
  if (document.documentElement.scrollWidth > window.innerWidth + 1)
    found.push(`the page is wider than the window: ${document.documentElement.scrollWidth} px`);
  return found;
})()"""


def report_problems(path: Path, picture: Path | None = None) -> list[str]:
    """Open a report and list all that is wrong with it: errors, requests, empty sections, broken pictures.

    Parameters
    ----------
    path : Path
        The HTML file.
    picture : Path, optional
        Where a screenshot of its top goes.
    """
    with chromium_page() as page:
        page.open(path)
        page.wait("!document.querySelector('.mqc-section .hc-plot.not_rendered')")
        page.listen(1)
        found = list(page.run(_LOOK))
        if picture:
            page.screenshot(picture)
        found += [f"console: {error}" for error in page.errors]
        own = (path.resolve().as_uri(), "data:", "blob:", "about:")
        found += [f"request: {address[:200]}" for address in page.requests if not address.startswith(own)]
    return found
