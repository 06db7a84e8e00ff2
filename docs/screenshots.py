"""Take the pictures of the report that the site shows: python docs/screenshots.py DIRECTORY, of `neuroloom demo`."""

import shutil
import sys
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

PICTURES = Path(__file__).parent / "pictures"
SHOTS = {
    "report-desktop": (1280, 1500, None),
    "report-task": (1280, 1700, "task-1"),
    "report-phone": (390, 1600, None),
}


def main(run: Path) -> None:
    """Photograph the report at the widths of a desk and of a phone, and a task's part of it."""
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(word)
    browser = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    for name, (width, height, part) in SHOTS.items():
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get("about:blank")
        browser.get((run / "report.html").resolve().as_uri() + (f"#{part}" if part else ""))
        target = PICTURES / f"{name}.png"
        if part:
            browser.find_element(By.ID, part).screenshot(str(target))
        else:
            browser.save_screenshot(str(target))
        picture = Image.open(target).convert("RGB")
        picture = picture.crop((0, 0, picture.width, min(picture.height, height)))
        picture.quantize(256, kmeans=3).save(target, optimize=True)  # so that few dots keep their colour
        print(target)
    browser.quit()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
