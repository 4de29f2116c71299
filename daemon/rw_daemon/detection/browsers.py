"""A browser for the libraries that drive one. It is most of an image, so it comes only where a variable asks for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rw_daemon.plans.plan import Beat, BuildPlan, Notice, Origin, Step

ASKS = ("RW_BUILD_BROWSER", "RAILPACK_NODE_PLAYWRIGHT_INSTALL", "RAILPACK_PYTHON_PLAYWRIGHT_INSTALL")
NO = frozenset({"", "0", "false", "no"})
PUPPETEER, PLAYWRIGHT = ("puppeteer", "puppeteer-core"), ("playwright", "playwright-core")
FOLDER = ".browsers"
CHROMIUM = ("chromium", "fonts-liberation")
# what Playwright's own headless browser is linked to; libatopology2 brings the sound library, which each release calls differently
LIBRARIES = (
    "fonts-liberation", "libatk-bridge2.0-0", "libatk1.0-0", "libatopology2", "libatspi2.0-0", "libcairo2", "libcups2", "libdbus-1-3",
    "libdrm2", "libexpat1", "libgbm1", "libglib2.0-0", "libnspr4", "libnss3", "libpango-1.0-0", "libx11-6", "libxcb1", "libxcomposite1",
    "libxdamage1", "libxext6", "libxfixes3", "libxkbcommon0", "libxrandr2",
)  # fmt: skip


@dataclass(frozen=True)
class Browser:
    """What a project's driver needs.

    :param asks: the library, and the variable that asks for its browser.
    """

    asks: str = ""
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    notices: tuple[Notice, ...] = ()

    def within(self, plan: BuildPlan) -> BuildPlan:
        """Return the plan with the browser behind its last step."""
        origins, packages = dict(plan.origins), plan.packages
        if self.packages:
            packages = packages.model_copy(update={"runtime": tuple(sorted({*packages.runtime, *self.packages}))})
            before = plan.origins.get("packages.runtime")
            beat = (Beat.model_validate({"value": before.value, "from": before.source}),) if before else ()
            origins["packages.runtime"] = Origin.model_validate({"value": " ".join(packages.runtime), "from": self.asks, "beat": beat})
        return plan.model_copy(
            update={
                "packages": packages,
                "environment": {**plan.environment, **self.environment},
                "steps": (*plan.steps, *self.steps),
                "warnings": (*plan.warnings, *self.notices),
                "origins": origins,
            }
        )


def find(names: Iterable[str], variables: Mapping[str, str]) -> Browser:
    """Return what the library among ``names`` that drives a browser needs; nothing where there is none."""
    present = set(names)
    driver = next((one for one in (*PUPPETEER, *PLAYWRIGHT) if one in present), "")
    if not driver:
        return Browser()
    place = next((one for one in ASKS if variables.get(one, "").strip().lower() not in NO), "")
    asks = f"{driver} and {place}"
    # pptr.dev/guides/configuration: otherwise it downloads one to a place that the image does not keep
    skips = {"PUPPETEER_SKIP_DOWNLOAD": "true"} if driver in PUPPETEER else {}
    if not place:
        words = f"{driver} drives a browser, and none is in the image: it is large, so nobody gets it unasked."
        return Browser(environment=skips, notices=(Notice(code="BROWSER_LEFT_OUT", message=words, fix=f"Set {ASKS[0]} to 1."),))
    if driver in PUPPETEER:
        return Browser(asks, CHROMIUM, {**skips, "PUPPETEER_EXECUTABLE_PATH": "/usr/bin/chromium"})
    program = "playwright" if "playwright" in present else driver
    install = Step(name="browser", commands=(f"{program} install --only-shell chromium",))
    return Browser(asks, LIBRARIES, {"PLAYWRIGHT_BROWSERS_PATH": FOLDER}, (install,))
