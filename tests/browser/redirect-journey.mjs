// The journey that signs in at the provider's own page.

import assert from "node:assert/strict";

import { assertAda, signInAtProvider } from "./ada.mjs";
import { JOURNEYS, openForm, signIn } from "./password-journey.mjs";

const PROVIDER = "Demo Keycloak";

/** Starts the journey: the way to the provider is there. */
async function openRedirect(visitor) {
  await visitor.open();
  await visitor.click(`Sign in with ${PROVIDER}`);
  await visitor.at(`Sign in at ${PROVIDER}`);
}

const way = ({ page }) => page.getByRole("link", { name: `Continue to ${PROVIDER}` });

/** The address of the way to the provider. */
async function address(visitor) {
  const href = await way(visitor).getAttribute("href");
  assert.match(href, /[?&]state=/);
  return href;
}

/** What brought the browser back is no longer in its address bar. */
function assertNothingInAddress({ page }) {
  assert.equal(new URL(page.url()).search, "");
}

export async function redirectJourney(scene) {
  await scene("the provider's page signs in the same user as the password", async (arrive) => {
    const ada = await arrive();
    await openRedirect(ada);
    await ada.look("redirect");
    const before = await address(ada);
    await ada.page.reload();
    await ada.at(`Sign in at ${PROVIDER}`);
    assert.equal(await address(ada), before, "a reload leads elsewhere");

    await way(ada).click();
    await ada.page.locator("form#kc-form-login").waitFor();
    await ada.look("provider-form");
    await signInAtProvider(ada.page, "not the password");
    await ada.page.getByText("Invalid username or password").waitFor();
    await ada.look("provider-wrong");

    await signInAtProvider(ada.page);
    assertAda(await ada.claims());
    assertNothingInAddress(ada);
    assert.equal(await ada.stored(), null, "a login that is over is still stored");
    await ada.look("redirect-signed-in");

    await ada.page.reload();
    await ada.at(JOURNEYS);
    assertNothingInAddress(ada);
  });

  await scene("back from the provider's page leads to the way there", async (arrive) => {
    const ada = await arrive();
    await openRedirect(ada);
    await way(ada).click();
    await ada.page.locator("form#kc-form-login").waitFor();
    await ada.page.goBack();
    await ada.at(`Sign in at ${PROVIDER}`);
    await way(ada).click();
    await signInAtProvider(ada.page);
    assertAda(await ada.claims());
  });

  await scene("a sign-in that was finished in another tab can be started over", async (arrive) => {
    const ada = await arrive();
    await openRedirect(ada);
    const before = await address(ada);
    const other = await ada.context.newPage();
    await other.goto(before);
    await signInAtProvider(other);
    await other.getByRole("alert").filter({ hasText: "started in another browser or tab" }).waitFor();

    await ada.page.reload();
    await ada.page.getByText("came back to another window or tab").waitFor();
    assert.equal(await way(ada).count(), 0);
    await ada.look("redirect-finished-elsewhere");
    await ada.click(`Start over at ${PROVIDER}`);
    assert.notEqual(await address(ada), before);

    // She is signed in at the provider by now: it sends her back at once.
    await way(ada).click();
    assertAda(await ada.claims());
  });

  await scene("an attacker whose redirect another user finishes gains nothing", async (arrive) => {
    const mallory = await arrive();
    await openRedirect(mallory);
    const trap = await address(mallory);

    const ada = await arrive();
    await ada.page.goto(trap);
    await signInAtProvider(ada.page);
    await ada.alert("started in another browser or tab");
    await ada.at(JOURNEYS);
    assertNothingInAddress(ada);
    assert.equal(await ada.stored(), null);
    await ada.look("redirect-not-ours");

    await mallory.page.reload();
    await mallory.page.getByText("came back to another window or tab").waitFor();
    assert.equal(await way(mallory).count(), 0);
  });

  await scene("a callback whose response was lost goes on after a reload", async (arrive) => {
    const ada = await arrive();
    await openRedirect(ada);
    await way(ada).click();
    // Landfall signs her in, and its response does not arrive.
    const lost = new Promise((done) => {
      ada.page.route("**/resume", (route) => route.fetch().then(done), { times: 1 });
    });
    await signInAtProvider(ada.page);
    await lost;
    ada.expect(/request: net::ERR_ABORTED .*\/resume/);
    await ada.page.reload();
    assertAda(await ada.claims());
    assertNothingInAddress(ada);
  });

  await scene("the callback of another user's login does not disturb one's own", async (arrive) => {
    const mallory = await arrive();
    await openRedirect(mallory);
    await way(mallory).click();
    // The page that she comes back to does nothing: `resume` stays unused.
    await mallory.page.route("**/page/page.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    await signInAtProvider(mallory.page);
    await mallory.page.waitForURL(/[?&]resume=/);

    const ada = await arrive();
    await openForm(ada);
    const before = await ada.stored();
    await ada.page.goto(mallory.page.url());
    await ada.alert("started in another browser or tab");
    assertNothingInAddress(ada);
    assert.deepEqual(await ada.stored(), before);
    await signIn(ada);
    assertAda(await ada.claims());
  });
}
