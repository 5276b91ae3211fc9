// Every failure that a newcomer can cause ends in a message that names its cause and the next step, and in a way on.

import assert from "node:assert/strict";

import { ADA, signInAtProvider } from "./ada.mjs";
import { JOURNEYS } from "./password-journey.mjs";

const byPassword = (provider) => `Sign in with e-mail and password (${provider})`;
const DEMO = "Demo Keycloak";

/** Opens the form of a provider and answers it. */
async function enter(visitor, provider, email, password) {
  await visitor.open();
  await visitor.click(byPassword(provider));
  await again(visitor, email, password);
}

async function again(visitor, email, password) {
  await visitor.fill("E-mail", email);
  await visitor.fill("Password", password);
  await visitor.click("Continue");
}

/** Signs Ada in at the page of the demo's provider, and returns the callback's address. */
async function comeBack(visitor) {
  await visitor.open();
  await visitor.click(`Sign in with ${DEMO}`);
  const callback = visitor.page.waitForRequest("**/v1/callback/**");
  await visitor.page.getByRole("link", { name: `Continue to ${DEMO}` }).click();
  await signInAtProvider(visitor.page);
  return (await callback).url();
}

/** `cause` and `next` are in the message; `on` is the button that leads on, and `to` the heading where it leads. */
const AT_DEMO = [
  {
    name: "a wrong password",
    make: (visitor) => enter(visitor, DEMO, ADA.email, "not the password"),
    heading: "Sign in",
    cause: "Demo Keycloak did not accept these details",
    next: "enter them again",
    focus: "field-password",
  },
  {
    name: "an unknown user",
    make: (visitor) => enter(visitor, DEMO, "unknown@example.org", "any"),
    heading: "Sign in",
    cause: "Demo Keycloak did not accept these details",
    next: "enter them again",
    focus: "field-password",
  },
  {
    name: "a blank form",
    complaints: [/console: .* status of 422 /],
    make: (visitor) => enter(visitor, DEMO, "", ""),
    heading: "Sign in",
    cause: "Something is missing or does not fit",
    next: "Correct the marked fields",
    beside: ["Please fill this in."],
    focus: "field-email",
  },
  {
    name: "an address that is no e-mail address",
    complaints: [/console: .* status of 422 /],
    make: (visitor) => enter(visitor, DEMO, "ada", ADA.password),
    heading: "Sign in",
    cause: "Something is missing or does not fit",
    next: "Correct the marked fields",
    beside: ["This is not an e-mail address. One looks like name@example.org."],
    focus: "field-email",
  },
  {
    name: "too many attempts",
    complaints: [/console: .* status of 429 /],
    make: async (visitor) => {
      await enter(visitor, DEMO, "guessed@example.org", "wrong");
      const message = visitor.page.getByRole("alert");
      for (let tries = 0; tries < 12; tries++) {
        await message.getByText(/did not accept|too many/).waitFor();
        if ((await message.innerText()).includes("too many")) return;
        await visitor.fill("Password", "wrong");
        const answered = visitor.page.waitForResponse("**/steps/*");
        await visitor.click("Continue");
        await answered;
        await visitor.page.locator("main[aria-busy=false]").waitFor();
      }
    },
    heading: "Sign in",
    cause: "too many attempts for this account",
    next: /Wait \d+ (second|minute)s?, then try again/,
    focus: "alert",
  },
  {
    name: "a cancelled form",
    make: async (visitor) => {
      await visitor.open();
      await visitor.click(byPassword(DEMO));
      await visitor.click("Cancel");
    },
    heading: "You cancelled",
    cause: "Nothing has happened",
    next: "You can sign in whenever you like",
    isNeutral: true,
    on: "Try again",
    to: "Sign in",
  },
  {
    name: "a cancelled redirect",
    make: async (visitor) => {
      await visitor.open();
      await visitor.click(`Sign in with ${DEMO}`);
      await visitor.click("Cancel");
    },
    heading: "You cancelled",
    cause: "Nothing has happened",
    next: "You can sign in whenever you like",
    isNeutral: true,
    on: "Other ways to sign in",
    to: JOURNEYS,
  },
  {
    name: "a callback that is loaded twice",
    complaints: [/console: .* status of 400 .*\/v1\/callback\//],
    make: async (visitor) => {
      const callback = await comeBack(visitor);
      await visitor.claims();
      await visitor.page.goto(callback);
    },
    heading: "This did not work",
    cause: "This address works once, and has been used or is too old",
    next: "The application shows where your sign-in stands, and lets you start again",
    link: "Back to the application",
    to: JOURNEYS,
  },
  {
    name: "a way back that is loaded twice",
    make: async (visitor) => {
      const resumed = visitor.page.waitForRequest((request) => /[?&]resume=/.test(request.url()));
      await comeBack(visitor);
      await visitor.claims();
      await visitor.page.goto((await resumed).url());
    },
    heading: JOURNEYS,
    cause: "a sign-in that is over",
    next: "sign in here",
    isNeutral: true,
    on: `Sign in with ${DEMO}`,
    to: `Sign in at ${DEMO}`,
  },
  {
    name: "a server that has stopped",
    complaints: [/request: net::ERR_CONNECTION_REFUSED/, /console: .*ERR_CONNECTION_REFUSED/],
    make: async (visitor) => {
      await visitor.open();
      await visitor.page.route("**/start", (route) => route.abort("connectionrefused"), { times: 1 });
      await visitor.click(byPassword(DEMO));
    },
    heading: "This did not work",
    cause: "Landfall does not answer",
    next: "Check your connection and try again",
    on: "Other ways to sign in",
    to: JOURNEYS,
  },
];

const AT_FAILING = [
  {
    name: "a wrong client secret",
    make: (visitor) => enter(visitor, "Misconfigured", ADA.email, ADA.password),
    heading: "You are not signed in",
    cause: "Misconfigured could not be asked: it does not answer, or the connection to it is not set up right",
    next: "Try again in a minute. If it does not help, ask support",
    beside: ["If you run this server: its terminal says why."],
    on: "Try again",
    to: "Sign in",
  },
  {
    name: "a stopped provider, by password",
    make: (visitor) => enter(visitor, "Stopped", ADA.email, ADA.password),
    heading: "You are not signed in",
    cause: "Stopped could not be asked: it does not answer",
    next: "Try again in a minute",
    on: "Other ways to sign in",
    to: JOURNEYS,
  },
  {
    name: "a stopped provider, by redirect",
    make: async (visitor) => {
      await visitor.open();
      await visitor.click("Sign in with Stopped");
    },
    heading: "You are not signed in",
    cause: "Stopped could not be asked: it does not answer",
    next: "Try again in a minute",
    on: "Other ways to sign in",
    to: JOURNEYS,
  },
  {
    name: "an e-mail address that another provider's user has",
    make: async (visitor) => {
      await enter(visitor, "First", ADA.email, ADA.password);
      await visitor.claims();
      await enter(visitor, "Second", ADA.email, ADA.password);
    },
    heading: "You are not signed in",
    cause: "The e-mail address of your account at Second already belongs to another account here",
    next: "Sign in the way you did before. If you cannot, ask support to connect the two accounts",
    on: "Other ways to sign in",
    to: JOURNEYS,
  },
];

/** A code for programs, as `try_later`. */
const MACHINE_CODE = /\b[a-z]+(_[a-z]+)+\b/;

export async function failures(atDemo, atFailing) {
  for (const [scene, rows] of [[atDemo, AT_DEMO], [atFailing, AT_FAILING]]) {
    for (const row of rows) await scene(`${row.name} ends in a message`, (arrive) => fails(row, arrive));
  }
}

async function fails(row, arrive) {
  const visitor = await arrive();
  for (const complaint of row.complaints ?? []) visitor.expect(complaint);
  await row.make(visitor);
  await visitor.at(row.heading);
  const { page } = visitor;
  const main = page.getByRole("main");
  for (const text of [row.cause, row.next]) await main.getByText(text).first().waitFor();
  for (const text of row.beside ?? []) await main.getByText(text, { exact: true }).first().waitFor();
  assert.doesNotMatch(await main.innerText(), MACHINE_CODE);
  await page.locator("main:not([aria-busy=true])").waitFor();
  if (row.focus) assert.equal(await visitor.focus(), row.focus);
  const look = await page.getByRole("alert").evaluateAll((alerts) => alerts.map((alert) => alert.className));
  if (!row.link) assert.deepEqual(look, [row.isNeutral ? "neutral" : "wrong"]);
  await visitor.look(row.name.replaceAll(/\W+/g, "-"));
  const way = row.link
    ? page.getByRole("link", { name: row.link })
    : page.getByRole("button", { name: row.on ?? "Continue", exact: true });
  await way.waitFor();
  if (!row.to) return;
  await way.click();
  await visitor.at(row.to);
}
