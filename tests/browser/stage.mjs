// The browser that the tests run in, and the visitors who use it.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { ADA } from "./ada.mjs";
import { complaintsAbout } from "./accessibility.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long anything may take to show up, in milliseconds. */
const PATIENCE = 30_000;

export class Stage {
  #browser;
  #screenshots;
  #shots = 0;

  static async open(screenshots) {
    await access(CHROMIUM).catch(() => assert.fail(`there is no Chromium at ${CHROMIUM}: name yours in CHROMIUM`));
    if (screenshots) await mkdir(screenshots, { recursive: true });
    const stage = new Stage();
    stage.#browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    stage.#screenshots = screenshots;
    return stage;
  }

  close() {
    return this.#browser.close();
  }

  /** Runs a test at `base`. `scene` is given a function that makes a visitor, with no cookies and nothing stored. */
  async play(base, device, options, scene) {
    await fetch(base).catch(() => assert.fail(`nothing answers at ${base}: is \`cargo run\` running there?`));
    const visitors = [];
    const arrive = async () => {
      const context = await this.#browser.newContext({ ...options, baseURL: base });
      context.setDefaultTimeout(PATIENCE);
      const visitor = new Visitor(await context.newPage(), (page, name) => this.#shoot(page, `${device}-${name}`));
      visitors.push(visitor);
      return visitor;
    };
    try {
      await scene(arrive);
      for (const visitor of visitors) await visitor.leave();
    } catch (error) {
      for (const visitor of visitors) await visitor.testify(error);
      throw error;
    } finally {
      for (const visitor of visitors) await visitor.context.close();
    }
  }

  async #shoot(page, name) {
    if (!this.#screenshots) return;
    this.#shots += 1;
    const path = join(this.#screenshots, `${String(this.#shots).padStart(3, "0")}-${name}.png`);
    await page.screenshot({ path, fullPage: true });
  }
}

/** A person at a browser. */
export class Visitor {
  #shoot;
  #complaints = [];
  #heard = new EventEmitter();
  #expected = [];

  constructor(page, shoot) {
    this.page = page;
    this.context = page.context();
    this.#shoot = shoot;
    this.#listen(page);
    this.context.on("page", (opened) => this.#listen(opened));
  }

  #listen(page) {
    const complain = (text) => {
      this.#complaints.push(text);
      this.#heard.emit("complaint");
    };
    page.on("console", (message) => {
      const { url } = message.location();
      if (["error", "warning"].includes(message.type())) complain(`console: ${message.text()} (${url})`);
    });
    page.on("pageerror", (error) => complain(`script: ${error.stack}`));
    page.on("requestfailed", (request) => complain(`request: ${request.failure()?.errorText} ${request.url()}`));
  }

  /** The browser will complain about this: the test causes it. */
  expect(pattern, times = 1) {
    for (let i = 0; i < times; i += 1) this.#expected.push(pattern);
  }

  /** Checks the page as it stands for accessibility, and takes its picture. */
  async look(name, page = this.page) {
    await this.#shoot(page, name);
    this.#complaints.push(...(await complaintsAbout(page, name)));
  }

  /** Fails unless the complaints are those that were expected. */
  async leave() {
    const signal = AbortSignal.timeout(PATIENCE);
    for (const pattern of this.#expected) {
      const find = () => this.#complaints.findIndex((complaint) => pattern.test(complaint));
      while (find() < 0) {
        await once(this.#heard, "complaint", { signal }).catch(() => assert.fail(`no complaint about ${pattern}`));
      }
      this.#complaints.splice(find(), 1);
    }
    assert.deepEqual(this.#complaints, [], "the browser complained");
  }

  /** Adds to an error what the visitor sees. */
  async testify(error) {
    const text = await this.page
      .locator("body")
      .innerText()
      .catch(() => "nothing");
    error.message += `\nat ${this.page.url()}\n${text}\ncomplaints: ${JSON.stringify(this.#complaints, null, 2)}`;
    await this.#shoot(this.page, "failed").catch(() => {});
  }

  // ---- The page

  open(path = "/") {
    return this.page.goto(path);
  }

  /** Waits until the page is about `title`. */
  async at(title) {
    await this.page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor();
  }

  async click(name) {
    await this.page.getByRole("button", { name }).click();
  }

  async fill(label, text) {
    await this.page.getByLabel(label, { exact: true }).fill(text);
  }

  /** Waits until the page's message has `text` in it, and returns all of the message. */
  async alert(text) {
    const alert = this.page.getByRole("alert").filter({ hasText: text });
    await alert.waitFor();
    return alert.innerText();
  }

  /** What the page has stored of a login. */
  async stored() {
    return JSON.parse(await this.page.evaluate(() => sessionStorage.getItem("landfall.login")));
  }

  /** The name of what has the focus. */
  focus() {
    return this.page.evaluate(() => document.activeElement.id);
  }

  /** The claims of a user, who is signed in. */
  async claims({ name } = ADA) {
    await this.at(`You are signed in as ${name}`);
    const rows = await this.page.getByRole("row").all();
    const entries = rows.map(async (row) => [
      await row.getByRole("rowheader").innerText(),
      await row.getByRole("cell").innerText(),
    ]);
    return Object.fromEntries(await Promise.all(entries));
  }
}
