// The user of the demo, who can sign in at the demo's old provider, and how they do.

import assert from "node:assert/strict";

export const ADA = { email: "ada@example.org", password: "correct horse battery staple" };

let subject;

/** Whoever is signed in is Ada, and is the same user as ever before, whichever way they came. */
export function assertAda(claims) {
  assert.equal(claims.email, ADA.email);
  assert.match(claims.sub, /^\w+$/);
  subject ??= claims.sub;
  assert.equal(claims.sub, subject, "Ada has become another user");
}

/** The provider's own login form, filled in and sent. */
export async function signInAtProvider(page, password = ADA.password) {
  await page.locator("form#kc-form-login").waitFor();
  await page.locator("#username").fill(ADA.email);
  await page.locator("#password").fill(password);
  await page.locator("#kc-login").click();
}
