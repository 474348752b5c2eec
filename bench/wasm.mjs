// Runs the wasm module of the benchmarks: `node wasm.mjs node|chromium MODULE.wasm`. Commands come on standard input,
// one a line, and answers go to standard output: first what this is, then
//
//   prepare WORK      how many things a pass of it does
//   floor PASSES      how many nanoseconds they took, and the sum of the answers;
//                     if there are several, another that is not timed goes before
//   work PASSES       the same
//
// CHROMIUM names the browser, and PLAYWRIGHT a module from which playwright-core can be found.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

/** Answers a command, here or in the page: it may use nothing from outside. */
function answer(exports, line) {
  const [verb, number] = line.split(" ");
  if (verb === "prepare") return String(exports.prepare(Number(number)));
  const loop = verb === "floor" ? exports.run_floor : exports.run_work;
  const passes = Number(number);
  if (passes > 1) loop(1);
  const start = performance.now();
  const sum = loop(passes);
  const end = performance.now();
  return `${(end - start) * 1e6} ${BigInt.asUintN(64, sum)}`;
}

async function inNode(module) {
  const { instance } = await WebAssembly.instantiate(module);
  const close = async () => {};
  return { name: `Node.js ${process.versions.node}`, ask: async (line) => answer(instance.exports, line), close };
}

async function inChromium(module) {
  const { chromium } = createRequire(process.env.PLAYWRIGHT)("playwright-core");
  // The page is this project's own: the sandbox, which containers lack, would protect nothing.
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  // A page isolated from other origins has a clock of 5 µs, any other one of 100.
  const headers = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  };
  const url = "http://localhost/";
  await page.route(url, (route) => route.fulfill({ contentType: "text/html", headers, body: "<!doctype html>" }));
  await page.goto(url);
  await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    globalThis.wasm = (await WebAssembly.instantiate(bytes)).instance.exports;
  }, module.toString("base64"));
  await page.evaluate(`globalThis.answer = ${answer}`);
  const ask = (line) => page.evaluate((line) => globalThis.answer(globalThis.wasm, line), line);
  return { name: `Chromium ${browser.version()}`, ask, close: () => browser.close() };
}

const [where, path] = process.argv.slice(2);
const module = await readFile(path);
const host = await (where === "chromium" ? inChromium(module) : inNode(module));
console.log(host.name);
for await (const line of createInterface({ input: process.stdin })) {
  console.log(await host.ask(line));
}
await host.close();
