// Plays the examples against a running Landfall that knows `clients.yaml`: users sign in through them as themselves,
// and an attacker with half of another user's login is refused.
//
//     node --test-reporter=spec tests/examples/examples.mjs LANDFALL ADDRESS
//
// ADDRESS is where the backend is according to its `redirect_uris`.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { promisify } from "node:util";

import { Landfall } from "./landfall.mjs";

const [LANDFALL, ADDRESS] = process.argv.slice(2);
if (![LANDFALL, ADDRESS].every((address) => URL.canParse(address))) {
  console.error("usage: node examples.mjs LANDFALL ADDRESS");
  process.exit(2);
}
const SECRET = "a-secret-of-the-example";
const PASSWORD = "correct horse battery staple";
const here = (name) => new URL(name, import.meta.url);

// ---- A user's browser

/** Follows redirects, keeps each site's cookies, and fills in forms. */
class Browser {
  #cookies = new Map();

  /** Opens an address; at one that is like `until`, it stops without going there. */
  async open(url, { form, until } = {}) {
    for (let hops = 0; hops < 10; hops++) {
      if (until?.test(url)) return { url };
      const { origin } = new URL(url);
      const cookies = this.#cookies.get(origin) ?? new Map();
      const cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
      const response = await fetch(url, {
        method: form ? "POST" : "GET",
        headers: { accept: "text/html", ...(cookie && { cookie }) },
        body: form && new URLSearchParams(form),
        redirect: "manual",
      });
      for (const line of response.headers.getSetCookie()) cookies.set(...line.split(";")[0].split(/=(.*)/s, 2));
      this.#cookies.set(origin, cookies);
      const location = response.headers.get("location");
      if (!location) return { url, status: response.status, headers: response.headers, html: await response.text() };
      [url, form] = [new URL(location, url).href, undefined];
    }
    assert.fail(`${url} leads nowhere`);
  }

  /** Sends the form of a page: with what is hidden in it, and what is entered. */
  submit({ url, html }, entered, options) {
    const text = (attribute) => attribute.replace(/&(amp|#38);/g, "&");
    const action = text(html.match(/<form[^>]* action="([^"]*)"/i)?.[1] ?? assert.fail(`no form in ${html}`));
    const hidden = [...html.matchAll(/<input type="hidden"[^>]*>/gi)].map(([input]) =>
      ["name", "value"].map((name) => text(input.match(new RegExp(` ${name}="([^"]*)"`))?.[1] ?? "")),
    );
    return this.open(new URL(action, url).href, { ...options, form: { ...Object.fromEntries(hidden), ...entered } });
  }

  /** Begins a login at the backend: what it shows first. */
  async begin(journey, options) {
    return this.submit(await this.open(`${ADDRESS}/`), { journey }, options);
  }

  /** The claims of the user who is signed in at the backend. */
  async user() {
    const { html } = await this.open(`${ADDRESS}/`);
    const claims = html.match(/<pre[^>]*>(.*)<\/pre>/s)?.[1];
    return claims && JSON.parse(claims.replaceAll("&#34;", '"'));
  }
}

const atProvider = (username) => ({ username, password: PASSWORD });
const BY_PASSWORD = "migrate-from-keycloak";
const BY_REDIRECT = "sign-in-with-keycloak";
const PROVIDER = /\/demo\/keycloak\//;
const AFTER = /\/after\?/;

/** Starts a login at the provider's page. `finish` stops before the callback reaches the backend. */
async function halfALogin(browser, username) {
  const { url } = await browser.begin(BY_REDIRECT, { until: PROVIDER });
  const finish = async (by) => (await by.submit(await by.open(url), atProvider(username), { until: AFTER })).url;
  return { finish };
}

// ---- Processes

/** Runs a program of this folder until `use` is done with it. */
async function running(program, { env, args = [] }, use) {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, LANDFALL, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, "exit");
  try {
    return await use(child, lines, exited);
  } finally {
    child.kill();
    await exited;
  }
}

const backend = (use, program = here("backend.mjs").pathname) =>
  running(program, { env: { ADDRESS, CLIENT_SECRET: SECRET }, args: [BY_PASSWORD, BY_REDIRECT] }, async (_, lines) => {
    assert.equal((await lines.next()).value, `The application is at ${ADDRESS}`);
    await use();
  });

/** Runs the native application with that input, and `visit`s what it would open a browser with: its claims. */
const native = (journey, input, visit) =>
  running(here("native.mjs").pathname, { env: { BROWSER: "true" }, args: [journey] }, async (child, lines, exited) => {
    child.stdin.end(input);
    const printed = [];
    for await (const line of lines) {
      printed.push(line);
      const [, url] = line.match(/^Go on in your browser: (.*)$/) ?? [];
      if (url) await visit(url);
    }
    assert.deepEqual(await exited, [0, null], printed.join("\n"));
    const all = printed.join("\n");
    assert.ok(!all.includes(PASSWORD), "a password was printed");
    return { printed: all, claims: JSON.parse(all.slice(all.indexOf("{"))) };
  });

// ---- Who signs in

/** The `sub` of each user: every way to sign in leads to the same. */
const known = new Map();

function assertKnown({ sub, email }, who) {
  assert.equal(email, `${who}@example.org`);
  assert.match(sub, /^usr_/);
  assert.equal(known.get(who) ?? sub, sub, `${who} is two users`);
  known.set(who, sub);
}

test("a backend signs its users in by password", () =>
  backend(async () => {
    const ada = new Browser();
    const asked = await ada.begin(BY_PASSWORD);
    const again = await ada.submit(asked, { option: "submit", email: "ada@example.org", password: "wrong" });
    assert.match(again.html, /did not accept these details/);
    const incomplete = await ada.submit(again, { option: "submit", email: "ada", password: "" });
    assert.match(incomplete.html, /not an e-mail address.*Please fill this in/s);
    // A second click does nothing twice.
    const entered = { option: "submit", email: "ada@example.org", password: PASSWORD };
    const clicks = await Promise.all([ada.submit(incomplete, entered), ada.submit(incomplete, entered)]);
    assert.deepEqual(clicks.map(({ status }) => status), [200, 200]);
    assertKnown(await ada.user(), "ada");

    // No cache keeps her page, and no script reads her cookie.
    const page = await ada.open(`${ADDRESS}/`);
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.match((await new Browser().open(`${ADDRESS}/`)).headers.get("set-cookie"), /; HttpOnly; SameSite=Lax/);
    await ada.submit(page, {});
    assert.equal(await ada.user(), undefined);
  }));

test("a backend signs in the same user at the provider's page", () =>
  backend(async () => {
    const ada = new Browser();
    const asked = await ada.begin(BY_REDIRECT);
    assert.match(asked.url, PROVIDER);
    const back = await ada.submit(asked, atProvider("ada"));
    assert.equal(back.url, `${ADDRESS}/`, "the way back is not left in the address");
    assertKnown(await ada.user(), "ada");
  }));

test("a backend says that a login was cancelled", () =>
  backend(async () => {
    const ada = new Browser();
    const end = await ada.submit(await ada.begin(BY_PASSWORD), { option: "cancel" });
    assert.match(end.html, /You cancelled[^]*Nothing has happened[^]*Try again/);
    assert.equal(await ada.user(), undefined);
  }));

test("a backend says how often and how long to wait", () =>
  backend(async () => {
    // An account that does not exist: attempts are counted all the same.
    const guesser = new Browser();
    let shown = await guesser.begin(BY_PASSWORD);
    const wrong = { option: "submit", email: "guessed@example.org", password: "wrong" };
    for (let tries = 0; tries < 10 && !shown.html.includes("too many attempts"); tries++) {
      shown = await guesser.submit(shown, wrong);
    }
    assert.match(shown.html, /too many attempts[^]*Wait \d+ (second|minute)s?, then try again/);
    assert.match(shown.html, /value="guessed@example.org"/, "what was entered is still there");
  }));

test("a callback that is loaded again leads on", () =>
  backend(async () => {
    const ada = new Browser();
    const { finish } = await halfALogin(ada, "ada");
    const back = await finish(ada);
    // Without the parameters that work once: as the link of the error page at a spent callback.
    assert.match((await ada.open(`${ADDRESS}/after`)).html, /came back[^]*Start over/);
    await ada.open(back);
    assertKnown(await ada.user(), "ada");
    for (const address of [back, `${ADDRESS}/after`]) assert.equal((await ada.open(address)).url, `${ADDRESS}/`);
    assertKnown(await ada.user(), "ada");
  }));

test("an example that is given no journey names those there are", async () => {
  const isListed = (await fetch(`${LANDFALL}/page/config.json`)).ok;
  const [args, message] = isListed
    ? [["nowhere"], /^There is no journey nowhere\. There are: .*sign-in-with-keycloak/]
    : [[], /lists no journeys: name those of your application on the command line/];
  const env = { ...process.env, LANDFALL, ADDRESS, CLIENT_SECRET: SECRET };
  for (const program of ["backend.mjs", "native.mjs"]) {
    const run = promisify(execFile)(process.execPath, [here(program).pathname, ...args], { env });
    await assert.rejects(run, ({ code, stderr }) => code === 1 && message.test(stderr), program);
  }
});

test("a backend refuses forms of other sites", () =>
  backend(async () => {
    const ada = new Browser();
    const asked = await ada.begin(BY_PASSWORD);
    const entered = { option: "submit", email: "grace@example.org", password: PASSWORD, turn: "1" };
    const [, others] = (await new Browser().open(`${ADDRESS}/`)).html.match(/name="csrf" value="(.+?)"/);
    for (const csrf of [others, "", "x"]) {
      for (const [path, form] of [["/step", entered], ["/login", { journey: BY_PASSWORD }], ["/logout", {}]]) {
        assert.equal((await ada.open(ADDRESS + path, { form: { ...form, csrf } })).status, 400);
      }
    }
    await ada.submit(asked, { ...entered, email: "ada@example.org" });
    assertKnown(await ada.user(), "ada");
  }));

test("a native application signs its user in by password", async () => {
  const { printed, claims } = await native(
    BY_PASSWORD,
    `ada@example.org\nwrong\nada\n\nada@example.org\n${PASSWORD}\n`,
    () => assert.fail("it opened a browser"),
  );
  assertKnown(claims, "ada");
  assert.match(printed, /did not accept[^]*E-mail: This is not an e-mail address.*\nPassword: Please fill this in\./);
});

test("a native application refuses callbacks of other logins", async () => {
  const { claims } = await native(BY_REDIRECT, "", async (url) => {
    const ada = new Browser();
    const { url: back } = await ada.submit(await ada.open(url), atProvider("ada"), { until: AFTER });
    const another = new Landfall({ issuer: LANDFALL, clientId: "native", redirectUri: back.split("?")[0] });
    const { session } = await another.start(BY_REDIRECT, { params: { plan: "gold" } });
    for (const planted of [
      back.replace(/session=\w+/, `session=${session}`),
      back.replace(/session=\w+&/, ""),
      back.replace("/after", "/"),
      back.replace("/after", "//"),
    ]) {
      assert.notEqual(planted, back);
      assert.equal((await new Browser().open(planted)).status, 400);
    }
    assert.match((await ada.open(back)).html, /You can close this window/);
  });
  assertKnown(claims, "ada");
});

// ---- Lost answers

test("a lost answer is asked for again with the same key", async (t) => {
  const landfall = new Landfall({ issuer: LANDFALL, clientId: "native", redirectUri: "http://127.0.0.1:1/after" });
  const login = await landfall.start(BY_PASSWORD, { params: { plan: "gold" } });
  const sent = [];
  const { fetch } = globalThis;
  t.mock.method(globalThis, "fetch", async (url, options) => {
    sent.push(`${url} ${options.headers.authorization} ${options.body}`);
    if (sent.length === 2) return Response.json({ status: "processing", retry_after: 0 });
    if (sent.length === 3) return Response.json({ code: "unavailable", retry_after: 0 }, { status: 503 });
    const response = await fetch(url, options);
    if (sent.length === 1) throw new TypeError("the answer was lost");
    return response;
  });
  await landfall.submit(login, "submit", { email: "ada@example.org", password: PASSWORD });
  t.mock.restoreAll();
  assert.equal(sent.length, 4);
  assert.equal(new Set(sent).size, 1, "it was not the same");
  assertKnown(await landfall.redeem(login), "ada");
  await assert.rejects(landfall.redeem(login), { code: "invalid_grant" });
});

test("an ID token that is not of this login is refused", async (t) => {
  const landfall = new Landfall({ issuer: LANDFALL, clientId: "native", redirectUri: "http://127.0.0.1:1/after" });
  // Attempts at an account are counted, and other tests need Ada's.
  const sign = async () => {
    const login = await landfall.start(BY_PASSWORD, { params: { plan: "gold" } });
    await landfall.submit(login, "submit", { email: "grace@example.org", password: PASSWORD });
    return login;
  };
  const { fetch } = globalThis;
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const decoded = (part) => JSON.parse(Buffer.from(part, "base64url"));
  const another = (await (await fetch(`${LANDFALL}/oauth2/jwks`)).json()).keys[0];
  for (const change of [
    ([header, payload, signature]) => [header, encoded({ ...decoded(payload), sub: "usr_another" }), signature],
    ([header, payload]) => [encoded({ alg: "none", kid: another.kid }), payload, ""],
    ([header, payload, signature]) => [encoded({ ...decoded(header), alg: "HS256" }), payload, signature],
    ([header, payload, signature]) => [encoded({ ...decoded(header), kid: "another" }), payload, signature],
    ([header, payload, signature]) => [header, payload, signature.slice(4)],
  ]) {
    const login = await sign();
    t.mock.method(globalThis, "fetch", async (url, options) => {
      const response = await fetch(url, options);
      if (!url.endsWith("/oauth2/token")) return response;
      const tokens = await response.json();
      return Response.json({ ...tokens, id_token: change(tokens.id_token.split(".")).join(".") });
    });
    await assert.rejects(landfall.redeem(login), { code: "id_token_refused" });
    t.mock.restoreAll();
  }
  const login = await sign();
  await assert.rejects(landfall.redeem({ ...login, nonce: "another" }), { code: "id_token_refused" });
  const later = await sign();
  const now = Date.now();
  t.mock.method(Date, "now", () => now + 12 * 60 * 1000);
  await assert.rejects(landfall.redeem(later), { code: "id_token_refused" });
});

// ---- Half of another user's login

/** Has Ada's browser carry the attacker's half of a login: who is signed in then, in her browser and in theirs. */
async function attack(finisher) {
  const [ada, attacker] = [new Browser(), new Browser()];
  const theirs = await halfALogin(attacker, finisher === "ada" ? "ada" : "grace");
  // Ada follows the attacker's link to the provider and logs in, or the attacker logs in and sends her the way back.
  const back = await theirs.finish(finisher === "ada" ? ada : attacker);
  const { status } = await ada.open(back);
  return { status, ada: await ada.user(), attacker: await attacker.user() };
}

test("half of another user's login signs no user in", () =>
  backend(async () => {
    for (const finisher of ["ada", "attacker"]) {
      assert.deepEqual(await attack(finisher), { status: 400, ada: undefined, attacker: undefined });
    }
    // Her own login, which has begun already, goes on.
    const [ada, attacker] = [new Browser(), new Browser()];
    const hers = await halfALogin(ada, "ada");
    const back = await (await halfALogin(attacker, "grace")).finish(attacker);
    assert.equal((await ada.open(back)).status, 400);
    await ada.open(await hers.finish(ada));
    assertKnown(await ada.user(), "ada");
  }));

/** What the backend reads of the page's folder. */
const BESIDE = ["messages.mjs", "page.css"].map((name) => `../../infra/landfall/page/${name}`);

/** The backend with one line of it changed, in a copy of the folders that it reads. */
async function changed(right, wrong, use) {
  const example = await readFile(here("backend.mjs"), "utf8");
  assert.equal(example.split(right).length, 2, `${right} is there once`);
  const folder = await mkdtemp(join(tmpdir(), "landfall-"));
  try {
    const at = (path) => join(folder, "tests/examples", path);
    for (const name of ["landfall.mjs", ...BESIDE]) {
      await mkdir(dirname(at(name)), { recursive: true });
      await copyFile(here(name), at(name));
    }
    await writeFile(at("backend.mjs"), example.replace(right, () => wrong));
    await backend(use, at("backend.mjs"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a backend that trusts `session` in the address is attacked", () =>
  changed(
    "const browser = browserOf(request);",
    'const browser = [...browsers.values()].find(({ login }) => login?.session === query.get("session"));',
    async () => {
      // She is signed in by a login that the attacker has started.
      assertKnown((await attack("ada")).ada, "ada");
      // She is signed in as the attacker, who can read what she enters from now on.
      assertKnown((await attack("attacker")).ada, "grace");
    },
  ));

test("a backend stores no browser that only looks", () => {
  const routes = "const routes = {";
  const size = '"GET /size": (_, response) => page(response, { heading: "Size", content: String(browsers.size) }),';
  return changed(routes, `${routes} ${size}`, async () => {
    const remembers = async (size) => {
      assert.ok((await new Browser().open(`${ADDRESS}/size`)).html.includes(`>${size}<`));
    };
    const ada = new Browser();
    for (const path of ["/", "/", "/login", "/after?session=x"]) await ada.open(ADDRESS + path);
    await remembers(0);
    await ada.begin(BY_PASSWORD);
    await remembers(1);
  });
});
