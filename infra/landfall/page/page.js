// The page: shows what a journey asks, and hands the answers to login.js.
//
// What comes from the API reaches the document as text only, never as markup.

import { Login, Problem } from "./login.js";
import { explain, explainField } from "./messages.mjs";

// The demo's application is registered under one of this machine's names, and origins are compared exactly.
if (location.hostname === "localhost") {
  location.hostname = "127.0.0.1";
  await new Promise(() => {}); // Nothing more happens here.
}

const [main, heading, alert, content, status] = ["main", "heading", "alert", "content", "status"].map((id) =>
  document.getElementById(id),
);
const config = await fetch("/page/config.json")
  .then((response) => response.json())
  .catch(() => ({ journeys: [] }));
const login = new Login({
  issuer: location.origin,
  clientId: config.client_id,
  redirectUri: `${location.origin}/`,
  onProcessing: () => (status.textContent = "Your answer is still being checked..."),
});

/** What only the operator of this server can mend: its log has the reason. */
const OPERATORS = ["try_later", "provider_unavailable", "identity_refused", "journey_broken", "too_many_steps"];

/** The types of fields that are entered anew each time. */
const SECRET = ["password", "code"];

/** What was entered and is no secret, by field: a form that is asked again has it still. */
let entered = {};

/** The journey that this tab has started last, if it is still offered. */
const STARTED = "landfall.page.journey";
const started = () => config.journeys.find(({ id }) => id === sessionStorage.getItem(STARTED));

// ---- From view to view

/** Does something that leads to a view, one thing at a time, and shows where that led. */
async function run(action) {
  if (main.ariaBusy === "true") return;
  busy(true);
  try {
    const view = await action();
    if (view?.completion?.code) showSignedIn(view.completion, await login.redeem(view));
    else show(view);
  } catch (problem) {
    await showProblem(problem instanceof Problem ? problem : mistake(problem));
  } finally {
    busy(false);
  }
}

function busy(is) {
  main.ariaBusy = String(is);
  status.textContent = is ? "One moment..." : "";
  for (const button of content.querySelectorAll("button")) button.disabled = is;
}

/** What a page load finds: the way back from a provider, a session, or nothing. */
const find = async () => (await login.resume()) ?? (await login.view());

const answer = (view, option, data) => run(() => login.submit(view, option, data));

function start({ id, params }) {
  entered = {};
  return run(async () => {
    const view = await login.start(id, params);
    sessionStorage.setItem(STARTED, id);
    // The browser's back button leads from the login to the list, and its forward button to the login.
    if (!isAtLogin()) history.pushState({ at: "login" }, "");
    return view;
  });
}

const isAtLogin = () => history.state?.at === "login";
addEventListener("popstate", () => run(async () => (isAtLogin() ? find() : null)));

function startAgain() {
  login.forget();
  entered = {};
  showJourneys();
}

function show(view) {
  if (view === null) return showJourneys();
  const statuses = {
    input_required: showStep,
    redirect: showRedirect,
    completed: showOver,
    rejected: showRejected,
  };
  (statuses[view.status] ?? showUnknown)(view);
}

// ---- Views

function showJourneys() {
  const { journeys } = config;
  if (journeys.length === 0) return showAway();
  const choices = (journeys) => list(journeys.map((journey) => choice(() => start(journey), journey.title)));
  const [away, here] = [journeys.filter((one) => one.at_provider), journeys.filter((one) => !one.at_provider)];
  // A few need no order.
  const isShort = journeys.length <= 4 || away.length === 0 || here.length === 0;
  const groups = isShort
    ? [choices(journeys)]
    : [section("At your provider's page"), choices(away), section("On this page"), choices(here)];
  render("How do you want to sign in?", [...whom(), ...groups]);
}

/** The server has stopped since it sent this page. */
function showAway() {
  const again = button({ class: "primary" }, () => location.reload(), "Load again");
  render("This page could not be loaded", [element("div", { class: "options" }, again)]);
  say(explain("no_answer"));
}

/** Whom the simulated provider knows; of one's own provider, this page knows no users. */
function whom() {
  if (!config.user) return [];
  const [email, password] = [config.user.email, config.user.password].map((text) => element("code", {}, text));
  const [katherine, phone] = [element("code", {}, "katherine@example.org"), element("a", { href: "/phone", target: "_blank" }, "her phone")];
  const names = config.second_factor?.join(", ");
  const second = names ? [` At ${names}, `, katherine, " with the same password has a second factor: look at ", phone, "."] : [];
  return [element("p", { class: "note" }, "To try it, sign in as ", email, " with the password ", password, ".", ...second)];
}

function showStep(view) {
  const types = { collect_information: showForm, choose_provider: showProviders, answer_challenge: showChallenge };
  (types[view.step.type] ?? showUnknown)(view);
}

function showForm(view) {
  const name = started()?.provider;
  const whose = (name) => element("p", {}, "Enter the details of your account at ", element("strong", {}, name), ".");
  showFields(view, "Sign in", ...(name ? [whose(name)] : []), ...whom());
}

function showFields(view, title, ...before) {
  const { data } = view.step;
  const form = element(
    "form",
    // What does not fit, the server says, to every application alike.
    { method: "post", novalidate: "" },
    ...data.fields.map(field),
    options(view, button({ type: "submit", class: "primary" }, null, "Continue")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    const open = data.fields.filter(({ type }) => !SECRET.includes(type));
    entered = Object.fromEntries(open.map(({ name }) => [name, values[name]]));
    answer(view, "submit", values);
  });
  render(title, [...before, form], view);
  // Where the user goes on: at the first field, or at the first that has to be entered again.
  const inputs = [...form.elements].filter((element) => element.matches("input"));
  (inputs.find((input) => input.value === "") ?? inputs[0])?.focus();
}

/** What a provider asks for beside, or instead of, a password. */
function showChallenge(view) {
  const challenges = { code: showCode, choose: showChoice, wait: showWait, new_password: showNewPassword };
  (challenges[view.step.data.challenge.type] ?? showUnknown)(view);
}

function showCode(view) {
  const { factor, to } = view.step.data.challenge;
  const from = {
    email_otp: "was sent to your mailbox",
    sms_otp: "was sent to your phone",
    voice_otp: "you hear on the phone",
    totp: "your app shows",
    recovery_code: "you noted down when you set up your account",
  };
  const where = to ? `was sent to ${to}` : (from[factor] ?? "you have been given");
  showFields(view, "Enter the code", element("p", {}, `It is the one that ${where}.`));
}

function showChoice(view) {
  const [{ name, label, choices }] = view.step.data.fields;
  const text = ({ label, to }) => (to ? `${label.text} (${to})` : label.text);
  const buttons = choices.map((one) => choice(() => answer(view, "submit", { [name]: one.value }), text(one)));
  render(label.text, [list(buttons), options(view)], view);
}

/** The user confirms on another device, and this page asks again and again whether they have. */
function showWait(view) {
  const { to, number, every } = view.step.data.challenge;
  const where = to ? `on ${to}` : "in your app";
  const numbers = number ? [element("p", {}, "Choose this number there:"), element("p", { class: "number" }, number)] : [];
  const poll = () => isShown() && answer(view, "poll");
  const now = button({ class: "primary" }, poll, "I have confirmed");
  render("Confirm that it is you", [element("p", {}, `Open the message ${where} and confirm.`), ...numbers, options(view, now)], view);
  // As long as this page shows it, and nothing else is going on.
  const isShown = () => now.isConnected && main.ariaBusy !== "true";
  setTimeout(poll, every * 1000);
}

function showNewPassword(view) {
  const name = started()?.provider ?? "your provider";
  showFields(view, "Choose a new password", element("p", {}, `${name} wants you to replace your password.`));
}

function field({ name, type, label, required, autocomplete }) {
  const [id, problem] = [`field-${name}`, `problem-${name}`];
  const kind = type === "code" ? { type: "text", inputmode: "numeric" } : { type };
  const described = { autocomplete: autocomplete ?? "off", "aria-describedby": problem };
  const input = element("input", { id, name, ...kind, ...described });
  input.required = required;
  if (!SECRET.includes(type)) input.value = entered[name] ?? "";
  const hint = required ? [] : [element("small", {}, "optional")];
  return element(
    "div",
    { class: "field" },
    element("label", { for: id }, label.text, ...hint),
    element("div", { class: "input" }, input, ...(type === "password" ? [reveal(input)] : [])),
    element("p", { id: problem, class: "problem" }),
  );
}

/** Shows what is typed into a password's field, as long as it is pressed. */
function reveal(input) {
  const toggle = button({ "aria-pressed": "false", "aria-label": "Show password", class: "reveal" }, null, "Show");
  const show = (is) => {
    toggle.ariaPressed = String(is);
    input.type = is ? "text" : "password";
  };
  toggle.addEventListener("click", () => show(toggle.ariaPressed === "false"));
  return toggle;
}

function showProviders(view) {
  const choices = view.step.data.providers.map(({ connector, label }) =>
    choice(() => answer(view, "submit", { connector }), label.text),
  );
  render("Where do you have your account?", [list(choices), options(view)], view);
}

function showRedirect(view) {
  const { data, error } = view.step;
  const name = data.provider.name ?? data.provider.id;
  const url = view.redirect && new URL(view.redirect.url);
  // A `javascript:` address would run in this page.
  const isWeb = url && ["https:", "http:"].includes(url.protocol);
  const been = `You were at ${name} already, and came back to another window or tab. Go on there, or start over here.`;
  const reason = url ? `The address of ${name} is not one of the web. Sign in another way, and tell support.` : been;
  const noWay = error?.code === "provider_unavailable" ? [] : [element("p", {}, reason)];
  render(`Sign in at ${name}`, isWeb ? wayTo(name, url, view) : [...noWay, options(view)], view);
  content.querySelector("a.primary")?.focus();
}

function wayTo(name, { host, href }, view) {
  const about = element("p", { id: "about" }, `You sign in on a page of ${name} at `, element("strong", {}, host));
  about.append(" and come back here.");
  const link = element("a", { class: "primary", href, "aria-describedby": "about" }, `Continue to ${name}`);
  return [about, ...whom(), options(view, link)];
}

function showSignedIn({ provisioned }, { claims }) {
  const { sub, name, email, ...others } = claims;
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const row = ([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text(value)));
  const rows = Object.entries({ sub, name, email, ...others }).filter(([, value]) => value !== undefined);
  const from = started()?.provider ?? "your provider";
  const stories = {
    created:
      `This was your first sign-in: Landfall has created you in its own directory, from your account at ${from}. ` +
      "Sign out and in again, and it will recognise you.",
    recognised: "Welcome back: Landfall has recognised you as a user it has created before.",
  };
  const who = name ?? email;
  entered = {};
  render(who ? `You are signed in as ${who}` : "You are signed in", [
    ...(stories[provisioned] ? [element("p", {}, stories[provisioned])] : []),
    element("div", { class: "options" }, button({ class: "primary" }, startAgain, "Sign out here")),
    element("p", {}, element("small", {}, "This page forgets you then. At your provider you stay signed in.")),
    section("What this application was told"),
    element("p", {}, "The claims of the ID token:"),
    element("table", {}, element("tbody", {}, ...rows.map(row))),
  ]);
}

function showRejected({ rejection }) {
  const { code, retry_after: retryAfter } = rejection;
  const message = explain(code, { provider: started()?.provider, retryAfter });
  render(message.heading, [ways("Try again")]);
  say(message, { code });
}

function showOver() {
  const why = "It was completed before, here or in another window.";
  render("This sign-in is over", [element("p", {}, why), ways("Sign in again")]);
}

/** Something newer than this page. */
function showUnknown(view) {
  const { status, step } = view;
  render("This page cannot show this step", [
    element("p", {}, "Landfall asks for something that this page is too old for. Load it again, or cancel."),
    element("pre", { tabindex: "0" }, JSON.stringify({ status, step }, null, 2)),
    step ? options(view) : ways("Start again"),
  ]);
}

/** The step's options beside its main one, `first`. While there is a way to the provider, a new one is of no use. */
function options(view, ...first) {
  const name = view.step.data?.provider?.name ?? "the provider";
  const labels = { restart: `Start over at ${name}`, resend: "Send another code", cancel: "Cancel" };
  const isShown = ({ kind }) => kind in labels && !(kind === "restart" && first.length > 0);
  const option = ({ id, kind }) =>
    button({ class: kind === "restart" ? "primary" : undefined }, () => answer(view, id), labels[kind]);
  return element("div", { class: "options" }, ...first, ...view.step.options.filter(isShown).map(option));
}

/** The ways on from an end: the same journey once more, and the others. */
function ways(label) {
  const journey = started();
  const all = button(journey ? {} : { class: "primary" }, startAgain, journey ? "Other ways to sign in" : "Sign in");
  const same = journey && button({ class: "primary" }, () => (login.forget(), start(journey)), label);
  return element("div", { class: "options" }, ...(same ? [same] : []), all);
}

// ---- What went wrong

/** A mistake of this page's own: the console has the details. */
function mistake(error) {
  console.error(error);
  return new Problem({ title: "This page made a mistake", code: "page" });
}

async function showProblem(problem) {
  const form = content.querySelector("form");
  const message = explain(problem.code, {
    provider: started()?.provider,
    retryAfter: problem.retryAfter,
    title: problem.message,
  });
  if (form && problem.fields.length > 0) return markFields(form, problem, message);
  if (problem.code === "not_our_session") {
    // Whatever this tab was doing goes on.
    show(await login.view().catch(() => null));
  } else if (problem.view) {
    show(problem.view);
  } else if (problem.code === "unknown_session") {
    login.forget();
    showJourneys();
  } else if (!(form && problem.code === "too_many_attempts")) {
    // Else what was entered stays, to be sent again.
    const again = button({ class: "primary" }, () => run(problem.again ?? find), "Try again");
    const other = button({}, startAgain, "Other ways to sign in");
    render(message.heading, [element("div", { class: "options" }, again, other)]);
  }
  say(message, problem);
  alert.focus();
}

function markFields(form, problem, message) {
  for (const input of form.querySelectorAll("input")) {
    const code = problem.fields.find(({ name }) => name === input.name)?.code;
    input.ariaInvalid = code ? "true" : null;
    document.getElementById(`problem-${input.name}`).textContent = code ? explainField(code) : "";
  }
  say(message, problem);
  (form.querySelector("[aria-invalid]") ?? alert).focus();
}

/** Says what has happened and what to do next. The server's log has the request of a failure by its id. */
function say({ cause, next, isNeutral }, { code, requestId } = {}) {
  const terminal = "If you run this server: its terminal says why.";
  const isTheirs = ["invalid_input", "too_many_attempts"].includes(code);
  const request = requestId && !isTheirs ? `Request ${requestId}` : "";
  const small = [OPERATORS.includes(code) ? terminal : "", request].filter(Boolean);
  alert.className = isNeutral ? "neutral" : "wrong";
  alert.replaceChildren(
    element("p", {}, cause),
    element("p", {}, next),
    ...small.map((text) => element("p", {}, element("small", {}, text))),
  );
}

// ---- The document

let isFirst = true;

/** Shows one thing, and moves those who do not see it there. */
function render(title, nodes, view) {
  // What is shown again by itself takes the focus from nothing.
  const isNew = heading.textContent !== title;
  document.title = `${title} - Landfall`;
  heading.textContent = title;
  content.replaceChildren(...nodes);
  alert.replaceChildren();
  const error = view?.step?.error;
  if (error) {
    const provider = view.step.data?.provider?.name ?? started()?.provider;
    say(explain(error.code, { provider, retryAfter: view.retry_after }), error);
    alert.focus();
  } else if (!isFirst && isNew) heading.focus();
  isFirst = false;
}

const section = (text) => element("h2", {}, text);
const list = (items) => element("ul", { class: "choices" }, ...items.map((item) => element("li", {}, item)));
const choice = (onClick, text) => button({ class: "choice" }, onClick, text);

function button(attributes, onClick, ...children) {
  const made = element("button", { type: "button", ...attributes }, ...children);
  if (onClick) made.addEventListener("click", onClick);
  return made;
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(attribute, value);
  }
  made.append(...children);
  return made;
}

// A page that comes out of the browser's back-forward cache may show what is long over.
addEventListener("pageshow", (event) => event.persisted && run(find));
await run(find);
