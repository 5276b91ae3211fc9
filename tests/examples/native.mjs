// An application on its user's own machine (RFC 8252): it asks in the terminal what a journey asks, and goes to the
// system's browser where a provider wants to be visited. Node 20, no dependencies; `landfall.mjs` has the calls.
//
//     node tests/examples/native.mjs [journey]

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";

import { Landfall, Problem } from "./landfall.mjs";

const { LANDFALL = "http://127.0.0.1:8787", BROWSER } = process.env;
const [journey = "migrate-from-keycloak"] = process.argv.slice(2);

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

try {
  const login = await landfall.start(journey, { params: { plan: "gold" } });
  while (login.view.status !== "completed") {
    const { status, step, rejection } = login.view;
    if (status === "rejected") throw new Problem({ title: `Nobody was signed in: ${rejection.code}` });
    if (step.error) console.log(`That did not work: ${step.error.code}`);
    await (status === "redirect" ? visit(login) : answer(login));
  }
  console.log(JSON.stringify(await landfall.redeem(login), null, 2));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  terminal.close();
  // Open for no longer than it is needed (section 8.3).
  listener.close();
  listener.closeAllConnections();
}

/** Asks for what the step wants to know, and submits it. */
async function answer(login) {
  const { fields = [], providers = [] } = login.view.step.data;
  const data = {};
  for (const { name, type, label } of fields) data[name] = await ask(label.text, type === "password");
  for (const { connector, label } of providers) console.log(`${connector}: ${label.text}`);
  if (providers.length > 0) data.connector = await ask("Which one");
  try {
    await landfall.submit(login, "submit", data);
  } catch (problem) {
    if (!problem.fields?.length) throw problem;
    for (const { name, code } of problem.fields) console.log(`${name}: ${code}`);
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
      // Any page can send a browser here, `//` included, which is no address. On goes only the login of this very process, whatever `session` says.
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
  // Whatever else the system would open it with.
  if (!/^https?:$/.test(new URL(url).protocol)) throw new Problem({ title: "That is no address of the web" });
  console.log(`Go on in your browser: ${url}`);
  const command = BROWSER ?? { darwin: "open", win32: "explorer" }[process.platform] ?? "xdg-open";
  // Where there is none, the line above is to be opened by hand.
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
  if (done) throw new Problem({ title: "Nobody was signed in: there is nobody to ask" });
  return value;
}
