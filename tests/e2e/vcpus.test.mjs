// The screen of several vCPUs in a reader's hands: stepping, choosing, exploring, links, the tour.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { overflow, playground, screenshot, violations } from "./harness.mjs";

const site = playground();

const now = (page) => page.locator("#now");
const count = (page) => page.locator("#now .count");
const offers = (page) => page.locator(".offers .offer");
const outcome = (page) => page.locator(".offers .outcome b");
const rows = (page) => page.locator(".outcomes tbody tr");

/** Waits until an element says what it should. */
async function says(locator, expected, message) {
  const until = Date.now() + 10_000;
  let text = await locator.innerText();
  while (!expected.test(text) && Date.now() < until) {
    await locator.page().waitForTimeout(20);
    text = await locator.innerText();
  }
  assert.match(text, expected, message);
}

/** Waits until there are as many as expected. */
async function has(locator, expected, message) {
  const until = Date.now() + 10_000;
  let found = await locator.count();
  while (found !== expected && Date.now() < until) {
    await locator.page().waitForTimeout(20);
    found = await locator.count();
  }
  assert.equal(found, expected, message);
}

/** Waits until the address bar has settled, and gives the whole URL. */
async function link(page) {
  await page.waitForFunction(() => location.hash.startsWith("#v=1&s="));
  await page.waitForTimeout(400);
  return page.url();
}

describe("stepping", () => {
  test("through the story by Enter alone, from the first step to the outcome", async () => {
    const page = await site.open("#vcpus");
    await says(count(page), /^Step 0 of 0$/);
    await page.keyboard.press("Enter");
    await says(now(page), /Step 1 of 1.*guest: AT S1E1R, x: trapped to the hypervisor/s);
    await page.keyboard.press("Enter");
    await says(now(page), /at EL2: Translation fault, level 3, at stage 2 on the stage 1 walk/);
    for (let step = 3; step <= 8; step += 1) await page.keyboard.press("Enter");
    await says(now(page), /Step 8 of 8.*table is not mapped at stage 2/s);
    await says(page.locator(".walk .count"), /^5 reads$/);
    for (let step = 9; step <= 40; step += 1) await page.keyboard.press("Enter");
    await says(outcome(page), /^PAR=ok\/page$/);
    await page.keyboard.press("ArrowLeft");
    await says(count(page), /^Step 21 of 22$/);
    await page.keyboard.press("Home");
    await says(count(page), /^Step 0 of 22$/);
    assert.equal(await now(page).getAttribute("aria-live"), "polite");
    assert.deepEqual(page.problems, []);
  });

  test("stays in the list: the focus is on the next default after each step", async () => {
    const page = await site.open("#vcpus");
    await page.locator(".offers .default").focus();
    for (const step of [1, 2, 3]) {
      await page.keyboard.press("Enter");
      await says(count(page), new RegExp(`^Step ${step} `));
      await page.waitForFunction(() => document.activeElement.matches(".offers .default"));
    }
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction(() => document.activeElement.matches(".offers li:nth-child(2) button"));
    await page.keyboard.press("Enter");
    await says(now(page), /Step 4.*other: STR to_new_table/s);
    assert.equal(await page.locator(".offers [tabindex='0']").count(), 1);
  });

  test("by clicking what can happen, in the list and in the lanes", async () => {
    const page = await site.open("#vcpus=torn-walk");
    await page.locator("[data-step='1.0']").click();
    await says(now(page), /other: STR to_second, pa:R: writes R = to_second, where to_first was/);
    await says(page.locator("tr[data-address='0x41000010'] .changed"), /changed, was to_first/);
    await has(page.locator(".memory-lane .hit"), 1);
    await page.locator(".lane-0 td.next button").click();
    await says(now(page), /asker: AT S1E1R, x: trapped/);
    await page.locator(".timeline [data-position='1']").click();
    await says(count(page), /^Step 1 of 2$/);
    await page.locator("[data-step='1.0']").click();
    await says(count(page), /^Step 2 of 2$/);
    await page.keyboard.press("Control+z");
    await says(now(page), /Step 1 of 2.*other: STR/s);
    await page.keyboard.press("Control+Shift+z");
    await says(now(page), /Step 2 of 2.*other: DSB/s);
  });

  test("in the lanes by the arrow keys, with one step in the tab order", async () => {
    const page = await site.open("#vcpus=torn-walk&policy=race&trace=0.0.0.1.1.1.0.0.0");
    await page.locator(".timeline [aria-current=step].tick").focus();
    await page.keyboard.press("ArrowLeft");
    await says(count(page), /^Step 8 of 9$/);
    await page.keyboard.press("ArrowDown");
    await says(now(page), /Step 6 of 9.*other: STR/s);
    await page.waitForFunction(() => document.activeElement.dataset.position === "6");
    await page.keyboard.press("Home");
    await says(count(page), /^Step 0 of 9$/);
    assert.equal(await page.locator(".timeline .tick[tabindex='0']").count(), 1);
  });

  test("one actor at a time", async () => {
    const page = await site.open("#vcpus=torn-walk");
    await page.getByRole("radio", { name: "other" }).check();
    await has(offers(page), 1);
    await has(page.locator(".actor"), 1);
    await offers(page).click();
    await says(now(page), /other: STR to_second/);
    await page.keyboard.press("n");
    await says(now(page), /other: DSB ISH/);
    await page.keyboard.press("0");
    await has(page.locator(".actor"), 2);
  });

  test("runs to the end and starts again", async () => {
    const page = await site.open("#vcpus=table-reuse&policy=pause-all");
    await page.getByRole("button", { name: "Run to the end" }).click();
    await says(outcome(page), /^PAR=ok\/old$/);
    await says(page.locator(".timeline"), /asked to pause|paused/);
    await page.getByRole("button", { name: "Restart" }).click();
    await says(count(page), /^Step 0 of 0$/);
  });
});

describe("what is shown", () => {
  test("a walk as far as it had got, and its reads lead back to their steps", async () => {
    const page = await site.open("#vcpus=swapped-out&policy=race&trace=0.0.0.0.0.0.0.0.0.0.0.0.0.0");
    await says(page.locator(".walk .count"), /^5 reads so far$/);
    await page.locator(".timeline [data-position='6']").click();
    await says(page.locator(".walk .count"), /^3 reads so far$/);
    await page.locator(".matrix .number-mark", { hasText: "1" }).click();
    await says(count(page), /^Step 4 of 14$/);
  });

  test("who is paused, and who waits for whom", async () => {
    const page = await site.open("#vcpus=swapped-out&policy=pause-all&trace=0.0.0");
    await says(page.locator(".lane-1 th .note"), /running, asked to pause/);
    await says(page.locator(".actor.lane-0 .heading"), /waits for other to leave the guest/);
    await page.keyboard.press("Enter");
    await says(page.locator(".lane-1 th .note"), /paused/);
  });

  test("what a TLB may hold, and what is about to go", async () => {
    const page = await site.open("#vcpus=swapped-out&policy=hardware&trace=0");
    await says(page.locator(".actor.lane-0 .tlb summary"), /may hold/);
    const reuse = await site.open("#vcpus=table-reuse&policy=hardware&trace=1.1.1");
    await says(reuse.locator(".actor.lane-0 .tlb"), /gone when other’s DSB completes/);
    await reuse.keyboard.press("Enter");
    await says(reuse.locator(".actor.lane-0 .tlb summary"), /gone/);
  });
});

describe("exploring", () => {
  test("finds the outcome that hardware never has, and replays it", async () => {
    const page = await site.open("#vcpus");
    await page.locator("#explore").click();
    await has(rows(page), 3);
    await says(page.locator(".standing"), /1 outcome that hardware never has/);
    await says(rows(page).first(), /PAR=ok\/secret.*✗ extra/s);
    await says(rows(page).nth(1), /✓ allowed/);
    await rows(page).first().getByRole("button").click();
    await says(outcome(page), /^PAR=ok\/secret$/);
    assert.equal(await rows(page).first().getByRole("button").getAttribute("aria-pressed"), "true");
    await page.locator("#policy").selectOption("pause-all");
    await page.keyboard.press("e");
    await says(page.locator(".standing"), /nothing that hardware would not do/);
    await says(page.locator(".explored"), /race\s*1 extra/);
    assert.deepEqual(page.problems, []);
  });

  test("goes on in slices where there is no worker", async () => {
    const page = await site.newPage();
    await page.addInitScript(() => delete globalThis.Worker);
    await page.goto(site.url + "#vcpus=table-reuse");
    await page.locator("#explore").click();
    await has(rows(page), 3);
    await says(page.locator(".standing"), /1 outcome that hardware never has/);
  });

  test("keeps what it found when it is cancelled", async () => {
    const page = await site.newPage();
    await page.addInitScript(() => {
      const row = { text: "PAR=ok/secret", states: 2, allowed: false, trace: "0.0.0" };
      const found = { rows: [row], missing: [], states: 20, transitions: 30, extent: "part" };
      globalThis.Worker = class {
        postMessage() {
          setTimeout(() => this.onmessage({ data: JSON.stringify({ underway: 20, found }) }));
        }
        terminate() {}
      };
    });
    await page.goto(site.url + "#vcpus");
    await page.locator("#explore").click();
    await says(page.locator(".standing"), /20 states, 1 outcomes? so far/);
    await has(rows(page), 0);
    await page.getByRole("button", { name: "Cancel" }).click();
    await says(page.locator(".standing"), /so far 1 outcome that hardware never has.*Cancelled: this is not everything/);
    await has(rows(page), 1);
    assert.match(await page.locator("table.outcomes").getAttribute("aria-label"), /incomplete/);
    await rows(page).first().getByRole("button").click();
    await says(count(page), /^Step 3 of 3$/);
    assert.deepEqual(page.problems, []);
  });

  test("can be cancelled", async () => {
    const page = await site.newPage();
    await page.route("**/explore.js", () => {});
    await page.goto(site.url + "#vcpus");
    await page.locator("#explore").click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await says(page.locator(".standing"), /Cancelled/);
  });
});

describe("a link", () => {
  test("brings back the story, the policy, the trace and where it stands", async () => {
    const page = await site.open("#vcpus=table-reuse&policy=tlb-lock-epoch");
    for (let step = 0; step < 5; step += 1) await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowLeft");
    await says(count(page), /^Step 4 of 5$/);
    const said = await now(page).innerText();
    const url = await link(page);
    const again = await site.newPage();
    await again.goto(url);
    await says(count(again), /^Step 4 of 5$/);
    assert.equal(await now(again).innerText(), said);
    assert.equal(await again.locator("#policy").inputValue(), "tlb-lock-epoch");
    assert.equal(await again.locator("#story").inputValue(), "table-reuse");
  });

  test("leads from one screen to the other, and both keep their place", async () => {
    const page = await site.open("#ex=page-4k&step=2");
    await page.getByRole("link", { name: "vCPUs" }).click();
    await page.keyboard.press("Enter");
    await says(count(page), /^Step 1 of 1$/);
    await page.getByRole("link", { name: "Walk" }).click();
    await says(count(page), /^Step 2 of /);
    await page.getByRole("link", { name: "vCPUs" }).click();
    await says(count(page), /^Step 1 of 1$/);
    assert.equal(await page.getByRole("link", { name: "vCPUs" }).getAttribute("aria-current"), "page");
  });

  test("that says what cannot happen is followed as far as it goes", async () => {
    const page = await site.open("#vcpus=torn-walk&policy=race&trace=0.0.1.1.1.1.1");
    await says(page.locator(".notice"), /Step 6 of the link.s trace cannot happen/);
    await says(count(page), /^Step 5 of 5$/);
  });
});

describe("the tour", () => {
  test("goes from its first page to its last", async () => {
    const page = await site.open("#vcpus");
    await page.locator("#start-tour").click();
    await says(page.locator(".tour"), /The tour, 1 of (\d+)/);
    const pages = Number((await page.locator(".tour > .note").innerText()).match(/of (\d+)/)[1]);
    const titles = new Set();
    for (let number = 1; number <= pages; number += 1) {
      await says(page.locator(".tour > .note"), new RegExp(`, ${number} of ${pages}$`));
      await page.waitForFunction(() => document.activeElement.id === "tour-title");
      titles.add(await page.locator("#tour-title").innerText());
      if (number === 9) await says(page.locator(".standing"), /1 outcome that hardware never has/);
      if (number < pages) await page.getByRole("button", { name: "Next page" }).click();
    }
    assert.equal(titles.size, pages);
    await says(page.locator(".tour"), /TLBI \+ DSB waits for it/);
    await page.getByRole("button", { name: "End the tour" }).click();
    await has(page.locator(".tour"), 0);
    assert.deepEqual(page.problems, []);
  });

  test("has a link to every page", async () => {
    const page = await site.open("#tour=3");
    await says(page.locator(".tour > .note"), /, 3 of /);
    const url = await link(page);
    const again = await site.newPage();
    await again.goto(url);
    await says(again.locator(".tour > .note"), /, 3 of /);
  });
});

describe("the page", () => {
  const places = [
    ["vcpus", "#vcpus=swapped-out&policy=pause-all&trace=0.0.0.1!.0.0.0.0.0.0.0.0&step=10"],
    ["vcpus-tour", "#tour=9"],
  ];
  for (const colorScheme of ["light", "dark"]) {
    for (const [name, place] of places) {
      test(`has no axe violation, ${name}, ${colorScheme}`, async () => {
        const page = await site.open(place, { colorScheme });
        if (name === "vcpus-tour") await has(rows(page), 3);
        await screenshot(page, `${name}-${colorScheme}`);
        assert.deepEqual(await violations(page), []);
      });

      test(`fits a window of 360 pixels, ${name}, ${colorScheme}`, async () => {
        const page = await site.open(place, { colorScheme, viewport: { width: 360, height: 740 } });
        if (name === "vcpus-tour") await has(rows(page), 3);
        await screenshot(page, `${name}-360-${colorScheme}`);
        assert.equal(await overflow(page), 0);
        assert.deepEqual(await violations(page), []);
      });
    }
  }

  test("has targets of 24 pixels and more", async () => {
    const page = await site.open("#tour=9");
    await has(rows(page), 3);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll("button, select, summary, .choice")]
        .filter((element) => element.checkVisibility())
        .map((element) => [element.className || element.id, element.getBoundingClientRect()])
        .filter(([, box]) => box.width < 24 || box.height < 24)
        .map(([name, box]) => `${name}: ${box.width} x ${box.height}`),
    );
    assert.deepEqual(small, []);
  });
});
