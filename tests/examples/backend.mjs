// A web application whose server signs its users in through Landfall: what a browser gets to see is plain HTML and one
// cookie. Node 20, no dependencies. To make it yours, copy with it what it imports, and the style sheet if you like it.
//
//     CLIENT_SECRET=... node tests/examples/backend.mjs [journey...]

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import { explain, explainField } from "../../infra/landfall/page/messages.mjs";
import { Landfall, Problem, journeysOf, random } from "./landfall.mjs";

const { LANDFALL = "http://127.0.0.1:8787", ADDRESS = "http://127.0.0.1:3000", CLIENT_SECRET } = process.env;
if (!CLIENT_SECRET) stop("CLIENT_SECRET is not set: it is the secret of the client `backend`");
const JOURNEYS = await journeysOf(LANDFALL, process.argv.slice(2)).catch((problem) => stop(problem.message));
// Without a style sheet, its pages are plain.
const STYLE = await readFile(new URL("../../infra/landfall/page/page.css", import.meta.url)).catch(() => "");
const landfall = new Landfall({
  issuer: LANDFALL,
  clientId: "backend",
  clientSecret: CLIENT_SECRET,
  redirectUri: `${ADDRESS}/after`,
});

// Browsers that sign in or are signed in, by their cookie: `{ id, csrf, until, login?, user? }`. They are in memory
// here; several servers share a store, and the key. A browser that only looks is not stored, however often it comes.
const browsers = new Map();
const KEY = random(32);
const LIFETIME = 60 * 60;
// `__Host-`: only this very host can set it, over https. SameSite=Lax: the browser sends it when it comes back from the
// provider, but not with a form of another site's page.
const isHttps = ADDRESS.startsWith("https:");
const COOKIE = isHttps ? "__Host-browser" : "browser";
const ATTRIBUTES = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${LIFETIME}${isHttps ? "; Secure" : ""}`;

const routes = {
  "GET /": async (request, response) => {
    const browser = browserOf(request) ?? admit(response);
    if (browser.user) return page(response, signedIn(browser));
    const choice = ({ id, title }) =>
      `<li><button class="choice" name="journey" value="${escape(id)}">${escape(title)}</button></li>`;
    const choices = `<ul class="choices">${JOURNEYS.map(choice).join("\n")}</ul>`;
    return page(response, { heading: "How do you want to sign in?", content: form(browser, "/login", [choices]) });
  },

  "GET /style.css": (_, response) => response.writeHead(200, { "content-type": "text/css" }).end(STYLE),

  "POST /login": async (request, response) => {
    const { browser, fields } = await formOf(request);
    const journey = JOURNEYS.find(({ id }) => id === fields.get("journey"));
    if (!journey) throw new Refusal("There is no such way to sign in.");
    // Providers count by address: behind a proxy of yours, the one that it vouches for.
    const endUser = { ip: request.socket.remoteAddress, user_agent: request.headers["user-agent"]?.slice(0, 1024) };
    const login = await landfall.start(journey.id, { params: journey.params, endUser });
    browser.login = Object.assign(login, { journey });
    browsers.set(browser.id, browser);
    return goOn(browser, browser.login, response);
  },

  "GET /login": async (request, response) => {
    const browser = browserOf(request) ?? admit(response);
    if (!browser.login) return seeOther(response, "/");
    // A redirect works once: another window may have used it.
    if (browser.login.view.status === "redirect") await landfall.view(browser.login);
    return page(response, shown(browser));
  },

  "POST /step": async (request, response) => {
    const { browser, fields } = await formOf(request);
    const { login } = browser;
    // The form of an earlier step: the answer is where the login stands.
    if (!login || fields.get("turn") !== String(login.view.turn)) return seeOther(response, "/login");
    const names = login.view.step.data.fields?.map(({ name }) => name) ?? ["connector"];
    const entered = Object.fromEntries(names.map((name) => [name, fields.get(name) ?? ""]));
    const option = fields.get("option");
    try {
      // A second click waits for the same answer.
      login.answer ??= landfall.submit(login, option, option === "submit" ? entered : {});
      await login.answer;
    } catch (problem) {
      const isAskedAgain = problem.fields?.length > 0 || problem.code === "too_many_attempts";
      if (!isAskedAgain) throw problem;
      return page(response, shown(browser, { problem, entered }), 400);
    } finally {
      delete login.answer;
    }
    login.entered = entered;
    return goOn(browser, login, response);
  },

  "GET /after": async (request, response, query) => {
    // Loaded again, or from the page of a callback that was: the answer is how things stand.
    if (!query.has("session") || browserOf(request)?.user) return seeOther(response, "/login");
    // An attacker can start a login and send its redirect to a victim, or finish it and send the victim the way back.
    // So the login is found by the cookie of the browser that is here, and `session` is only compared with it.
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
  // Under a new cookie: with the old one, an attacker who planted it would be signed in too.
  browsers.delete(browser.id);
  const known = admit(response);
  browsers.set(known.id, { ...known, user, isNew: login.view.completion.provisioned === "created" });
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

/** A form of our own pages, and the browser it was shown in: another site's page cannot make one (CSRF). */
async function formOf(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    if ((text += chunk).length > 65536) throw new Refusal("This form is too long.");
  }
  const [browser, fields] = [browserOf(request), new URLSearchParams(text)];
  const digest = (token) => createHash("sha256").update(token ?? "").digest();
  if (!browser || !timingSafeEqual(digest(browser.csrf), digest(fields.get("csrf")))) {
    throw new Refusal("This page is too old, or it is not one of ours.");
  }
  return { browser, fields };
}

setInterval(() => {
  for (const { id, until } of browsers.values()) if (until < Date.now()) browsers.delete(id);
}, 60_000).unref();

// ---- Pages

/** Where a login stands: the form of its step, or why it has ended. */
function shown(browser, { problem, entered = browser.login.entered ?? {} } = {}) {
  const { journey, view } = browser.login;
  const { status, turn, step, redirect, rejection, retry_after: retryAfter } = view;
  const { provider = journey.title } = journey;
  if (status === "rejected") {
    const message = explain(rejection.code, { provider, retryAfter: rejection.retry_after });
    return { heading: message.heading, alert: alert(message), content: ways(browser) };
  }
  const error = problem ?? step.error;
  const message = error && explain(error.code, { provider, retryAfter: problem?.retryAfter ?? retryAfter });
  const link = redirect && `<p><a class="primary" href="${escape(redirect.url)}">Continue to your provider</a></p>`;
  const noWay = status === "redirect" && !error && "<p>You came back from your provider in another window.</p>";
  const way = link || noWay || waiting(step.data.challenge) || "";
  const kept = (field) => (isSecret(field) ? "" : entered[field.name]);
  const asked = (step.data.fields ?? []).map((field) => ({ ...field, value: kept(field) }));
  const first = asked.find(({ value }) => !value) ?? asked[0];
  const fields = asked.map((field) => input(field, problem?.fields, field === first));
  const provided = ({ connector, label }, index) => radio("connector", connector, label.text, index === 0);
  const labels = {
    client_input: "Continue",
    cancel: "Cancel",
    resend: "Send another code",
    restart: "Start over",
    poll: "I have confirmed",
  };
  const button = ({ id, kind }) => {
    const isMain = ["client_input", "poll"].includes(kind) || (kind === "restart" && !redirect);
    const style = isMain ? ' class="primary"' : "";
    return `<button name="option" value="${escape(id)}"${style}>${labels[kind] ?? escape(id)}</button>`;
  };
  const options = step.options.filter(({ kind }) => kind !== "callback" && !(kind === "restart" && redirect));
  const content = form(browser, "/step", [
    hidden("turn", turn),
    ...fields,
    ...(step.data.providers ?? []).map(provided),
    `<div class="options">${options.map(button).join("\n")}</div>`,
  ]);
  return { heading: journey.title, alert: message && alert(message), content: way + content };
}

/** Secrets are entered anew each time. */
const isSecret = ({ type }) => ["password", "code"].includes(type);

const radio = (name, value, text, checked) =>
  `<p><label><input type="radio" name="${escape(name)}" value="${escape(value)}"${checked ? " checked" : ""}>
    ${escape(text)}</label></p>`;

/** What a user has to do on another device. */
function waiting({ type, to, number } = {}) {
  if (type !== "wait") return "";
  const choose = number ? ` Choose the number <strong>${escape(number)}</strong> there.` : "";
  return `<p>Confirm on ${escape(to ?? "your phone")} that it is you.${choose}</p>`;
}

function input({ name, type, label, required, autocomplete, choices = [], value = "" }, problems = [], isFirst) {
  if (type === "choice") {
    const text = ({ label, to }) => (to ? `${label.text} (${to})` : label.text);
    const radios = choices.map((one, index) => radio(name, one.value, text(one), index === 0));
    return `<fieldset><legend>${escape(label.text)}</legend>${radios.join("\n")}</fieldset>`;
  }
  const problem = problems.find((problem) => problem.name === name);
  const kind = type === "code" ? 'type="text" inputmode="numeric"' : `type="${escape(type)}"`;
  const attributes = `autocomplete="${escape(autocomplete ?? "off")}"${isFirst ? " autofocus" : ""}`;
  const hint = required ? "" : "<small>optional</small>";
  return `<div class="field">
    <label for="${escape(name)}">${escape(label.text)}${hint}</label>
    <div class="input"><input id="${escape(name)}" name="${escape(name)}" ${kind} ${attributes}
      value="${escape(value)}" aria-describedby="${escape(name)}-problem"${problem ? ' aria-invalid="true"' : ""}></div>
    <p class="problem" id="${escape(name)}-problem">${problem ? escape(explainField(problem.code)) : ""}</p>
  </div>`;
}

function signedIn({ csrf, user, isNew }) {
  const story = isNew ? "This was your first sign-in: you were created just now." : "Welcome back.";
  const content = `<p>${story}</p>${form({ csrf }, "/logout", ['<button class="primary">Sign out</button>'])}
    <h2>What this application was told</h2><pre tabindex="0">${escape(JSON.stringify(user, null, 2))}</pre>`;
  return { heading: `You are signed in as ${user.name ?? user.email ?? user.sub}`, content };
}

/** The ways on from an end: the same journey once more, and the others. */
function ways(browser) {
  const again = '<button class="primary">Try again</button> <a class="button" href="/">Other ways to sign in</a>';
  const journey = hidden("journey", escape(browser.login.journey.id));
  return form(browser, "/login", [journey, `<div class="options">${again}</div>`]);
}

function alert({ cause, next, isNeutral }, { requestId } = {}) {
  const request = requestId ? `<p><small>Request ${escape(requestId)}</small></p>` : "";
  const kind = isNeutral ? "neutral" : "wrong";
  return `<div role="alert" class="${kind}"><p>${escape(cause)}</p><p>${escape(next)}</p>${request}</div>`;
}

const form = ({ csrf }, action, content) =>
  `<form method="post" action="${action}">${hidden("csrf", csrf)}${content.join("\n")}</form>`;

const hidden = (name, value) => `<input type="hidden" name="${name}" value="${value}">`;

function page(response, { heading, alert = "", content }, status = 200) {
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    // The way back from a provider has a secret in its address.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  response.end(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(heading)} - An application</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<header><p><strong>An application</strong> with a server</p></header>
<main><h1>${escape(heading)}</h1>${alert}${content}</main>
</html>`);
}

const seeOther = (response, location) => response.writeHead(303, { location, "cache-control": "no-store" }).end();
const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

class Refusal extends Error {}

/** What the page says of an error: the user sees the reason of those that are expected, and the log has the others. */
function failed(error) {
  if (error instanceof Problem) return explain(error.code, { title: error.message, retryAfter: error.retryAfter });
  if (error instanceof Refusal) return { heading: "This did not work", cause: error.message, next: "Start again." };
  console.error(error);
  return explain("internal");
}

function stop(reason) {
  console.error(reason);
  process.exit(1);
}

const server = createServer(async (request, response) => {
  const again = '<div class="options"><a class="primary" href="/">Start again</a></div>';
  try {
    const { pathname, searchParams } = new URL(request.url, ADDRESS);
    const route = routes[`${request.method} ${pathname}`];
    if (route) await route(request, response, searchParams);
    else page(response, { heading: "There is nothing here", content: again }, 404);
  } catch (error) {
    const message = failed(error);
    const isExpected = error instanceof Refusal || error instanceof Problem;
    page(response, { heading: message.heading, alert: alert(message, error), content: again }, isExpected ? 400 : 500);
  }
});
server.on("error", ({ message }) => stop(`${message}: name another ADDRESS, and list it in \`redirect_uris\``));
server.listen(new URL(ADDRESS).port, "127.0.0.1", () => console.log(`The application is at ${ADDRESS}`));
