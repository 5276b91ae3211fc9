// The user of the demo, and how she signs in at the simulated provider.

import assert from "node:assert/strict";

export const ADA = { email: "ada@example.org", password: "correct horse battery staple", name: "Ada Lovelace" };

let subject;

/** The claims are Ada's, and her `sub` is the same as in every login before, whichever way she signed in. */
export function assertAda(claims) {
  assert.equal(claims.email, ADA.email);
  assert.match(claims.sub, /^\w+$/);
  subject ??= claims.sub;
  assert.equal(claims.sub, subject, "Ada has become another user");
}

/** Her e-mail is not verified, so every provider may have an account of hers. */
export const GRACE = { email: "grace@example.org", password: ADA.password, name: "Grace Hopper" };

/** Likewise; and where providers ask for a second factor, she has one. */
export const KATHERINE = { email: "katherine@example.org", password: ADA.password, name: "Katherine Johnson" };

/** The provider's own login form, filled in and sent. */
export async function signInAtProvider(page, password = ADA.password) {
  await page.locator("form#kc-form-login").waitFor();
  await page.locator("#username").fill(ADA.email);
  await page.locator("#password").fill(password);
  await page.locator("#kc-login").click();
}
