// An application on its user's own machine (RFC 8252): it asks in the terminal what a journey asks, and goes to the
// system's browser for the page of a provider. Node 20, no dependencies; `landfall.mjs` has the calls.
//
//     node tests/examples/native.mjs [journey]

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";

import { explain, explainField } from "../../infra/landfall/page/messages.mjs";
import { Landfall, Problem, journeysOf } from "./landfall.mjs";

const { LANDFALL = "http://127.0.0.1:8787", BROWSER } = process.env;

// Where the browser comes back to: loopback, on whichever port is free (section 7.3). A phone registers an https
// address that it has claimed (7.2), or a scheme of its own such as `com.example.app:/after` (7.1).
const listener = createServer();
await once(listener.listen(0, "127.0.0.1"), "listening");
const redirectUri = `http://127.0.0.1:${listener.address().port}/after`;
const landfall = new Landfall({ issuer: LANDFALL, clientId: "native", redirectUri });

let isSecret = false;
const screen = new Writable({
  write(text, _, done) {
    if (!isSecret) process.stdout.write(text);
    done();
  },
});
const { stdin: input } = process;
const terminal = createInterface({ input, output: screen, terminal: input.isTTY, historySize: 0 });
const lines = terminal[Symbol.asyncIterator]();
terminal.on("SIGINT", () => process.exit(130));

/** An end without a user: the reason is for the person at the terminal. */
class NotSignedIn extends Error {}

try {
  const journey = await choose(await journeysOf(LANDFALL, process.argv.slice(2, 3)));
  const login = await landfall.start(journey.id, { params: journey.params });
  while (login.view.status !== "completed") {
    const { status, step, rejection, retry_after: retryAfter } = login.view;
    const { provider } = journey;
    if (status === "rejected") {
      throw new NotSignedIn(said(rejection.code, { provider, retryAfter: rejection.retry_after }));
    }
    if (step.error) console.log(said(step.error.code, { provider, retryAfter }));
    delete step.error; // Said once, also if the next answer is refused.
    await (status === "redirect" ? visit(login) : answer(login));
  }
  console.log(login.view.completion.provisioned === "created" ? "Your first sign-in:" : "Welcome back:");
  console.log(JSON.stringify(await landfall.redeem(login), null, 2));
} catch (error) {
  if (!(error instanceof Problem || error instanceof NotSignedIn)) throw error;
  // What comes from `journeysOf` says it all.
  const isSaid = error instanceof NotSignedIn || error.code === "no_answer";
  console.error(isSaid ? error.message : said(error.code, { title: error.message, retryAfter: error.retryAfter }));
  process.exitCode = 1;
} finally {
  terminal.close();
  // Open for no longer than it is needed (section 8.3).
  listener.close();
  listener.closeAllConnections();
}

function said(code, about) {
  const { cause, next } = explain(code, about);
  return `${cause} ${next}`;
}

/** The journey to take: the only one, or the one that is chosen by its number. */
async function choose(journeys) {
  if (journeys.length === 1) return journeys[0];
  journeys.forEach(({ title }, index) => console.log(`${index + 1}: ${title}`));
  while (true) {
    const number = Number(await ask("Which one"));
    if (journeys[number - 1]) return journeys[number - 1];
    console.log(`Enter a number from 1 to ${journeys.length}.`);
  }
}

/** Asks for what the step wants to know, and submits it. */
async function answer(login) {
  const { fields = [], providers = [], challenge } = login.view.step.data;
  if (challenge?.type === "wait") {
    const choose = challenge.number ? `, and choose ${challenge.number} there` : "";
    await ask(`Confirm on ${challenge.to ?? "your phone"}${choose}. Then press Enter`);
    return landfall.submit(login, "poll");
  }
  const data = {};
  for (const { name, type, label, choices = [] } of fields) {
    for (const { value, label, to } of choices) console.log(`${value}: ${label.text}${to ? ` (${to})` : ""}`);
    data[name] = await ask(label.text, type === "password");
  }
  for (const { connector, label } of providers) console.log(`${connector}: ${label.text}`);
  if (providers.length > 0) data.connector = await ask("Which one");
  try {
    await landfall.submit(login, "submit", data);
  } catch (problem) {
    if (problem.code === "too_many_attempts") return console.log(said(problem.code, problem));
    if (!problem.fields?.length) throw problem;
    const label = (name) => fields.find((field) => field.name === name)?.label.text ?? name;
    for (const { name, code } of problem.fields) console.log(`${label(name)}: ${explainField(code)}`);
  }
}

/** Sends the user to the provider, in their own browser and never in a window of ours (section 8.12), and waits. */
async function visit(login) {
  if (!login.view.redirect) {
    await ask("The browser did not come back here. Press Enter to try again");
    return landfall.submit(login, "restart");
  }
  const resume = new Promise((arrived) => {
    listener.removeAllListeners("request").on("request", (request, response) => {
      // Any page can send a browser here, also to `//`, which does not parse. `session` is no more than compared with
      // the login of this very process.
      const at = URL.canParse(request.url, redirectUri) ? new URL(request.url, redirectUri) : undefined;
      const isOurs = at?.pathname === "/after" && at.searchParams.get("session") === login.session;
      response.writeHead(isOurs ? 200 : 400, { "content-type": "text/plain", "cache-control": "no-store" });
      response.end(isOurs ? "You can close this window." : "This sign-in was started elsewhere.");
      if (isOurs) arrived(at.searchParams.get("resume"));
    });
  });
  open(login.view.redirect.url);
  return landfall.resume(login, await resume);
}

function open(url) {
  // The system may open other addresses with any program.
  if (!/^https?:$/.test(new URL(url).protocol)) throw new NotSignedIn("The provider's address is not one of the web.");
  console.log(`Go on in your browser: ${url}`);
  const command = BROWSER ?? { darwin: "open", win32: "explorer" }[process.platform] ?? "xdg-open";
  // Without such a command, the user opens the address by hand.
  spawn(command, [url], { stdio: "ignore", detached: true }).on("error", () => {}).unref();
}

/** One line of the terminal, without an echo if it is a secret. */
async function ask(label, secret = false) {
  terminal.setPrompt(`${label}: `);
  terminal.prompt();
  isSecret = secret;
  const { value, done } = await lines.next();
  isSecret = false;
  if (secret) console.log();
  if (done) throw new NotSignedIn("You are not signed in: the input has ended.");
  return value;
}
