// Answers of the API that the demo's journeys do not give, and answers that are late or lost.

import assert from "node:assert/strict";

import { JOURNEYS } from "./password-journey.mjs";

const SESSION = "ses_01JA0000000000000000000000";

const view = (turn, rest) => ({ session: SESSION, turn, expires_at: "2099-01-01T00:00:00Z", ...rest });
const asking = (turn, type, data, more) =>
  view(turn, {
    status: "input_required",
    step: {
      id: "ask",
      type,
      data,
      options: [
        { id: "submit", kind: "client_input" },
        { id: "cancel", kind: "cancel" },
      ],
      ...more,
    },
  });

const CHOICE = asking(1, "choose_provider", {
  heading: { id: "choose_provider.heading", text: "Or continue with" },
  providers: ["Okta", "Entra"].map((name) => ({
    connector: name.toLowerCase(),
    name,
    label: { id: `choose_provider.${name.toLowerCase()}`, text: `Login with ${name}` },
  })),
});
const FORM = asking(1, "collect_information", {
  fields: [
    { name: "name", type: "text", label: { id: "field.name", text: "Name" }, required: true, autocomplete: "name" },
    { name: "phone", type: "text", label: { id: "field.phone", text: "Phone" }, required: false, autocomplete: null },
  ],
});
const challenge = (turn, challenge, fields, main = { id: "submit", kind: "client_input" }, more) => {
  const asked = asking(turn, "answer_challenge", { challenge, fields }, more);
  asked.step.options[0] = main;
  return asked;
};
const FACTORS = challenge(1, { type: "choose" }, [
  {
    name: "choice",
    type: "choice",
    label: { id: "field.choice", text: "How do you want to confirm that it is you?" },
    required: true,
    choices: [
      { value: "1", factor: "sms_otp", to: "+49 *** 678", label: { id: "factor.sms_otp", text: "Code by SMS" } },
      { value: "2", factor: "push", to: null, label: { id: "factor.push", text: "Confirm in the app" } },
    ],
  },
]);
const WAIT = (turn) =>
  challenge(turn, { type: "wait", to: "Ada's phone", number: "42", every: 1 }, [], { id: "poll", kind: "poll" });
const NEW_PASSWORD = (turn, error) =>
  challenge(
    turn,
    { type: "new_password" },
    [
      { name: "current_password", type: "password", label: { text: "Current password" }, required: true },
      { name: "new_password", type: "password", label: { text: "New password" }, required: true },
    ],
    undefined,
    error && { error: { code: error } },
  );
const UNKNOWN = asking(2, "show_fireworks", { colours: ["red", "<b>green</b>"] });
const REJECTED = view(3, { status: "rejected", rejection: { code: "try_later", retry_after: 30 } });
const PROCESSING = view(1, { status: "processing", retry_after: 0 });

const problem = (status, code, title, more) => ({
  status,
  json: { code, title, status, request_id: "req_1", ...more },
});

/** A visitor whose API answers a started journey with `answers`, one after the other; and all that the API was sent. */
async function answered(arrive, start, ...answers) {
  const visitor = await arrive();
  const sent = [];
  await visitor.page.route("**/v1/**", async (route) => {
    const request = route.request();
    if (request.url().endsWith("/start")) {
      return route.fulfill({ status: 201, json: { ...start, session_token: "first" } });
    }
    sent.push({ method: request.method(), token: request.headers().authorization, ...request.postDataJSON() });
    const answer = answers.shift();
    assert.ok(answer, `nothing answers ${request.method()} ${request.url()}`);
    if (answer === "lost") return route.abort("connectionreset");
    return route.fulfill(answer.json ? answer : { json: answer });
  });
  await visitor.open();
  await visitor.page.getByRole("button").first().click();
  return [visitor, sent];
}

export async function otherViews(scene) {
  await scene("a provider is chosen, and an unknown step can be cancelled", async (arrive) => {
    const [ada, sent] = await answered(arrive, CHOICE, UNKNOWN, REJECTED);
    await ada.at("Where do you have your account?");
    await ada.look("choose-provider");
    await ada.click("Login with Entra");

    await ada.at("This page cannot show this step");
    await ada.page.getByText("<b>green</b>").waitFor();
    await ada.look("unknown-step");
    await ada.click("Cancel");

    await ada.at("You are not signed in");
    assert.match(await ada.alert("could not be asked"), /Wait 30 seconds, then try again/);
    await ada.look("try-later");

    const answers = sent.map(({ turn, option, data }) => ({ turn, option, data }));
    assert.deepEqual(answers, [
      { turn: 1, option: "submit", data: { connector: "entra" } },
      { turn: 2, option: "cancel", data: {} },
    ]);
    for (const { key } of sent) assert.match(key, /^[\w-]{22}$/);
    assert.notEqual(sent[0].key, sent[1].key);
  });

  await scene("a factor is chosen, confirmed elsewhere, and the password replaced", async (arrive) => {
    const again = NEW_PASSWORD(5, "password_refused");
    const [ada, sent] = await answered(arrive, FACTORS, WAIT(2), WAIT(3), NEW_PASSWORD(4), again, REJECTED);
    await ada.at("How do you want to confirm that it is you?");
    await ada.look("choose-factor");
    await ada.click("Confirm in the app");

    await ada.at("Confirm that it is you");
    await ada.page.getByText("42", { exact: true }).waitFor();
    await ada.look("confirm-elsewhere");
    // The page asks by itself until the user has confirmed.
    await ada.at("Choose a new password");
    await ada.look("new-password");
    await ada.fill("Current password", "correct horse");
    await ada.fill("New password", "short");
    await ada.click("Continue");
    await ada.alert("did not accept the new password");
    await ada.look("password-refused");
    await ada.fill("Current password", "correct horse");
    await ada.fill("New password", "battery staple");
    await ada.click("Continue");
    await ada.at("You are not signed in");

    const answers = sent.map(({ turn, option, data }) => ({ turn, option, data }));
    const passwords = (text) => ({ current_password: "correct horse", new_password: text });
    assert.deepEqual(answers, [
      { turn: 1, option: "submit", data: { choice: "2" } },
      { turn: 2, option: "poll", data: {} },
      { turn: 3, option: "poll", data: {} },
      { turn: 4, option: "submit", data: passwords("short") },
      { turn: 5, option: "submit", data: passwords("battery staple") },
    ]);
  });

  await scene("an answer that is late or lost is asked for again, with the same key", async (arrive) => {
    const rotated = { ...UNKNOWN, session_token: "second" };
    const [ada, sent] = await answered(
      arrive,
      FORM,
      "lost",
      PROCESSING,
      problem(503, "unavailable", "Away", { retry_after: 0 }),
      rotated,
      REJECTED,
    );
    ada.expect(/request: net::ERR_CONNECTION_RESET/);
    ada.expect(/console: .*ERR_CONNECTION_RESET/);
    ada.expect(/console: .* status of 503 /);
    await ada.page.getByLabel("Phone").waitFor();
    await ada.look("text-form");
    await ada.fill("Name", "Ada Lovelace");
    await ada.click("Continue");

    await ada.at("This page cannot show this step");
    assert.equal(sent.length, 4);
    for (const submit of sent) assert.deepEqual(submit, sent[0]);
    await ada.click("Cancel");
    await ada.at("You are not signed in");
    assert.deepEqual(sent.map(({ token }) => token).slice(3), ["Bearer first", "Bearer second"]);
    assert.notEqual(sent[4].key, sent[0].key);
  });

  await scene("an answer that does not come can be asked for once more", async (arrive) => {
    const down = () => problem(503, "unavailable", "A service is away", { retry_after: 0 });
    const [ada, sent] = await answered(arrive, FORM, down(), down(), down(), down(), down(), REJECTED);
    ada.expect(/console: .* status of 503 /, 5);
    await ada.fill("Name", "Ada Lovelace");
    await ada.click("Continue");
    await ada.at("This did not work");
    assert.match(await ada.alert("does not answer"), /Try again in a minute: nothing is done twice\.\s+Request req_1/);
    await ada.look("unavailable");
    await ada.click("Try again");
    await ada.at("You are not signed in");
    for (const submit of sent) assert.deepEqual(submit, sent[0]);
  });

  await scene("a session that stands elsewhere is shown where it stands", async (arrive) => {
    const conflict = problem(409, "step_conflict", "The session is waiting for another turn or step", {
      view: UNKNOWN,
    });
    const [ada] = await answered(arrive, FORM, conflict);
    ada.expect(/console: .* status of 409 /);
    await ada.click("Continue");
    await ada.at("This page cannot show this step");
    await ada.alert("Here is where it stands now");
  });

  await scene("a session that has ended leads back to the start", async (arrive) => {
    const [ada] = await answered(
      arrive,
      FORM,
      problem(404, "unknown_session", "There is no such session, or it has ended"),
    );
    ada.expect(/console: .* status of 404 /);
    await ada.click("Continue");
    assert.match(await ada.alert("has expired or has ended"), /Start again/);
    await ada.at(JOURNEYS);
    assert.equal(await ada.stored(), null);
  });

  await scene("this machine's other name leads to the one that is registered", async (arrive) => {
    const ada = await arrive();
    await ada.open();
    await ada.at(JOURNEYS);
    const address = new URL(ada.page.url());
    if (address.hostname !== "127.0.0.1") return;
    address.hostname = "localhost";
    await ada.open(address.href);
    await ada.page.waitForURL(/^http:\/\/127\.0\.0\.1:/);
    await ada.at(JOURNEYS);
  });

  await scene("a redirect to a script is no link", async (arrive) => {
    const redirect = (more) =>
      view(1, {
        status: "redirect",
        step: {
          id: "go",
          type: "authenticate_redirect",
          data: { provider: { id: "okta", name: "Okta" } },
          options: [{ id: "restart", kind: "restart" }],
          ...more.step,
        },
        redirect: more.redirect,
      });
    const away = redirect({ step: { error: { code: "provider_unavailable" } } });
    const [ada, sent] = await answered(
      arrive,
      redirect({ redirect: { url: "javascript:alert(document.domain)" } }),
      away,
    );
    await ada.at("Sign in at Okta");
    await ada.page.getByText("The address of Okta is not one of the web.").waitFor();
    assert.equal(await ada.page.locator("main a").count(), 0);

    await ada.click("Start over at Okta");
    await ada.alert("Okta cannot be reached right now");
    await ada.look("redirect-away");
    assert.equal(sent[0].option, "restart");
  });
}
