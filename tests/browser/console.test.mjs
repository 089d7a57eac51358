// The demo's console, by keyboard.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.mjs";
import { Bellwire, eventually } from "./processes.mjs";

let browser, demo, page, wrong;

before(async () => {
  demo = new Bellwire("demo", "--port", "0", "--rate", "4");
  const [, url] = await demo.says(/console +(http:\S+)/);
  browser = await launch();
  ({ page, wrong } = await openPage(browser, url));
});
after(async () => {
  await browser?.close();
  assert.equal(await demo?.stop(), 0);
});

const text = (id) => page.$eval(`#${id}`, (element) => element.textContent);
const count = async (id) => Number(await text(id));
const shows = (id, wanted) => eventually(async () => (await text(id)) === wanted, `${id}: ${wanted}`);

/** Waits until `more` events have come by this bearer since now. */
async function comes(id, more = 2) {
  const before = await count(id);
  await eventually(async () => (await count(id)) >= before + more, `${more} more ${id}`);
}

/** Nothing is missing for good, and nothing came twice. */
async function isWhole() {
  await shows("lost", "0");
  assert.equal(await text("doubled"), "0");
}

test("the stream is opened by tab and enter", async () => {
  await shows("number", "+15…23");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "open");
  await page.keyboard.press("Enter");
  await shows("bearer", "stream");
  await comes("by-stream");
  await eventually(() => page.$("#stocks tr[data-symbol]"), "a quote");
});

test("push stands by, and takes over where the stream is lost", async () => {
  await page.keyboard.press("2");
  await shows("subscription", "active, stands by");
  assert.equal(await text("segments"), "1", "the probe");
  assert.match(await text("expires"), /\d\d:\d\d/);
  await comes("by-stream");
  assert.equal(await text("by-push"), "0");
  await page.keyboard.press("3");
  await shows("bearer", "push");
  await comes("by-push", 4);
  await page.keyboard.press("4");
  await shows("bearer", "stream");
  await comes("by-stream");
  await isWhole();
});

test("without any bearer, messages wait and nothing is lost", async () => {
  await page.focus("#sms-too");
  await page.keyboard.press("Space");
  await page.keyboard.press("3");
  const pushes = () => demo.lines.filter((line) => / push +\d/.test(line)).length;
  const before = pushes();
  // Longer than push waits before it takes over.
  await eventually(() => pushes() >= before + 14, "pushes to the other handset");
  await page.keyboard.press("4");
  await shows("bearer", "stream");
  await comes("by-stream", 4);
  await isWhole();
});

test("the stream is closed and push goes on, then ends", async () => {
  await page.keyboard.press("1");
  await shows("bearer", "push");
  await comes("by-push");
  await page.keyboard.press("1");
  await shows("bearer", "stream");
  await page.keyboard.press("5");
  await shows("subscription", "inactive");
  await comes("by-stream");
  await isWhole();
});

test("the chart keeps sixty steps, the newest in sight", async () => {
  await eventually(async () => (await page.$$("#steps li")).length === 60, "sixty steps");
  await comes("by-stream");
  assert.equal((await page.$$("#steps li")).length, 60);
  const hidden = await page.$eval("#scroller", ({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
  assert.ok(hidden < 40, `${hidden} px below`);
});

test("everything fits, light and dark, wide and narrow", async () => {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const width of [1280, 800]) {
      await page.setViewport({ width, height: 800 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} px at ${width}`);
    }
  }
});

test("the browser has nothing to complain about", () => {
  assert.deepEqual(wrong, []);
});
