"""The pictures of the HTML report in `docs/`. After a change that is meant, take them anew and look at them:

.venv/bin/python -m tests.report.html.screenshots
"""

from pathlib import Path

from diagnostics.report.formats import render
from diagnostics.report.options import RenderOptions
from tests.report import reports
from tests.report.html.browser import DESK, PHONE, browser, opened

DOCS = Path(__file__).parents[3] / "docs"

# The part of the page that is seen: width, height, light or dark, and what is at the top of it.
PICTURES = {
    "report-light.png": (DESK, 900, "light", "header"),
    "report-evidence.png": (DESK, 590, "light", "#problem-2"),
    "report-phone.png": (PHONE, 844, "dark", "header"),
}

if __name__ == "__main__":
    DOCS.mkdir(exist_ok=True)
    source = render(reports.problem(), "html", RenderOptions())
    with browser() as started:
        for name, (width, height, scheme, top) in PICTURES.items():
            with opened(started, source, viewport={"width": width, "height": height}, color_scheme=scheme) as (page, _):
                page.get_by_role("button", name="Unfold all").click()
                page.evaluate(f"scrollBy(0, document.querySelector({top!r}).getBoundingClientRect().top - 20)")
                page.screenshot(path=DOCS / name)
