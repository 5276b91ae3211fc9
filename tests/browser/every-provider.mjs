// Signing in at the page of every simulated provider.

import assert from "node:assert/strict";

import { GRACE, KATHERINE } from "./ada.mjs";
import { JOURNEYS } from "./password-journey.mjs";

/** The names of all providers that are served. */
async function providers(visitor) {
  await visitor.open();
  await visitor.at(JOURNEYS);
  const titles = await visitor.page.getByRole("button", { name: /^Sign in with Demo / }).allInnerTexts();
  return titles.map((title) => title.replace("Sign in with ", ""));
}

/** From the list of journeys to the table of claims. */
async function signIn(grace, provider) {
  await grace.open();
  await grace.page.getByRole("button", { name: `Sign in with ${provider}`, exact: true }).click();
  await grace.page.getByRole("link", { name: `Continue to ${provider}` }).click();
  await grace.page.locator("[name=username]").fill(GRACE.email);
  await grace.page.locator("[name=password]").fill(GRACE.password);
  await grace.page.locator("form").locator("button, [type=submit]").last().click();
  const claims = await grace.claims(GRACE);
  assert.equal(claims.email, GRACE.email);
  return claims.sub;
}

/** What Katherine's phone shows of a provider. */
async function phone(visitor, id) {
  const screens = await visitor.page.request.get("/page/phone.json").then((answer) => answer.json());
  return screens.find((screen) => screen.id === id);
}

/** How Katherine answers what each provider asks of her after the password. */
const SECOND_FACTORS = {
  "Demo Auth0": async (katherine) => {
    await katherine.at("Enter the code");
    await katherine.look("code-by-sms");
    await katherine.fill("One-time code", (await phone(katherine, "auth0")).messages[0].code);
    await katherine.click("Continue");
  },
  "Demo Okta": async (katherine) => {
    await katherine.at("How do you want to confirm that it is you?");
    await katherine.click("Confirm in the app");
    await katherine.at("Confirm that it is you");
    await katherine.look("push");
    const other = await katherine.context.newPage();
    await other.goto("/phone");
    await other.getByRole("heading", { name: "Demo Okta" }).waitFor();
    await katherine.look("phone", other);
    await other.getByRole("button", { name: "Yes, it is me" }).click();
    await other.getByText("Sent.").waitFor();
  },
  "Demo Cognito": async (katherine) => {
    await katherine.at("How do you want to confirm that it is you?");
    await katherine.click(/^Authenticator app/);
    await katherine.at("Enter the code");
    await katherine.fill("One-time code", (await phone(katherine, "cognito")).app_code);
    await katherine.click("Continue");
  },
};

export async function everyProvider(scene) {
  await scene("a second factor of the provider is asked for after the password", async (arrive) => {
    for (const [name, answer] of Object.entries(SECOND_FACTORS)) {
      const katherine = await arrive();
      await katherine.open();
      await katherine.at(JOURNEYS);
      await katherine.click(`Sign in with e-mail and password (${name})`);
      await katherine.fill("E-mail", KATHERINE.email);
      await katherine.fill("Password", KATHERINE.password);
      await katherine.click("Continue");
      await answer(katherine);
      assert.equal((await katherine.claims(KATHERINE)).email, KATHERINE.email);
    }
  });

  await scene("a user of each provider is created at its first login and recognised at the next", async (arrive) => {
    const names = await providers(await arrive());
    assert.ok(names.length > 1, `only ${names} are served`);
    const subjects = new Set();
    for (const name of names) {
      const first = await signIn(await arrive(), name);
      const again = await arrive();
      assert.equal(await signIn(again, name), first, name);
      await again.look(`signed-in-${name.toLowerCase().replaceAll(" ", "-")}`);
      subjects.add(first);
    }
    assert.equal(subjects.size, names.length, "two providers have one user");
  });
}
