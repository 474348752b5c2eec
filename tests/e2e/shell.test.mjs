// The page as a whole: before the playground runs, when it runs, and on any web server.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { overflow, playground, running, screenshot, staticServe, violations } from "./harness.mjs";

const schemes = ["light", "dark"];

describe("the static shell", () => {
  const site = playground();

  /** The page while its wasm has not arrived; `arrive()` lets it. */
  async function shell(options) {
    const page = await site.newPage(options);
    let arrive;
    const arrived = new Promise((resolve) => (arrive = resolve));
    await page.route("**/*.wasm", async (route) => {
      await arrived;
      await route.continue();
    });
    await page.goto(site.url, { waitUntil: "domcontentloaded" });
    await page.waitForLoadState("load");
    return { page, arrive };
  }

  test("says what this is before the wasm is there, then gives way to the playground", async () => {
    const { page, arrive } = await shell();
    assert.match(await page.title(), /stagewalk/i);
    assert.match(await page.locator("h1").first().innerText(), /stagewalk/i);
    const text = await page.locator("body").innerText();
    assert.match(text, /translation/i);
    assert.ok(text.length > 200, `a useful shell has more to say than: ${text}`);
    arrive();
    await running(page);
    assert.deepEqual(page.problems, []);
  });

  for (const colorScheme of schemes) {
    test(`has no axe violation, ${colorScheme}`, async () => {
      const { page, arrive } = await shell({ colorScheme });
      assert.deepEqual(await violations(page), []);
      arrive();
    });
  }
});

describe("the playground", () => {
  const site = playground();

  test("starts without an error or a warning", async () => {
    const page = await site.open();
    await page.waitForLoadState("networkidle");
    assert.match(await page.title(), /stagewalk/i);
    assert.deepEqual(page.problems, []);
  });

  for (const colorScheme of schemes) {
    test(`has no axe violation, ${colorScheme}`, async () => {
      const page = await site.open("", { colorScheme });
      await screenshot(page, `playground-${colorScheme}`);
      assert.deepEqual(await violations(page), []);
    });

    test(`fits a window of 360 pixels, ${colorScheme}`, async () => {
      const page = await site.open("", { colorScheme, viewport: { width: 360, height: 740 } });
      await screenshot(page, `playground-360-${colorScheme}`);
      assert.equal(await overflow(page), 0);
      assert.deepEqual(await violations(page), []);
    });
  }
});

describe("the site on another web server, in a subdirectory", () => {
  const site = playground(staticServe);

  test("needs nothing outside its directory", async () => {
    const page = await site.newPage();
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(site.url);
    await running(page);
    await page.waitForLoadState("networkidle");
    assert.deepEqual(page.problems, []);
    assert.deepEqual(asked.filter((url) => !url.startsWith(site.url) && !url.startsWith("data:")), []);
  });
});
