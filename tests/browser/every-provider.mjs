// Signing in at the page of every simulated provider.

import assert from "node:assert/strict";

import { GRACE } from "./ada.mjs";
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

export async function everyProvider(scene) {
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
