// The journey that asks for the password itself.

import assert from "node:assert/strict";

import { ADA, assertAda } from "./ada.mjs";

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
  await scene("a wrong password is said so, and the right one signs Ada in", async (arrive) => {
    const ada = await arrive();
    await ada.open();
    await ada.at("Choose a journey");
    await ada.look("journeys");
    await openForm(ada);
    await ada.look("password-form");

    await signIn(ada, "not the password");
    assert.match(await ada.alert("invalid_credentials"), /details are not right/);
    assert.equal(await ada.focus(), "alert");
    assert.equal(await ada.page.getByLabel("E-mail").inputValue(), ADA.email);
    assert.equal(await ada.page.getByLabel("Password").inputValue(), "");
    await ada.look("password-wrong");

    await signIn(ada);
    assertAda(await ada.claims());
    assert.equal(await ada.focus(), "heading");
    assert.equal(await ada.stored(), null, "a login that is over is still stored");
    await ada.look("password-signed-in");

    await ada.click("Sign out here");
    await ada.at("Choose a journey");
    assert.equal(await ada.page.getByRole("table").count(), 0);
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

    // Nothing of it is left.
    await ada.page.reload();
    await ada.at("Choose a journey");
    await openForm(ada);
    assert.notEqual((await ada.stored()).session, before.session);
  });

  await scene("an answer that got lost on its way is given again", async (arrive) => {
    const ada = await arrive();
    await openForm(ada);
    // Landfall signs her in, and the page does not hear of it at first.
    const lose = (route) => route.fetch().then(() => route.abort("connectionreset"));
    await ada.page.route("**/steps/*", lose, { times: 1 });
    ada.expect(/request: net::ERR_CONNECTION_RESET/);
    ada.expect(/console: .*ERR_CONNECTION_RESET/);
    await signIn(ada);
    assertAda(await ada.claims());
  });

  await scene("fields that do not fit are marked, and the form can be answered still", async (arrive) => {
    const ada = await arrive();
    await openForm(ada);
    ada.expect(/console: .* status of 422 /);
    await ada.fill("E-mail", "ada");
    await ada.click("Continue");
    await ada.alert("invalid_input");
    await ada.page.getByText("This is not an e-mail address.").waitFor();
    await ada.page.getByText("This is needed.").waitFor();
    assert.equal(await ada.focus(), "field-email");
    await ada.look("password-fields");

    await signIn(ada);
    assertAda(await ada.claims());
  });

  await scene("who gives up is not signed in, and may start again", async (arrive) => {
    const ada = await arrive();
    await openForm(ada);
    await ada.click("Cancel");
    await ada.at("You are not signed in");
    await ada.alert("access_denied");
    await ada.look("password-cancelled");

    // It is over after a reload as well.
    await ada.page.reload();
    await ada.at("You are not signed in");
    await ada.click("Start again");
    await ada.at("Choose a journey");
    assert.equal(await ada.stored(), null);
  });
}
