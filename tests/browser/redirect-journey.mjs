// The journey that signs in at the provider's own page.

import assert from "node:assert/strict";

import { assertAda, signInAtProvider } from "./ada.mjs";
import { openForm, signIn } from "./password-journey.mjs";

const PROVIDER = "Demo Keycloak";

/** Starts the journey: the way to the provider is there. */
async function openRedirect(visitor) {
  await visitor.open();
  await visitor.click("Sign in at the provider's page");
  await visitor.at(`Sign in at ${PROVIDER}`);
}

const way = ({ page }) => page.getByRole("link", { name: `Continue to ${PROVIDER}` });

/** The address of the way to the provider. */
async function address(visitor) {
  const href = await way(visitor).getAttribute("href");
  assert.match(href, /[?&]state=/);
  return href;
}

/** The address bar is clean again: what brought the browser back stands neither there nor in the history. */
function assertNothingInAddress({ page }) {
  assert.equal(new URL(page.url()).search, "");
}

export async function redirectJourney(scene) {
  await scene("Ada signs in at the provider's page, and is who she is by password", async (arrive) => {
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
    await ada.at("Choose a journey");
    assertNothingInAddress(ada);
  });

  await scene("who comes back with the browser's back button may still go on", async (arrive) => {
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

  await scene("who gives up before going to the provider is not signed in", async (arrive) => {
    const ada = await arrive();
    await openRedirect(ada);
    await ada.click("Cancel");
    await ada.at("You are not signed in");
    await ada.alert("access_denied");
  });

  await scene("who starts over leaves an old page behind that leads nowhere, and goes on", async (arrive) => {
    const ada = await arrive();
    await openRedirect(ada);
    const before = await address(ada);
    const old = await ada.context.newPage();
    await old.goto(before);
    await old.locator("form#kc-form-login").waitFor();

    await ada.click(`Start over at ${PROVIDER}`);
    await ada.page.locator(`a.primary:not([href="${before}"])`).waitFor();
    assert.notEqual(await address(ada), before);

    ada.expect(/console: .* status of 400 .*\/v1\/callback\//);
    await signInAtProvider(old);
    await old.getByRole("heading", { name: "This did not work" }).waitFor();
    await ada.look("redirect-old-page", old);

    // At the provider she is signed in now: it sends her back at once.
    await way(ada).click();
    assertAda(await ada.claims());
  });

  await scene(
    "who has somebody else finish their redirect gains nothing, and neither does the other",
    async (arrive) => {
      const mallory = await arrive();
      await openRedirect(mallory);
      const trap = await address(mallory);

      const ada = await arrive();
      await ada.page.goto(trap);
      await signInAtProvider(ada.page);
      await ada.alert("not_our_session");
      assertNothingInAddress(ada);
      assert.equal(await ada.stored(), null);
      assert.equal(await ada.page.getByRole("table").count(), 0);
      await ada.look("redirect-not-ours");

      await mallory.page.reload();
      await mallory.at(`Sign in at ${PROVIDER}`);
      await mallory.page.getByText("came back to another window").waitFor();
      assert.equal(await way(mallory).count(), 0);
      await mallory.look("redirect-finished-elsewhere");

      // Nor is it a dead end for whoever did that by mistake.
      await mallory.click(`Start over at ${PROVIDER}`);
      assert.notEqual(await address(mallory), trap);
    },
  );

  await scene("a way back whose answer got lost is gone again after a reload", async (arrive) => {
    const ada = await arrive();
    await openRedirect(ada);
    await way(ada).click();
    // Landfall does its part, and the page never hears of it.
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

  await scene("the way back of somebody else's login does not disturb one's own", async (arrive) => {
    const mallory = await arrive();
    await openRedirect(mallory);
    await way(mallory).click();
    // The page that she comes back to does nothing: what brought her there stays unused.
    await mallory.page.route("**/page/page.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
    await signInAtProvider(mallory.page);
    await mallory.page.waitForURL(/[?&]resume=/);

    const ada = await arrive();
    await openForm(ada);
    const before = await ada.stored();
    await ada.page.goto(mallory.page.url());
    await ada.alert("not_our_session");
    assertNothingInAddress(ada);
    assert.deepEqual(await ada.stored(), before);
    await signIn(ada);
    assertAda(await ada.claims());
  });
}
