// A web application whose server signs its users in through Landfall: what a browser gets to see is plain HTML and one
// cookie. Node 20, no dependencies; `landfall.mjs` has the calls.
//
//     CLIENT_SECRET=... node tests/examples/backend.mjs

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

import { Landfall, Problem, random } from "./landfall.mjs";

const { LANDFALL = "http://127.0.0.1:8787", ADDRESS = "http://127.0.0.1:3000", CLIENT_SECRET } = process.env;
if (!CLIENT_SECRET) throw new Error("CLIENT_SECRET is not set: it is the secret of the client `backend`");
const JOURNEYS = {
  "migrate-from-keycloak": "with e-mail and password",
  "sign-in-with-keycloak": "at the provider's page",
};
const landfall = new Landfall({
  issuer: LANDFALL,
  clientId: "backend",
  clientSecret: CLIENT_SECRET,
  redirectUri: `${ADDRESS}/after`,
});

// Browsers by their cookie, once they sign in: `{ id, csrf, until, login?, user? }`. In memory here; several servers share
// a store, and the key. Of who only looks there is nothing to remember, however often they come.
const browsers = new Map();
const KEY = random(32);
const LIFETIME = 60 * 60;
// `__Host-`: nobody but this very host can set it, over https. SameSite=Lax: it comes along when the provider sends the
// browser back, and with no form of somebody else's page.
const isHttps = ADDRESS.startsWith("https:");
const COOKIE = isHttps ? "__Host-browser" : "browser";
const ATTRIBUTES = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${LIFETIME}${isHttps ? "; Secure" : ""}`;

const routes = {
  "GET /": async (request, response) => {
    const browser = browserOf(request) ?? admit(response);
    const button = ([id, title]) => `<button name="journey" value="${id}">Sign in ${title}</button>`;
    if (!browser.user) return page(response, form(browser, "/login", Object.entries(JOURNEYS).map(button)));
    const claims = `<pre>${escape(JSON.stringify(browser.user, null, 2))}</pre>`;
    return page(response, claims + form(browser, "/logout", ["<button>Sign out</button>"]));
  },

  "POST /login": async (request, response) => {
    const { browser, fields } = await formOf(request);
    if (!Object.hasOwn(JOURNEYS, fields.get("journey"))) throw new Refusal("There is no such way to sign in.");
    // Providers count by address: behind a proxy of yours, the one that it vouches for.
    const endUser = { ip: request.socket.remoteAddress, user_agent: request.headers["user-agent"]?.slice(0, 1024) };
    browser.login = await landfall.start(fields.get("journey"), { params: { plan: "gold" }, endUser });
    browsers.set(browser.id, browser);
    return goOn(browser, browser.login, response);
  },

  "GET /login": async (request, response) => {
    const browser = browserOf(request) ?? admit(response);
    return browser.login ? page(response, shown(browser, browser.login.view)) : seeOther(response, "/");
  },

  "POST /step": async (request, response) => {
    const { browser, fields } = await formOf(request);
    const { login } = browser;
    // The form of a step that has been answered: shown is where the login stands.
    if (!login || fields.get("turn") !== String(login.view.turn)) return seeOther(response, "/login");
    const names = login.view.step.data.fields?.map(({ name }) => name) ?? ["connector"];
    const entered = Object.fromEntries(names.map((name) => [name, fields.get(name) ?? ""]));
    const option = fields.get("option");
    try {
      // A second click waits for the same answer.
      login.answer ??= landfall.submit(login, option, option === "submit" ? entered : {});
      await login.answer;
    } catch (problem) {
      if (!problem.fields?.length) throw problem;
      return page(response, shown(browser, login.view, problem.fields));
    } finally {
      delete login.answer;
    }
    return goOn(browser, login, response);
  },

  "GET /after": async (request, response, query) => {
    // Whoever starts a login can send its redirect to somebody else, or finish it and send them the way back. So the
    // login is found by the cookie of the browser that is here, and `session` is no more than compared with it.
    const browser = browserOf(request);
    const login = browser?.login;
    if (!login || login.session !== query.get("session")) throw new Refusal("This sign-in was started elsewhere.");
    await landfall.resume(login, query.get("resume"));
    return goOn(browser, login, response);
  },

  "POST /logout": async (request, response) => {
    const { browser } = await formOf(request);
    browsers.delete(browser.id);
    return seeOther(response, "/");
  },
};

/** Goes where the login stands: to the provider, to its next form, or to its end. */
async function goOn(browser, login, response) {
  const { status, redirect } = login.view;
  if (status === "redirect" && redirect) return seeOther(response, redirect.url);
  if (status !== "completed") return seeOther(response, "/login");
  delete browser.login;
  login.user ??= landfall.redeem(login); // Once, also for two clicks.
  const user = await login.user;
  // Under a new cookie: one that somebody has planted signs nobody in.
  browsers.delete(browser.id);
  const known = admit(response);
  browsers.set(known.id, { ...known, user });
  return seeOther(response, "/");
}

// ---- Browsers

function browserOf(request) {
  const cookies = (request.headers.cookie ?? "").split("; ").map((cookie) => cookie.split("="));
  const id = cookies.find(([name]) => name === COOKIE)?.[1];
  const browser = browsers.get(id);
  return browser && browser.until > Date.now() ? browser : id && stranger(id);
}

function stranger(id) {
  const csrf = createHmac("sha256", KEY).update(id).digest("base64url");
  return { id, csrf, until: Date.now() + LIFETIME * 1000 };
}

function admit(response) {
  const browser = stranger(random(32));
  response.setHeader("set-cookie", `${COOKIE}=${browser.id}; ${ATTRIBUTES}`);
  return browser;
}

/** A form of one of our own pages, and the browser it was shown in: no other page can make one (CSRF). */
async function formOf(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    if ((text += chunk).length > 65536) throw new Refusal("This form is too long.");
  }
  const [browser, fields] = [browserOf(request), new URLSearchParams(text)];
  const digest = (token) => createHash("sha256").update(token ?? "").digest();
  if (!browser || !timingSafeEqual(digest(browser.csrf), digest(fields.get("csrf")))) {
    throw new Refusal("This page is too old, or was not ours.");
  }
  return { browser, fields };
}

setInterval(() => {
  for (const { id, until } of browsers.values()) if (until < Date.now()) browsers.delete(id);
}, 60_000).unref();

// ---- Pages

const AGAIN = '<a href="/">Start again</a>';

function shown(browser, { status, turn, step, redirect, rejection }, problems = []) {
  if (status === "rejected") return `<p>You are not signed in: ${escape(rejection.code)}.</p>${AGAIN}`;
  const error = step.error ? `<p>${escape(step.error.code)}</p>` : "";
  const way = redirect ? `<p><a href="${escape(redirect.url)}">Continue at your provider</a></p>` : "";
  const field = ({ name, type, label, autocomplete = "off" }) => {
    const problem = problems.filter((problem) => problem.name === name).map(({ code }) => ` ${escape(code)}`);
    const kind = type === "code" ? "text" : escape(type);
    const input = `<input name="${escape(name)}" type="${kind}" autocomplete="${escape(autocomplete)}">`;
    return `<p><label>${escape(label.text)} ${input}</label>${problem}</p>`;
  };
  const provider = ({ connector, label }) =>
    `<p><label><input type="radio" name="connector" value="${escape(connector)}"> ${escape(label.text)}</label></p>`;
  const button = ({ id }) => `<button name="option" value="${escape(id)}">${escape(id)}</button>`;
  return error + way + form(browser, "/step", [
    hidden("turn", turn),
    ...(step.data.fields ?? []).map(field),
    ...(step.data.providers ?? []).map(provider),
    ...step.options.filter(({ kind }) => kind !== "callback").map(button),
  ]);
}

const form = ({ csrf }, action, content) =>
  `<form method="post" action="${action}">${hidden("csrf", csrf)}${content.join("\n")}</form>`;

const hidden = (name, value) => `<input type="hidden" name="${name}" value="${value}">`;

function page(response, content, status = 200) {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    // The way back from a provider has a secret in its address.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(`<!doctype html><html lang="en"><title>An application</title>${content}</html>`);
}

const seeOther = (response, location) => response.writeHead(303, { location, "cache-control": "no-store" }).end();
const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

class Refusal extends Error {}

const server = createServer(async (request, response) => {
  try {
    const { pathname, searchParams } = new URL(request.url, ADDRESS);
    const route = routes[`${request.method} ${pathname}`];
    if (route) await route(request, response, searchParams);
    else page(response, "<p>There is nothing here.</p>", 404);
  } catch (error) {
    const isExpected = error instanceof Refusal || error instanceof Problem;
    if (!isExpected) console.error(error);
    const why = isExpected ? escape(error.message) : "That did not work.";
    page(response, `<p>${why}</p>${AGAIN}`, isExpected ? 400 : 500);
  }
});
server.listen(new URL(ADDRESS).port, "127.0.0.1", () => console.log(`The application is at ${ADDRESS}`));
