"""Sees in Chromium what a reader sees: browser.py CHROMIUM LAB PAGES SHOTS REPORT….

LAB     a command, as JSON, that opens JupyterLab on notebooks/testdata/sliders.ipynb with its outputs; JUPYTER_RUNTIME_DIR is a
        folder of its own
PAGES   a folder of notebooks exported as HTML
SHOTS   a folder for pictures of all that
REPORT  a page of report, of one run or of several

What isn't seen within its time ends it with status 1 and one line: what, and a picture of the page.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]


class Unseen(Exception):
    pass


class Reader:
    """A page in a window of its own, which reaches this machine alone, and what is noted of it."""

    def __init__(self, browser, shots, **window):
        self.shots, self.asked, self.errors = shots, [], []
        self.context = browser.new_context(**window)
        self.context.set_default_timeout(10_000)
        self.context.set_default_navigation_timeout(60_000)
        self.page = self.context.new_page()
        self.context.route("**/*", self.fetch)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        try:
            if isinstance(error, Error):  # something to click or press isn't there
                self.fail(" ".join(str(error).split())[:400])
        finally:
            self.context.close()

    def fetch(self, route):
        url = route.request.url
        if url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:", "ws://127.0.0.1:")):
            route.continue_()
        else:
            self.asked.append(url)
            route.abort()

    def shot(self, name, **options):
        path = self.shots / f"{name}.png"
        self.page.screenshot(path=path, **options)
        return path

    def fail(self, what):
        raise Unseen(f"{what}: see {self.shot('failed')}")

    def wait(self, seconds, what, seen, *args):
        """Waits until seen(*args) is true and returns it."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if got := seen(*args):
                    return got
            except Error as error:  # what is looked for may be redrawn meanwhile
                if "closed" in str(error):
                    raise
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s: {what}")
            self.page.wait_for_timeout(50)

    def drag(self, slider, to):
        """Drags a slider's handle, from where it is, to the part `to` of its length."""
        slider.scroll_into_view_if_needed()
        box, at = slider.bounding_box(), slider.evaluate("e => (e.value - e.min) / ((e.max - e.min) || 1)")
        place = lambda part: (box["x"] + 8 + part * (box["width"] - 16), box["y"] + box["height"] / 2)
        self.page.mouse.move(*place(at))
        self.page.mouse.down()
        self.page.mouse.move(*place(to), steps=8)
        self.page.mouse.up()


def look(element):
    """What can be seen of a picture, or of a frame once its pictures are there, else None: its source and its pixels."""
    source = element.evaluate("""e => {
      const images = e.matches("img") ? [e] : [...e.querySelectorAll("img")].filter(i => i.offsetParent);
      return images.every(i => i.complete && i.naturalWidth > 0) ? e.getAttribute("src") ?? e.innerHTML : null;
    }""")
    return source and (source, element.screenshot())


def frames(reader, slider, what):
    """Moves a slider from its first frame to its last and one back; each is another picture."""
    box, picture = slider.locator("xpath=ancestor::div[1]"), slider.locator("xpath=ancestor::div[1]/section")
    names, start = json.loads(slider.get_attribute("data-values")), int(slider.get_attribute("value"))
    last = len(names) - 1

    def shown(i):
        return slider.locator("xpath=following-sibling::span").inner_text() == names[i] and look(picture)

    pictures = [reader.wait(10, f"{what}: the frame that it begins with", shown, start)]
    if start > 0:
        reader.drag(slider, 0)
        pictures = [reader.wait(5, f"{what}: dragged to its beginning, the first frame", shown, 0)]
    reader.drag(slider, 1)
    pictures.append(reader.wait(5, f"{what}: dragged to its end, the last frame", shown, last))
    if last > 1:
        slider.press("ArrowLeft")
        pictures.append(reader.wait(5, f"{what}: ArrowLeft, the last frame but one", shown, last - 1))
    different(reader, pictures, what)


def different(reader, pictures, what):
    for kind, seen in zip(("source", "pixels"), zip(*pictures)):
        if len(set(seen)) < len(pictures):
            reader.fail(f"{what}: moved, and the picture’s {kind} stays the same")


def lab(browser, shots, command):
    """JupyterLab opens the notebook, and the sliders that it holds are moved; its cells are run, and the sliders are moved again."""
    runtime = Path(os.environ["JUPYTER_RUNTIME_DIR"])
    log = runtime.with_name("lab.log")
    with open(log, "w") as out:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        with Reader(browser, shots, viewport={"width": 1280, "height": 1400}) as reader:
            page = reader.page

            def started():
                if server.poll() is not None:
                    raise Unseen(f"JupyterLab ended with status {server.returncode}: {' | '.join(log.read_text().splitlines()[-5:])}")
                for path in runtime.glob("jpserver-*.json"):
                    about = json.loads(path.read_text() or "null")
                    try:  # the file may be there before the server listens
                        socket.create_connection(("127.0.0.1", about["port"]), 1).close()
                    except (OSError, TypeError):
                        return None
                    return about

            # A first start installs JupyterLab.
            about = reader.wait(300, "a JupyterLab that says where it listens", started)
            page.goto(f"http://127.0.0.1:{about['port']}/lab/tree/sliders.ipynb?token={about['token']}")
            reader.wait(60, "the notebook with a Go kernel", lambda: "Go (gonb) |" in page.locator(".jp-StatusBar-Widget").first.inner_text())

            sliders = page.locator(".jp-OutputArea-output input[type=range]")

            def move(when):
                reader.wait(60, f"three sliders, {when}", lambda: sliders.count() == 3)
                for i in range(3):
                    frames(reader, sliders.nth(i), f"JupyterLab’s slider {i + 1}, {when}")

            move("before a cell is run")
            reader.shot("lab-before")

            def menu(name, item):
                page.get_by_role("menuitem", name=name, exact=True).click()
                page.get_by_role("menuitem", name=item).first.click()

            first = sliders.first.element_handle()
            menu("Run", "Run All Cells")
            reader.wait(120, "new sliders, once all cells are run", lambda: not first.evaluate("e => e.isConnected"))
            # A slider keeps no cell running.
            prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
            reader.wait(120, "no running cell", lambda: "[*]" not in "".join(prompts.all_inner_texts()))
            move("once all cells are run")
            reader.shot("lab-after")
            if reader.asked:
                reader.fail(f"JupyterLab asks the network for {reader.asked[0]}")
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            raise Unseen("JupyterLab runs on, 30 s after it was asked to end") from None


def exported(browser, shots, folder):
    """Every slider of the pages is moved, without a network."""
    moved = 0
    for path in sorted(folder.glob("*.html")):
        with Reader(browser, shots, viewport={"width": 1280, "height": 900}, offline=True) as reader:
            reader.page.goto(path.as_uri(), wait_until="load")
            if reader.asked:
                reader.fail(f"{path.name}: asks the network for {reader.asked[0]}")
            sliders = reader.page.locator("input[type=range]").all()
            for i, slider in enumerate(sliders):
                frames(reader, slider, f"{path.name}, slider {i + 1}")
            moved += len(sliders)
            if path.name == "sliders.html":
                if len(sliders) != 3:
                    reader.fail(f"{path.name}: {len(sliders)} sliders, want 3")
                reader.shot("exported")
    return moved


OVERFLOW = """() => {
  const width = innerWidth, root = document.documentElement;
  if (Math.max(root.scrollWidth, document.body.scrollWidth) <= width) return "";
  const wide = [...document.body.querySelectorAll("*")].filter(e => !e.parentElement.closest(".wide") && e.getBoundingClientRect().right > width + 1);
  const e = wide.pop() ?? root;
  return `${root.scrollWidth} px of ${width}, by <${e.tagName.toLowerCase()} class="${e.className}">`;
}"""

# The column's cells as what they're sorted by, numbers as numbers; null where there is nothing.
COLUMN = """([table, i]) => {
  const number = table.tHead.rows[0].cells[i].classList.contains("number");
  return [...table.tBodies[0].rows].map(row => {
    const text = row.cells[i].dataset.sort ?? row.cells[i].textContent;
    return text === "" ? null : number ? Number(text) : text;
  });
}"""

FALLS = """([values]) => {
  const order = new Intl.Collator("en", { numeric: true });
  const compare = (a, b) => typeof a === "number" ? a - b : order.compare(a, b);
  const said = values.filter(v => v !== null);
  if (values.slice(0, said.length).includes(null)) return null;
  const steps = said.slice(1).map((v, i) => Math.sign(compare(v, said[i])));
  return [steps.every(s => s >= 0), steps.every(s => s <= 0)];
}"""


# Scrolled to its end, a table keeps its first column in sight, and nothing shows through it: null, or what does.
THROUGH = """table => {
  const scrolled = table.closest(".wide");
  scrolled.scrollLeft = scrolled.scrollWidth;
  for (const cell of [table.tHead.rows[0].cells[0], table.tBodies[0].rows[0].cells[0]]) {
    cell.scrollIntoView({ block: "center" });
    const box = cell.getBoundingClientRect();
    for (let x = box.left + 1; x < box.right - 1; x++) {
      const seen = document.elementFromPoint(x, (box.top + box.bottom) / 2);
      if (!cell.contains(seen)) return (seen ?? document.documentElement).textContent;
    }
  }
}"""


# Brings a panel of a figure into sight and returns a point of it.
MIDDLE = """panel => {
  panel.scrollIntoView({ block: "center" });
  const box = panel.getBoundingClientRect();
  return [box.left + box.width / 3, box.top + box.height / 2];
}"""

# Whether the curves of an entry of a legend are shown: [true], [false], or both where some are.
CURVES = """entry => {
  const curves = [...entry.closest("svg").querySelectorAll("path[data-of]")];
  const of = curves.filter(c => c.dataset.of.split(" ").includes(entry.dataset.entry));
  return [...new Set(of.map(c => getComputedStyle(c).display !== "none"))];
}"""


def figure(reader, what, drawing, touch):
    """A figure says its values where it is pointed at, and by arrow keys; each entry of its legend hides its curves and shows them again."""
    page, readout = reader.page, drawing.locator(".readout")
    for panel in drawing.locator("rect[data-panel]").all():
        x, y = panel.evaluate(MIDDLE)
        page.touchscreen.tap(x, y) if touch else page.mouse.move(x, y)
        reader.wait(5, f"{what}: values where it is pointed at", lambda: readout.is_visible() and readout.inner_text().strip())
        box, inside = readout.bounding_box(), drawing.bounding_box()
        if box["x"] < inside["x"] - 1 or box["x"] + box["width"] > inside["x"] + inside["width"] + 1:
            reader.fail(f"{what}: its values stand outside it")
    drawing.locator("svg").focus()
    page.keyboard.press("Escape")
    if readout.is_visible():
        reader.fail(f"{what}: Escape, and the values stay")
    page.keyboard.press("ArrowRight")
    first = readout.inner_text()
    page.keyboard.press("ArrowRight")
    if not first or not readout.inner_text():
        reader.fail(f"{what}: no values by arrow keys")
    moved = readout.inner_text() != first
    entries = drawing.locator("rect[role=button]").all()
    for entry in entries:
        name = f"{what}: {entry.get_attribute('aria-label')}"
        for shown in (False, True):
            if shown:
                entry.focus()
                page.keyboard.press("Enter")
            else:
                entry.tap() if touch else entry.click()
            if (seen := entry.evaluate(CURVES)) != [shown]:
                reader.fail(f"{name}: curves of it are shown: {seen}, want {shown}")
            if entry.get_attribute("aria-pressed") != str(shown).lower():
                reader.fail(f"{name}: aria-pressed is {entry.get_attribute('aria-pressed')}")
    return moved, len(entries)


def report(browser, shots, path):
    """The report fits a phone and a desktop, every column sorts its table, figures say their values, the gallery takes its order, and
    nothing is fetched."""
    clicks = 0
    for name, window in {
        "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2},
        "desktop": {"viewport": {"width": 1280, "height": 900}},
    }.items():
        with Reader(browser, shots, **window) as reader:
            page, width = reader.page, window["viewport"]["width"]
            page.goto(path.as_uri())

            def fits(when):
                if page.evaluate("innerWidth") != width:
                    reader.fail(f"report, {name}, {when}: laid out {page.evaluate('innerWidth')} px wide, want {width}")
                if over := page.evaluate(OVERFLOW):
                    reader.fail(f"report, {name}, {when}: the page is wider than the window: {over}")

            fits("as it opens")
            reader.shot(f"{path.stem}-{name}", full_page=True, scale="css")
            if page.locator("#background details").evaluate_all("all => all.length !== 1 || all[0].open"):
                reader.fail(f"report, {name}: no folded background")
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            fits("unfolded")

            tables = page.locator("table.sortable").all()
            if not tables:
                reader.fail(f"report, {name}: no table to sort")
            for table in tables:
                handle, title = table.element_handle(), table.locator("caption").inner_text()
                if (seen := handle.evaluate(THROUGH)) is not None:
                    reader.fail(f"report, {name}, table “{title}”: scrolled to its end, its first column is hidden by {seen[:40]!r}")
                for i, head in enumerate(table.locator("thead th").all()):
                    what = f"report, {name}, table “{title}”, column “{head.inner_text()}”"
                    number, rows = "number" in (head.get_attribute("class") or ""), table.locator("tbody tr").count()
                    before = page.evaluate(COLUMN, [handle, i])
                    for rising in (not number, number):
                        button = head.locator("button")
                        button.tap(timeout=5000) if name == "phone" else button.click(timeout=5000)
                        clicks += 1
                        after = page.evaluate(COLUMN, [handle, i])
                        sorted_ = page.evaluate(FALLS, [after])
                        if not sorted_ or not sorted_[0 if rising else 1] or len(after) != rows or sorted(map(str, after)) != sorted(map(str, before)):
                            reader.fail(f"{what}: clicked, and not sorted {'upwards' if rising else 'downwards'}: {after[:6]}")
                        if head.get_attribute("aria-sort") != ("ascending" if rising else "descending"):
                            reader.fail(f"{what}: clicked, and aria-sort is {head.get_attribute('aria-sort')}")
            fits("sorted")

            steps = entries = 0
            for drawing in page.locator(".drawing:has(path[data-of])").all():
                moved, more = figure(reader, f"report, {name}, {drawing.get_attribute('id')}", drawing, name == "phone")
                steps, entries, clicks = steps + moved, entries + more, clicks + 2 * more
            if not steps or not entries:
                reader.fail(f"report, {name}: arrow keys move in {steps} figures, and {entries} entries of legends hide curves")
            fits("pointed at")

            for gallery in page.locator("section:has(> .order)").all():
                gallery.locator(".order select").select_option("radius")
                radii = gallery.locator(".card").evaluate_all("cards => cards.map(c => Number(c.dataset.radius))")
                if radii != sorted(radii, reverse=True):
                    reader.fail(f"report, {name}, gallery by radius: {radii}")
            if reader.asked:
                reader.fail(f"report, {name}: asks the network for {reader.asked[0]}")
            if reader.errors:
                reader.fail(f"report, {name}: {reader.errors[0]}")
            reader.shot(f"{path.stem}-{name}-sorted")
    return clicks


def main():
    chromium, command, pages, shots, *reports = sys.argv[1:]
    shots = Path(shots).resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            began = time.monotonic()

            def done(what):
                print(f"browser: {what}, after {time.monotonic() - began:.0f} s", flush=True)

            for path in reports:
                done(f"{Path(path).name}: {report(browser, shots, Path(path).resolve())} clicks on columns and legends, at 390 and 1280 px")
            done(f"exported notebooks: {exported(browser, shots, Path(pages).resolve())} sliders moved")
            lab(browser, shots, json.loads(command))
            done("JupyterLab: sliders moved")
        finally:
            browser.close()


try:
    main()
except (Unseen, Error) as error:
    sys.exit(f"browser: {' '.join(str(error).split())}")
