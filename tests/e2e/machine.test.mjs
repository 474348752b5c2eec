// The playground beside a real machine: what it asks, whom it tells the token, and how each answer looks. The machine
// is played by the test; the server's own side is tested where it is written.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { overflow, playground, running, screenshot, violations } from "./harness.mjs";

const site = playground();
const token = "0123456789abcdef0123456789abcdef";

/** What the host answers, in the form of its own; `more` replaces parts of it. */
const told = (more = {}) => ({
  schema: "stagewalk.machine/1",
  id: "stage2-hole",
  status: "ok",
  par: "0xb0f",
  untold: ["par_ignore", "fault", "output", "reads"],
  kernel: "7.3.4",
  level: "virtual EL2, E2H = 0",
  verdict: "equal",
  rows: [],
  processor: [],
  headline: "PAR_EL1 = 0xb0f",
  differences: [],
  ...more,
});

const differences = [
  { register: "PAR_EL1", field: "SH", shown: "0b11, Inner Shareable", machine: "0b00, Non-shareable" },
  { register: "memory", field: "0x88003010", shown: "becomes 0x8410027ff", machine: "is left alone" },
  { register: "PAR_EL1", field: "FST", shown: null, machine: "0x7" },
];
const rows = [{ row: 3, sentence: "The reserved SH = 0b01: Linux takes it for Non-shareable." }];

/** How each standing looks: what the host does, the class, what the badge says. */
const standings = {
  equal: [told(), "equal", /machine: equal$/],
  known: [told({ verdict: "explained", rows, differences }), "known", /machine: differs as known\s+Row 3: The reserved SH/],
  processor: [
    told({ processor: ["FEAT_LPA2 is not implemented"], differences }),
    "known",
    /machine: equal to the model of its own processor\s+Its processor is another: FEAT_LPA2 is not implemented\./,
  ],
  unknown: [told({ verdict: "unexplained", differences }), "unknown", /machine: differs\s+Nothing that is known explains it/],
  unfit: [
    { schema: "stagewalk.machine/1", id: "x", status: "unfit", reason: "LDR is no AT instruction" },
    "mute",
    /machine: cannot be asked\s+LDR is no AT instruction/,
  ],
  failed: [{ status: 502, error: "the machine failed: the guest did not end" }, "mute", /machine: no answer\s+the machine failed/],
  stranger: [{ status: 401, error: "the token is missing, or not that of this server" }, "mute", /no answer\s+the token is missing/],
  "other-form": [told({ schema: "stagewalk.machine/9" }), "mute", /no answer\s+it answers in the form stagewalk.machine\/9/],
  unreachable: [null, "mute", /machine: no answer\s+the server that this page is from cannot be reached/],
};

/** A page with the token whose machine answers what `answer` says of a question; `asked` collects the requests. */
async function open(answer, { path = `#machine=${token}`, options = {} } = {}) {
  const page = await site.newPage(options);
  page.asked = [];
  await page.route("**/machine", async (route) => {
    page.asked.push(route.request());
    const body = await answer(route.request(), page.asked.length);
    if (body === null) return route.abort().catch(() => {});
    const status = typeof body.status === "number" ? body.status : 200;
    await route.fulfill({ status, contentType: "application/json", body: JSON.stringify(body) }).catch(() => {});
  });
  await page.goto(site.url + path);
  await running(page);
  return page;
}

const badge = (page) => page.locator(".real");

/** Waits until the badge says what it should. */
async function says(page, expected) {
  await page.locator(".real[aria-busy=false]").waitFor();
  const text = (await badge(page).innerText()).replace(/\s+/g, " ").trim();
  assert.match(text, expected);
}

describe("the badge", () => {
  for (const [name, [answer, look, expected]] of Object.entries(standings)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`${name}, ${colorScheme}`, async () => {
        const page = await open(() => answer, { options: { colorScheme } });
        await says(page, expected);
        assert.ok((await badge(page).getAttribute("class")).split(" ").includes(look));
        assert.equal(await badge(page).getAttribute("role"), "status");
        await screenshot(page, `machine-${name}-${colorScheme}`);
        assert.deepEqual(await violations(page), []);
        assert.match(await page.locator(".result .verdict").innerText(), /fault/, "the model's answer is there");
      });
    }
  }

  test("while there is no answer yet says so, and the model does not wait", async () => {
    let arrive;
    const arrived = new Promise((resolve) => (arrive = resolve));
    const page = await open(() => arrived.then(() => told()));
    assert.match(await badge(page).innerText(), /machine: asking/);
    assert.equal(await badge(page).getAttribute("aria-busy"), "true");
    assert.deepEqual(await violations(page), []);
    await page.locator("#va").fill("0x40080123");
    await page.getByRole("button", { name: "Back", exact: true }).click();
    assert.match(await page.locator("#now .count").innerText(), /^Step \d+ of 17$/);
    arrive();
    await says(page, /machine: equal/);
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`with all that it can say fits a window of 360 pixels, ${colorScheme}`, async () => {
      const answer = told({ verdict: "explained", rows, differences, processor: ["FEAT_LPA2 is not implemented"] });
      const page = await open(() => answer, { options: { colorScheme, viewport: { width: 360, height: 740 } } });
      await says(page, /differs as known/);
      await screenshot(page, `machine-360-${colorScheme}`);
      assert.equal(await overflow(page), 0);
      assert.deepEqual(await violations(page), []);
    });
  }
});

describe("what is different", () => {
  test("is shown side by side, with what a machine cannot tell", async () => {
    const page = await open(() => told({ verdict: "explained", rows, differences }));
    await says(page, /differs/);
    const beside = page.locator(".written .beside");
    const text = await beside.innerText();
    assert.match(text, /Linux 7\.3\.4, virtual EL2, E2H = 0: PAR_EL1 = 0xb0f\./);
    assert.match(text, /cannot tell which bits are UNKNOWN, the fault's own record, the output beyond PAR_EL1, how many/);
    const cells = await beside.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText)));
    assert.deepEqual(cells, [
      ["PAR_EL1 SH", "0b11, Inner Shareable", "0b00, Non-shareable"],
      ["memory 0x88003010", "becomes 0x8410027ff", "is left alone"],
      ["PAR_EL1 FST", "not there", "0x7"],
    ]);
    const region = beside.getByRole("region", { name: "What is different on the machine" });
    await region.focus();
    assert.ok(await region.evaluate((region) => region === document.activeElement), "the keyboard gets there");
  });

  test("is not there for an equal answer", async () => {
    const page = await open(() => told());
    await says(page, /equal/);
    assert.equal(await page.locator(".beside table").count(), 0);
  });
});

describe("the question", () => {
  test("is the case that is shown, in the batch's form, with the token in a header", async () => {
    const page = await open(() => told());
    await says(page, /equal/);
    assert.equal(page.asked.length, 1);
    const [request] = page.asked;
    const headers = await request.allHeaders();
    assert.equal(request.method(), "POST");
    assert.equal(new URL(request.url()).href, new URL("/machine", site.url).href);
    assert.equal(headers.authorization, `Bearer ${token}`);
    assert.equal(headers["content-type"], "application/json");
    const body = request.postDataJSON();
    assert.deepEqual([body.op, body.el, body.va], ["S1E1R", 2, "0x40080123"]);
    assert.ok(Object.keys(body.mem).length > 10 && body.regs.VTTBR_EL2);
  });

  test("is put again for what is edited, once it rests, and an answer to an older one is not shown", async () => {
    const waiting = [];
    const page = await open((request, count) =>
      count === 1 ? new Promise((resolve) => waiting.push(() => resolve(told({ verdict: "unexplained" })))) : told(),
    );
    while (!waiting.length) await page.waitForTimeout(20);
    for (const va of ["0x40080124", "0x40080125", "0x40080126"]) await page.locator("#va").fill(va);
    await says(page, /machine: equal/);
    waiting[0]();
    await page.waitForTimeout(200);
    await says(page, /machine: equal/);
    assert.deepEqual(page.asked.map((request) => request.postDataJSON().va), ["0x40080123", "0x40080126"]);
    await page.getByRole("button", { name: "Back", exact: true }).click();
    await page.waitForTimeout(400);
    assert.equal(page.asked.length, 2, "a step is no question");
    await page.keyboard.press("Control+z");
    await says(page, /machine: equal/);
    assert.equal(page.asked.at(-1).postDataJSON().va, "0x40080123");
  });

  test("is put again to a host that has enough", async () => {
    const page = await open((_, count) => (count < 3 ? { status: 503, error: "enough" } : told()));
    await says(page, /machine: equal/);
    assert.equal(page.asked.length, 3);
  });

  test("is not put where no machine can be like that", async () => {
    const page = await open(() => told(), { path: `#machine=${token}&ex=page-4k&reg=ID_AA64MMFR3_EL1:0x100000000` });
    await page.locator(".result.unsupported").waitFor();
    await page.waitForTimeout(400);
    assert.deepEqual([page.asked.length, await badge(page).count()], [0, 0]);
  });
});

describe("the token", () => {
  test("leaves the address bar at once, and is in no link", async () => {
    const page = await open(() => told(), { path: `#machine=${token}&ex=page-4k` });
    await says(page, /equal/);
    assert.deepEqual([page.asked[0].postDataJSON().id, await page.locator("#op").inputValue()], ["page-4k", "S1E1R"]);
    assert.ok(!page.url().includes(token) && page.url().includes("#v=1&s="), page.url());
    await page.locator("#va").fill("0x40081000");
    await page.keyboard.press("Control+z");
    await page.waitForTimeout(400);
    assert.ok(!page.url().includes(token) && !page.url().includes("machine"), page.url());
    const kept = await page.evaluate(() => [JSON.stringify(localStorage), JSON.stringify(history.state), document.cookie]);
    assert.ok(kept.every((text) => !text.includes("0123456789abcdef")), `${kept}`);
  });

  test("lasts as long as the tab, and no longer", async () => {
    const page = await open(() => told());
    await says(page, /equal/);
    await page.reload();
    await running(page);
    await says(page, /equal/);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.locator("#app[data-ready]").waitFor();
    await other.waitForTimeout(400);
    assert.equal(await other.locator(".real").count(), 0);
  });

  test("can be pasted into a page that is open", async () => {
    const page = await open(() => told(), { path: "#ex=page-4k" });
    await page.waitForTimeout(400);
    assert.deepEqual([page.asked.length, await badge(page).count()], [0, 0], "nothing is asked without a token");
    await page.evaluate((token) => (location.hash = `#machine=${token}`), token);
    await says(page, /equal/);
    assert.equal(page.asked[0].postDataJSON().id, "page-4k", "what is shown stays");
    assert.ok(!page.url().includes(token));
  });

  test("that is none is taken out all the same", async () => {
    const page = await open(() => told(), { path: "#machine=%3Cscript%3E" });
    await page.waitForTimeout(400);
    assert.deepEqual([page.asked.length, page.url().includes("script"), page.problems], [0, false, []]);
  });
});
