// The journey that asks for the password itself.

import assert from "node:assert/strict";

import { ADA, assertAda } from "./ada.mjs";

export const JOURNEYS = "How do you want to sign in?";

/** Starts the journey: its form is there. */
export async function openForm(visitor) {
  await visitor.open();
  await visitor.click("Sign in with e-mail and password");
  await visitor.page.getByLabel("Password", { exact: true }).waitFor();
}

/** Answers the form. */
export async function signIn(visitor, password = ADA.password) {
  await visitor.fill("E-mail", ADA.email);
  await visitor.fill("Password", password);
  await visitor.click("Continue");
}

export async function passwordJourney(scene) {
  await scene("a first login creates the user, and the next recognises her", async (arrive) => {
    const ada = await arrive();
    await ada.open();
    await ada.at(JOURNEYS);
    await ada.page.getByRole("button", { name: "Sign in with Demo Keycloak", exact: true }).waitFor();
    await ada.look("journeys");
    for (const story of ["This was your first sign-in", "Welcome back"]) {
      await openForm(ada);
      assert.equal(await ada.focus(), "field-email");
      await ada.look("password-form");
      await signIn(ada);
      assertAda(await ada.claims());
      await ada.page.getByText(story).waitFor();
      assert.equal(await ada.focus(), "heading");
      assert.equal(await ada.stored(), null, "a login that is over is still stored");
      await ada.look("password-signed-in");

      await ada.click("Sign out here");
      await ada.at(JOURNEYS);
      assert.equal(await ada.page.getByRole("table").count(), 0);
    }
  });

  await scene("the keyboard alone signs a user in", async (arrive) => {
    const ada = await arrive();
    await ada.open();
    await ada.at(JOURNEYS);
    const { keyboard } = ada.page;
    const hasOutline = () =>
      ada.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle === "solid");
    for (let presses = 0; presses < 5; presses++) {
      await keyboard.press("Tab");
      assert.ok(await hasOutline(), "the focus is not visible");
      if ((await ada.page.evaluate(() => document.activeElement.innerText)).includes("password")) break;
    }
    await keyboard.press("Enter");
    await ada.page.getByLabel("Password", { exact: true }).waitFor();
    await keyboard.type(ADA.email);
    await keyboard.press("Tab");
    await keyboard.type(ADA.password);
    await keyboard.press("Tab");
    assert.ok(await hasOutline(), "the focus is not visible");
    const toggle = ada.page.getByRole("button", { name: "Show password" });
    const shown = () => ada.page.getByLabel("Password", { exact: true }).getAttribute("type");
    for (const [pressed, type] of [["true", "text"], ["false", "password"]]) {
      await keyboard.press("Space");
      assert.deepEqual([await toggle.getAttribute("aria-pressed"), await shown()], [pressed, type]);
      if (type === "text") await ada.look("password-shown");
    }
    await keyboard.press("Tab");
    await keyboard.press("Enter");
    assertAda(await ada.claims());
  });

  await scene("a reload shows the same form again, and it can be answered", async (arrive) => {
    const ada = await arrive();
    await openForm(ada);
    const before = await ada.stored();
    await ada.page.reload();
    await ada.page.getByLabel("Password", { exact: true }).waitFor();
    assert.deepEqual(await ada.stored(), before);

    await ada.fill("E-mail", ADA.email);
    await ada.fill("Password", ADA.password);
    await ada.page.keyboard.press("Enter");
    const { nonce, ...claims } = await ada.claims();
    assertAda(claims);
    assert.equal(nonce, before.nonce);

    // The login is not stored any more.
    await ada.page.reload();
    await ada.at(JOURNEYS);
    await openForm(ada);
    assert.notEqual((await ada.stored()).session, before.session);
  });

  await scene("back leads from the form to the list, and forward to the form", async (arrive) => {
    const ada = await arrive();
    await openForm(ada);
    await ada.page.goBack();
    await ada.at(JOURNEYS);
    await ada.page.goForward();
    await ada.page.getByLabel("Password", { exact: true }).waitFor();
    await signIn(ada);
    assertAda(await ada.claims());
    await ada.page.goBack();
    await ada.at(JOURNEYS);
  });

  await scene("an answer whose response was lost is sent again", async (arrive) => {
    const ada = await arrive();
    await openForm(ada);
    // Landfall signs her in, and its response does not arrive.
    const lose = (route) => route.fetch().then(() => route.abort("connectionreset"));
    await ada.page.route("**/steps/*", lose, { times: 1 });
    ada.expect(/request: net::ERR_CONNECTION_RESET/);
    ada.expect(/console: .*ERR_CONNECTION_RESET/);
    await signIn(ada);
    assertAda(await ada.claims());
  });
}
