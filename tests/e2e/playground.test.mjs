// The playground in a reader's hands: the story, typing, stepping, editing, links, real systems.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { overflow, playground, screenshot, violations } from "./harness.mjs";

const site = playground();

const verdict = (page) => page.locator(".result .verdict");
const par = async (page) => (await page.locator("[data-register=PAR_EL1] .hex").innerText()).replace(/\s/g, "");
const step = (page) => page.locator("#now .count");
const shown = (page) => page.locator(".matrix [aria-current=step]");

/** What `read` gives once it `suits`, or after five seconds: the page answers after the event, not during it. */
async function settled(page, read, suits) {
  const until = Date.now() + 5000;
  let now = await read();
  while (!suits(now) && Date.now() < until) {
    await page.waitForTimeout(20);
    now = await read();
  }
  return now;
}

/** Waits until an element says what it should. */
async function says(locator, expected, message) {
  const text = await settled(locator.page(), () => locator.innerText(), (text) => expected.test(text));
  assert.match(text, expected, message);
}

/** Waits until `read` gives `expected`. */
async function becomes(page, read, expected, message) {
  assert.equal(await settled(page, read, (now) => now === expected), expected, message);
}

/** Waits until a box or a list holds `expected`. */
const holds = (locator, expected) => becomes(locator.page(), () => locator.inputValue(), expected);

/** Waits until PAR_EL1 reads `expected`. */
const parIs = (page, expected, message) => becomes(page, () => par(page), expected, message);

/** Waits until a button cannot be pressed. */
const isOff = (button) => becomes(button.page(), () => button.isDisabled(), true);

const fragment = (page) => page.evaluate(() => location.hash);

/** Waits until the address bar has settled on a state link, and gives the whole URL. */
async function link(page, previous = "") {
  await page.waitForFunction((previous) => location.hash.startsWith("#v=1&s=") && location.hash !== previous, previous);
  await page.waitForTimeout(300);
  return page.url();
}

describe("the story", () => {
  test("opens on the fault, without a click, and says why", async () => {
    const page = await site.open();
    await says(verdict(page), /✗\s*fault/);
    await parIs(page, "0xb0f");
    const result = await page.locator(".result").innerText();
    assert.match(result, /Translation fault, level 3, at stage 2 on the stage 1 walk/);
    assert.match(result, /PAR_EL1 does not say which IPA: it is 0x41002000/);
    await holds(page.locator("#op"), "S1E1R");
    await holds(page.locator("#el"), "2");
    await says(page.locator(".walk .count"), /^14 reads$/);
    assert.equal(await page.locator(".matrix .number-mark").last().innerText(), "14");
    await says(shown(page), /✗ Translation fault/);
    await says(page.locator(".regime"), /EL1&0, Non-secure/);
  });

  test("the chain of reasons ends with the rule that there is no hint", async () => {
    const page = await site.open();
    await page.getByRole("button", { name: "why?" }).click();
    const chain = page.locator("#why-chain li");
    await says(chain.last(), /nothing says which IPA/);
    await says(chain.nth(-2), /bit 0 is 0/);
    await chain.first().getByRole("button").click();
    await says(step(page), /^Step 1 of/);
  });

  test("every field of PAR_EL1 names the step that decided it", async () => {
    const page = await site.open();
    const row = (field) => page.locator(`.written tr[data-field=${field}]`);
    await says(row("FST"), /Translation fault, level 3/);
    await says(row("S"), /stage 2 raised it/);
    await says(row("PTW"), /while stage 1 read its tables/);
    await page.keyboard.press("p");
    await row("FST").getByRole("button").click();
    await says(shown(page), /✗ Translation fault/);
  });

  test("executed at EL1 it takes the exception that knows the IPA", async () => {
    const page = await site.open();
    await page.locator("#el").selectOption("1");
    await says(verdict(page), /exception/);
    await says(page.locator("#value-HPFAR_EL2"), /^0x\s*41\s*0020$/);
    await page.keyboard.press("Control+z");
    await parIs(page, "0xb0f");
  });
});

describe("the address", () => {
  test("is translated as it is typed, in any form that people paste", async () => {
    const page = await site.open("#ex=page-4k");
    await parIs(page, "0xff00000048000980");
    await page.locator("#va").fill("0x0000_0000_4008_1000");
    await parIs(page, "0x80f");
    await page.locator("#va").fill(" 40080FFF ");
    await parIs(page, "0xff00000048000980");
  });

  test("that is none is explained, and the last good answer stays", async () => {
    const page = await site.open();
    const wrong = [["0x4008g", /“g” is not a hexadecimal digit/], ["", /No digits yet/], ["1".repeat(17), /64 bits/], ["\u{1f600}", /not a hexa/]];
    for (const [text, complaint] of wrong) {
      await page.locator("#va").fill(text);
      await says(page.locator("#va-error"), complaint);
      assert.equal(await page.locator("#va").getAttribute("aria-invalid"), "true");
      await parIs(page, "0xb0f");
    }
    await page.locator("#va").fill("0x40080123");
    await says(page.locator("#va-error"), /^$/);
    assert.deepEqual(page.problems, []);
  });

  test("and the walk point at each other", async () => {
    const page = await site.open("#ex=page-4k");
    const index = page.locator(".strip .segment", { hasText: "L2 index" });
    await index.getByRole("button").hover();
    await says(page.locator(".matrix td.linked"), /0x\s*4100\s*3003/);
    await page.locator(".matrix tbody tr").nth(1).getByRole("button").hover();
    await says(page.locator(".strip .segment.linked"), /L1 index/);
    await page.locator(".written tr[data-field=SH] th").hover();
    await says(page.locator(".matrix td.linked"), /page 4 KB/);
    await says(page.locator(".bits .part.linked .label"), /^SH$/);
    await page.locator(".inspector .fields tr", { hasText: "AttrIndx" }).hover();
    await becomes(page, () => page.locator(".written tr.linked").getAttribute("data-field"), "ATTR");
  });
});

describe("stepping", () => {
  test("by the buttons and the scrubber", async () => {
    const page = await site.open();
    const press = (name) => page.getByRole("button", { name, exact: true }).click();
    await press("First step");
    await says(step(page), /^Step 1 of 17$/);
    await press("Next");
    await press("Next");
    await says(step(page), /^Step 3 of 17$/);
    await says(shown(page), /table/);
    await press("Back");
    await says(step(page), /^Step 2 of 17$/);
    await press("Last step");
    await says(step(page), /^Step 17 of 17$/);
    await isOff(page.getByRole("button", { name: "Next", exact: true }));
    await page.locator("#scrubber").fill("7");
    await says(page.locator("#now"), /Step 7 of 17.*Stage 1 L0: points to the table at 0x41001000/s);
    assert.equal(await page.locator("#now").getAttribute("aria-live"), "polite");
  });

  test("by the arrow keys, on the page and inside the walk", async () => {
    const page = await site.open("#ex=story&step=1");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowLeft");
    await says(step(page), /^Step 2 /);
    await page.locator(".matrix button").first().click();
    await says(shown(page), /^1\s/);
    for (const [key, number] of [["ArrowRight", "2"], ["ArrowDown", "7"], ["End", "10"], ["ArrowRight", "11"], ["ArrowUp", "6"], ["Home", "6"]]) {
      await page.keyboard.press(key);
      await says(shown(page), new RegExp(`^${number}\\s`), key);
      const focused = () => shown(page).evaluate((button) => button === document.activeElement);
      await becomes(page, focused, true, `${key} moves the focus`);
    }
    assert.equal(await page.locator(".matrix button[tabindex='0']").count(), 1);
  });

  test("by single keys, which can be turned off and stay off", async () => {
    const page = await site.open("#ex=story&step=1");
    await page.keyboard.press("n");
    await says(step(page), /^Step 2 /);
    await page.getByText("Keys", { exact: true }).click();
    await page.getByLabel("Single-key shortcuts").uncheck();
    await page.getByRole("heading", { name: "The walk" }).click();
    await page.keyboard.press("n");
    await says(step(page), /^Step 2 /);
    await page.keyboard.press("ArrowRight");
    await says(step(page), /^Step 3 /);
    await link(page);
    await page.reload();
    await page.locator("#app[data-ready]").waitFor();
    await page.keyboard.press("n");
    await says(step(page), /^Step 3 /);
  });

  test("typing in a box is not stepping", async () => {
    const page = await site.open("#ex=story&step=5");
    await page.locator("#va").click();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await says(step(page), /^Step 5 /);
  });
});

describe("editing", () => {
  test("a descriptor word mends the fault; what changed is marked; undo brings it back", async () => {
    const page = await site.open();
    const word = page.getByLabel("Word at 0x88003010, hexadecimal");
    await word.fill("0x8410027ff");
    await says(verdict(page), /✓\s*translated/);
    await parIs(page, "0xff00000048000980");
    await says(page.locator(".result .changed"), /changed/);
    const cell = page.locator(".matrix td", { hasText: "0x" }).filter({ has: page.locator(".changed") }).first();
    await says(cell, /page 4 KB/);
    await says(page.locator(".written tr[data-field=F]"), /was 1/);
    await word.press("Control+z");
    await parIs(page, "0xb0f");
    await page.keyboard.press("Control+Shift+Z");
    await parIs(page, "0xff00000048000980");
    await page.getByRole("button", { name: "Undo" }).click();
    await parIs(page, "0xb0f");
    await holds(page.getByLabel("Word at 0x88003010, hexadecimal"), "0x0");
  });

  test("a bit of the shown descriptor, by mouse and by keyboard", async () => {
    const page = await site.open("#ex=page-4k");
    await page.getByRole("button", { name: "bit 0, Valid" }).click();
    await parIs(page, "0x80f");
    await page.getByRole("button", { name: "bit 0, Valid" }).click();
    await parIs(page, "0xff00000048000980");
    await page.getByRole("button", { name: "bit 0, Valid" }).focus();
    await page.keyboard.press("End");
    for (let bit = 0; bit < 10; bit += 1) await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Space");
    await parIs(page, "0x817", "bit 10 is the access flag");
    await page.keyboard.press("Control+z");
    await parIs(page, "0xff00000048000980");
  });

  test("a register, found by the name of a field, and dropped again", async () => {
    const page = await site.open("#ex=page-4k");
    await page.getByPlaceholder("Search registers and fields").fill("EPD0");
    const register = page.getByLabel("TCR_EL1, hexadecimal");
    const original = await register.inputValue();
    await page.getByRole("button", { name: "TCR_EL1", exact: true }).click();
    await page.getByRole("button", { name: "bit 7, EPD0" }).click();
    await parIs(page, "0x809");
    await says(page.locator(".regime"), /on, 4K, 48-bit/);
    await register.fill("nonsense");
    await says(page.locator(".registers .error"), /not a hexadecimal digit/);
    await parIs(page, "0x809");
    await page.getByRole("button", { name: "Drop all edits" }).click();
    await parIs(page, "0xff00000048000980");
    await holds(register, original);
  });

  test("any word, by its address", async () => {
    const page = await site.open("#ex=page-4k");
    const box = page.locator("#address");
    await box.fill("0x41003401");
    await says(page.locator("#address-error"), /multiple of 8/);
    await box.fill("0x41003408");
    await page.locator(".anywhere").getByLabel("Word at 0x41003408, hexadecimal").fill("0x60000049000703");
    await page.locator("#va").fill("0x40081000");
    await parIs(page, "0xff00000049000980");
  });

  test("typing is one step of undo, however many keys it took", async () => {
    const page = await site.open("#ex=page-4k");
    await page.locator("#va").press("End");
    await page.locator("#va").pressSequentially("45");
    await holds(page.locator("#va"), "0x4008012345");
    await page.keyboard.press("Control+z");
    await holds(page.locator("#va"), "0x40080123");
    await isOff(page.getByRole("button", { name: "Undo" }));
  });
});

describe("links", () => {
  test("restore everything, the step included", async () => {
    const page = await site.open();
    await page.getByLabel("Word at 0x88003010, hexadecimal").fill("0x8410027ff");
    await page.locator("#op").selectOption("S1E1W");
    await page.locator("#va").fill("0x40080456");
    await page.locator("#scrubber").fill("9");
    const url = await link(page);
    assert.ok(url.length < 400, `${url.length} characters`);
    const other = await site.newPage();
    await other.goto(url);
    await other.locator("#app[data-ready]").waitFor();
    for (const locator of [".result", ".matrix", "#now", ".written", ".inspector"]) {
      const plain = async (page) => (await page.locator(locator).innerText()).replace(/\s*changed\s*/g, " ").replace(/was \w+/g, "").replace(/\s+/g, " ").trim();
      assert.equal(await plain(other), await plain(page), locator);
    }
    await holds(other.locator("#va"), "0x40080456");
    await holds(other.locator("#op"), "S1E1W");
    await says(step(other), /^Step 9 /);
    await isOff(other.getByRole("button", { name: "Undo" }));
  });

  test("can be shared, and what follows the # goes to no server", async () => {
    const page = await site.open();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByText("never reaches a server").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, page.url());
    assert.match(copied, /#v=1&s=[\w-]+$/);
    await page.getByRole("button", { name: "Dismiss" }).click();
    await becomes(page, () => page.locator(".notice").count(), 0);
    assert.deepEqual(asked, []);
  });

  test("can be written by hand, and followed without leaving the page", async () => {
    const page = await site.open("#ex=story&va=0x40080123&op=S1E1R&el=2&step=3");
    await says(step(page), /^Step 3 /);
    await page.evaluate(() => (location.hash = "#ex=block-2m&va=0x40081000"));
    await page.waitForFunction(() => document.querySelector("#va").value === "0x40081000");
    await parIs(page, "0xff00000048081980");
  });

  test("to a machine that cannot be get the reason, and no answer", async () => {
    const page = await site.open("#ex=page-4k&reg=ID_AA64MMFR3_EL1:0x100000000");
    const refusal = page.locator(".result");
    await says(refusal, /impossible/);
    await says(refusal, /FEAT_D128 requires FEAT_TCR2, and FEAT_TCR2 is not implemented\. Implement .*\(ID_AA64MMFR3_EL1\.TCRX\)/);
    await becomes(page, () => page.getByText("PAR_EL1 0x").count(), 0);
    await page.evaluate(() => (location.hash = "#ex=page-4k"));
    await parIs(page, "0xff00000048000980");
    assert.deepEqual(page.problems, []);
  });

  test("that are damaged say so, and stay in the address bar", async () => {
    for (const [bad, complaint] of [["#v=1&s=garbage", /damaged/], ["#v=7&s=x", /version/], ["#ex=nowhere", /nowhere/], ["#va=xyz", /“x”/]]) {
      const page = await site.open(bad);
      await says(page.locator(".notice"), complaint);
      await parIs(page, "0xb0f");
      await page.waitForTimeout(300);
      assert.equal(await fragment(page), bad);
      await page.keyboard.press("ArrowLeft");
      await link(page);
      assert.deepEqual(page.problems, []);
    }
  });
});

describe("real Linux systems", () => {
  const systems = [
    ["k6.1-4k-a72", [["S1E1R", "0xffffd281b5010800", "0xff00000040210980"], ["S1E0W", "0xffff9c400f29", "0x81d"], ["S1E0R", "0x1044c", "0xff000000423c8980"]]],
    ["k7.3-16k-neoverse-v1-rodataoff", [["S1E1R", "0xffffecdae5497b38", "0xff00000041a97980"], ["S1E0R", "0x7fffbed691ba", "0xff00000042d2d980"], ["S1E1W", "0x7fffb60017cb", "0x81d"]]],
    ["nested-k7.3host-k6.1-4k-guest", [["S1E1R", "0xffffb67898a10800", "0xff00000040210980"], ["S1E0R", "0x1044c", "0xff00000041d02980"]]],
    ["k7.3-4k-max", [["S1E1R", "0xffffac390fc10800", "0xff00000040210980"], ["S1E0R", "0xffffb32a91cb", "0x80f"]]],
    ["k7.3-4k-max-vhe-el2", [["S1E1R", "0xffff97472a210800", "0xff00000040210980"], ["S1E1R", "0xffff800091df71e4", "0x4011df7900"]]],
  ];
  for (const [name, answers] of systems) {
    test(`${name} is fetched when picked, and answers as the machine did`, async () => {
      const page = await site.open();
      const asked = [];
      page.on("request", (request) => {
        if (request.url().includes(`/systems/${name}/`)) asked.push(new URL(request.url()).pathname.split("/").at(-1));
      });
      await page.locator("#scenario").selectOption(name);
      await page.locator("#place").waitFor();
      assert.deepEqual(asked.sort(), ["meta.json", "pages.bin.gz", "pages.json", "regs.json"]);
      for (const [op, va, expected] of answers) {
        await page.locator("#op").selectOption(op);
        await page.locator("#va").fill(va);
        await parIs(page, expected, `${op} ${va}`);
      }
      assert.deepEqual(page.problems, []);
    });

    test(`${name}: a link to it restores it, and places lead somewhere`, async () => {
      const page = await site.open(`#ex=${name}&step=2`);
      await page.locator("#place").waitFor();
      await says(step(page), /^Step 2 /);
      await page.locator("#place").selectOption({ index: 3 });
      await says(verdict(page), /translated/);
    });
  }

  test("one that cannot be fetched says so and changes nothing", async () => {
    const page = await site.newPage();
    await page.route("**/systems/**/pages.bin.gz", (route) => route.fulfill({ status: 404, body: "" }));
    await page.goto(`${site.url}#ex=k6.1-4k-a72`);
    await page.getByText("404").waitFor();
    await parIs(page, "0xb0f");
    assert.equal(await fragment(page), "#ex=k6.1-4k-a72");
  });

  test("one that the server has inflated already is read all the same", async () => {
    const { gunzipSync } = await import("node:zlib");
    const page = await site.newPage();
    await page.route("**/systems/**/pages.bin.gz", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ status: 200, body: gunzipSync(await response.body()) });
    });
    await page.goto(`${site.url}#ex=k6.1-4k-a72`);
    await page.locator("#place").waitFor();
    await says(verdict(page), /translated/);
  });
});

describe("for everyone", () => {
  const states = [
    ["a system", "#ex=k6.1-4k-a72"],
    ["a nested walk", "#ex=nested"],
    ["an exception", "#ex=stage2-hole-el1"],
    ["nothing walked", "#ex=story&el=0"],
    ["edits", "#ex=access-flag&reg=SCTLR_EL1:0x1005&reg=TCR_EL1:0&mem=0x41003400:0"],
  ];
  for (const colorScheme of ["light", "dark"]) {
    for (const [what, hash] of states) {
      test(`axe finds nothing with ${what}, ${colorScheme}`, async () => {
        const page = await site.open(hash, { colorScheme });
        if (hash.includes("k6.1")) await page.locator("#place").waitFor();
        await page.getByRole("button", { name: "why?" }).click();
        await page.getByRole("button", { name: "HCR_EL2", exact: true }).click();
        await page.locator("#va").fill("bad!");
        await screenshot(page, `${what.replace(/\W+/g, "-")}-${colorScheme}`);
        assert.deepEqual((await violations(page)).slice(0, 5), []);
      });
    }
  }

  test("the toggle changes the colours and remembers it", async () => {
    const page = await site.open("", { colorScheme: "light" });
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.getByRole("button", { name: "Dark colours" }).click();
    const dark = await settled(page, ground, (now) => now !== light);
    assert.notEqual(dark, light);
    assert.deepEqual(await violations(page), []);
    await page.reload();
    await page.locator("#app[data-ready]").waitFor();
    assert.equal(await ground(), dark);
  });

  test("a window of 360 pixels, and text at 200 %, need no sideways scrolling", async () => {
    for (const hash of ["", "#ex=nested", "#ex=stage2-hole-el1", "#ex=k7.3-16k-neoverse-v1-rodataoff"]) {
      for (const viewport of [{ width: 360, height: 740 }, { width: 640, height: 400 }]) {
        const page = await site.open(hash, { viewport });
        await page.getByRole("button", { name: "why?" }).click();
        assert.equal(await overflow(page), 0, `${hash} at ${viewport.width}`);
      }
    }
  });

  test("every target is at least 24 pixels each way", async () => {
    const page = await site.open("#ex=nested");
    await page.getByRole("button", { name: "why?" }).click();
    await page.getByRole("button", { name: "HCR_EL2", exact: true }).click();
    const small = await page.evaluate(() => {
      const targets = [...document.querySelectorAll("button, select, input, summary")].filter((element) => element.checkVisibility());
      const side = (element) => {
        const box = (element.closest("label.check") ?? element).getBoundingClientRect();
        return Math.min(box.width, box.height);
      };
      return targets.filter((element) => side(element) < 23.9).map((element) => `${element.outerHTML.slice(0, 120)} ${side(element)}`);
    });
    assert.deepEqual(small, []);
  });

  test("the keyboard reaches everything, in the order of the page", async () => {
    const page = await site.open();
    const seen = [];
    for (let press = 0; press < 200; press += 1) {
      await page.keyboard.press("Tab");
      const id = await page.evaluate(() => {
        const element = document.activeElement;
        return element === document.body ? null : element.id || element.getAttribute("aria-label") || element.innerText.trim();
      });
      if (id === null) break;
      seen.push(id);
    }
    const order = ["Skip to the walk", "scenario", "Share", "op", "el", "va", "why", "descriptor", "address"];
    const places = order.map((id) => seen.indexOf(id));
    assert.ok(places.every((place, index) => place >= 0 && (index === 0 || place > places[index - 1])), `${order} in ${seen.join(" | ")}`);
    assert.ok(seen.some((id) => id.includes("HCR_EL2")));
  });
});
