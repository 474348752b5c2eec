// What every end-to-end test needs: the site being served, a browser, pages that report their own errors, and axe.
//
// `cargo xtask test --only e2e` sets the variables below; without them `node --test` in this directory uses what
// `cargo xtask play` has built.

import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { after, afterEach, before } from "node:test";
import { chromium } from "playwright-core";

const target = fileURLToPath(new URL("../../target/", import.meta.url));
const program = process.env.STAGEWALK_BIN ?? join(target, "release/stagewalk");
const dist = process.env.STAGEWALK_DIST ?? join(target, "dist");
const shots = process.env.STAGEWALK_E2E_OUT ?? join(target, "e2e");
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The pages are this project's own, from loopback: the sandbox, which containers lack, would protect nothing.
const browserArgs = [
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Serves the site and starts a browser around the tests of the calling file.
 *
 * `serve` is `stagewalkServe` (the default) or `staticServe`.
 */
export function playground(serve = stagewalkServe) {
  let server;
  let browser;
  let contexts = [];

  before(async () => {
    server = await serve();
    browser = await chromium.launch({ executablePath, args: browserArgs });
  });
  afterEach(async () => {
    await Promise.all(contexts.map((context) => context.close()));
    contexts = [];
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  return {
    /** Where the site is, with a slash at its end. */
    get url() {
      return server.url;
    },
    /**
     * A new page in a context of its own. `page.problems` collects console errors and warnings, uncaught exceptions
     * and failed requests; `page.pending` has the requests that have not ended. `options` are those of Playwright's
     * newContext.
     */
    async newPage(options = {}) {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        reducedMotion: "reduce",
        ...options,
      });
      contexts.push(context);
      const page = await context.newPage();
      page.problems = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) page.problems.push(`console: ${message.text()}`);
      });
      page.on("pageerror", (error) => page.problems.push(`exception: ${error}`));
      page.on("requestfailed", (request) => page.problems.push(`request: ${request.url()} ${request.failure()?.errorText}`));
      page.on("response", (response) => {
        if (response.status() >= 400) page.problems.push(`response: ${response.status()} ${response.url()}`);
      });
      page.pending = new Set();
      page.on("request", (request) => page.pending.add(request));
      for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => page.pending.delete(request));
      return page;
    },
    /** A new page that shows the site at `path` (a query or fragment, say) with the playground running. */
    async open(path = "", options = {}) {
      const page = await this.newPage(options);
      await started(page, page.goto(server.url + path));
      await running(page);
      return page;
    },
  };
}

/** Waits until the playground has taken the static shell's place. */
export async function running(page) {
  await started(page, page.locator("#app[data-ready]").waitFor({ timeout: 20_000 }));
}

/** A step of the playground's start, whose failure tells what the page knows of it. */
async function started(page, step) {
  await step.catch((error) => {
    const list = (lines) => lines.map((line) => `\n  ${line}`).join("") || " nothing";
    const pending = [...page.pending].map((request) => `${request.method()} ${request.url()}`);
    const why = `the page reported:${list(page.problems)}\nand waits for:${list(pending)}`;
    throw new Error(`the playground did not start; ${why}`, { cause: error });
  });
}

/** Every violation that axe finds on the page, a line each; an empty list is the goal. */
export async function violations(page) {
  await page.evaluate(axeSource);
  const results = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return results.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary.replace(/\s+/g, " ")}`),
  );
}

/** How many CSS pixels the page is wider than its window. */
export async function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Keeps a picture of the whole page as `<name>.png`. */
export async function screenshot(page, name) {
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** The project's own server, on a port that the system picks. */
export async function stagewalkServe() {
  const child = spawn(program, ["serve", "--port", "0", "--dir", dist], { stdio: ["ignore", "pipe", "pipe"] });
  const closed = new Promise((resolve) => child.once("close", resolve));
  let said = "";
  const url = await new Promise((resolve, reject) => {
    const listen = (chunk) => {
      said += chunk;
      const found = said.match(/(http:\/\/\S+)\s/);
      if (found) resolve(found[1]);
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.once("error", (error) => reject(new Error(`${program} could not be started: ${error.message}`)));
    child.once("close", () => reject(new Error(`${program} serve ended without printing a URL; it said: ${said}`)));
  });
  const stop = async () => {
    child.kill();
    await closed;
  };
  return { url: new URL("./", url).href, stop };
}

const types = {
  ".css": "text/css",
  ".gz": "application/gzip",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** A plain file server that knows nothing of this project, with the site in a subdirectory. */
export async function staticServe() {
  const prefix = "/some/where/stagewalk/";
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const inside = pathname.startsWith(prefix) && normalize("/" + decodeURIComponent(pathname.slice(prefix.length)));
    try {
      if (!inside) throw new Error("outside the site");
      const file = inside.endsWith("/") ? inside + "index.html" : inside;
      const body = await readFile(join(dist, file));
      response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}${prefix}`, stop };
}
