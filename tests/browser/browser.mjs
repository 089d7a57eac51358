// A browser of its own for each file of tests.
import puppeteer from "puppeteer-core";

export function launch() {
  return puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    // Root, as in a container, has no sandbox.
    args: ["--disable-gpu", "--disable-dev-shm-usage", ...(process.getuid() === 0 ? ["--no-sandbox"] : [])],
  });
}

/** A page that remembers what went wrong in it. */
export async function openPage(browser, url) {
  const page = await browser.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && wrong.push(message.text()));
  page.on("requestfailed", (request) => {
    // What a page ends by itself is no failure.
    if (request.failure().errorText !== "net::ERR_ABORTED") wrong.push(`${request.url()} ${request.failure().errorText}`);
  });
  await page.goto(url);
  return { page, wrong };
}
