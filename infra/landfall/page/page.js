// The page: shows what a journey asks, and hands the answers to login.js.
//
// What comes from the API reaches the document as text only, never as markup.

import { Login, Problem } from "./login.js";

// The demo's application is registered under one of this machine's names, and origins are compared exactly.
if (location.hostname === "localhost") {
  location.hostname = "127.0.0.1";
  await new Promise(() => {}); // Nothing more happens here.
}

const [main, heading, alert, content, status] = ["main", "heading", "alert", "content", "status"].map((id) =>
  document.getElementById(id),
);
const config = await (await fetch("/page/config.json")).json();
const login = new Login({
  issuer: location.origin,
  clientId: config.client_id,
  redirectUri: `${location.origin}/`,
  onProcessing: () => (status.textContent = "Your answer is still being worked on..."),
});

/** What the codes in views mean to whoever reads them. An application has its own words. */
const MESSAGES = {
  invalid_credentials: "The sign-in details are not right.",
  interaction_required: "Your provider wants to see you on its own page.",
  declined: "The sign-in was declined.",
  provider_unavailable: "Your provider does not answer.",
  access_denied: "Access was denied.",
  try_later: "Something that is needed here does not answer. Please try again later.",
  proof_required: "There is an account with this identifier already.",
  identity_refused: "What your provider answered was refused.",
  journey_broken: "This journey is not set up right.",
  too_many_steps: "This journey took too many steps.",
};
const FIELD_PROBLEMS = {
  required: "This is needed.",
  too_long: "This is too long.",
  not_an_email: "This is not an e-mail address.",
};

/** The types of fields that are entered anew each time. */
const SECRET = ["password", "code"];

/** What was entered and is no secret, by field: a form that is asked again has it still. */
let entered = {};

// ---- From view to view

/** Does something that leads to a view, one thing at a time, and shows where that led. */
async function run(action) {
  if (main.ariaBusy === "true") return;
  busy(true);
  try {
    const view = await action();
    if (view?.completion?.code) showSignedIn(await login.redeem(view));
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
  const choice = ({ id, title, params }) =>
    button({ class: "choice" }, () => run(() => login.start(id, params)), title, element("small", {}, id));
  render("Choose a journey", [
    ...whom(config.user),
    list(config.journeys.map(choice)),
  ]);
}

/** Whom the simulated provider knows; of one's own provider, this page knows nobody. */
function whom(user) {
  if (!user) return [];
  const [email, password] = [user.email, user.password].map((text) => element("code", {}, text));
  return [element("p", {}, "The demo's provider knows ", email, " with the password ", password, ".")];
}

function showStep(view) {
  const types = { collect_information: showForm, choose_provider: showProviders, answer_challenge: showChallenge };
  (types[view.step.type] ?? showUnknown)(view);
}

function showForm(view, title = "Sign in", ...before) {
  const { data, error } = view.step;
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
  render(title, [...before, form], error);
}

/** What a provider asks for beside, or instead of, a password. */
function showChallenge(view) {
  const { method, to } = view.step.data.challenge;
  const from = { email_otp: "was sent to your mailbox", sms_otp: "was sent to your phone", totp: "your app shows" };
  const where = to ? `was sent to ${to}` : (from[method] ?? "you have been given");
  showForm(view, "Enter the code", element("p", {}, `It is the one that ${where}.`));
}

function field({ name, type, label, required, autocomplete }) {
  const [id, problem] = [`field-${name}`, `problem-${name}`];
  const kind = type === "code" ? { type: "text", inputmode: "numeric" } : { type };
  const input = element("input", { id, name, ...kind, autocomplete: autocomplete ?? "off", "aria-describedby": problem });
  input.required = required;
  if (!SECRET.includes(type)) input.value = entered[name] ?? "";
  const hint = required ? [] : [element("small", {}, "optional")];
  return element(
    "div",
    { class: "field" },
    element("label", { for: id }, label.text, ...hint),
    input,
    element("p", { id: problem, class: "problem" }),
  );
}

function showProviders(view) {
  const { data, error } = view.step;
  const choice = ({ connector, label }) =>
    button({ class: "choice" }, () => answer(view, "submit", { connector }), label.text);
  render(data.heading.text, [list(data.providers.map(choice)), options(view)], error);
}

function showRedirect(view) {
  const { data, error } = view.step;
  const name = data.provider.name ?? data.provider.id;
  const way = view.redirect && wayTo(name, view.redirect.url);
  const noWay = () =>
    error?.code === "provider_unavailable"
      ? `There is no way to ${name} at the moment.`
      : `Somebody has been at ${name} for this, and came back to another window. If that was you, go on there.`;
  render(`Sign in at ${name}`, [...(way ?? [element("p", {}, noWay())]), options(view)], error);
}

function wayTo(name, url) {
  const { protocol, host } = new URL(url);
  // A `javascript:` address would run in this page.
  if (protocol !== "https:" && protocol !== "http:") return [element("p", {}, `${name} is at no address of the web.`)];
  return [
    element("p", {}, `You sign in on a page of ${name} at `, element("strong", {}, host), " and come back here."),
    element("p", {}, element("a", { class: "primary", href: url }, `Continue to ${name}`)),
  ];
}

function showSignedIn({ claims }) {
  const { sub, name, email, ...others } = claims;
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const row = ([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text(value)));
  entered = {};
  render("You are signed in", [
    element("p", {}, "Your old provider knows you, and you are migrated now. The ID token says:"),
    element("table", {}, element("tbody", {}, ...Object.entries({ sub, name, email, ...others }).map(row))),
    element("div", { class: "options" }, button({}, startAgain, "Sign out here")),
    element("p", {}, element("small", {}, "This page forgets you then. At your provider you stay signed in.")),
  ]);
}

function showRejected({ rejection }) {
  const wait = rejection.retry_after && [element("p", {}, `Another try may help in ${rejection.retry_after} seconds.`)];
  render("You are not signed in", [...(wait ?? []), startAgainButton("primary")], rejection);
}

function showOver() {
  const why = "Its code has been redeemed, or has expired.";
  render("This sign-in is over", [element("p", {}, why), startAgainButton("primary")]);
}

/** Something newer than this page. */
function showUnknown(view) {
  const { status, step } = view;
  render("This page does not know this step", [
    element("pre", { tabindex: "0" }, JSON.stringify({ status, step }, null, 2)),
    step ? options(view) : startAgainButton("primary"),
  ]);
}

/** The step's options beside `first`, as far as a button makes sense of them. */
function options(view, ...first) {
  const name = view.step.data?.provider?.name ?? "the provider";
  const labels = { cancel: "Cancel", restart: `Start over at ${name}`, resend: "Send another code" };
  const others = view.step.options
    .filter(({ kind }) => kind in labels)
    .map(({ id, kind }) => button({}, () => answer(view, id), labels[kind]));
  return element("div", { class: "options" }, ...first, ...others);
}

const startAgainButton = (kind) => button({ class: kind }, startAgain, "Start again");

// ---- What went wrong

/** Our own: whoever looks into it finds it in the console. */
function mistake(error) {
  console.error(error);
  return new Problem({ title: "This page cannot do that here", code: error.name });
}

async function showProblem(problem) {
  const form = content.querySelector("form");
  if (form && problem.fields.length > 0) return markFields(form, problem);
  if (problem.code === "not_our_session") {
    // Whatever this tab was doing goes on.
    show(await login.view().catch(() => null));
  } else if (problem.view) {
    show(problem.view);
  } else if (problem.code === "unknown_session") {
    login.forget();
    showJourneys();
  } else {
    const again = button({ class: "primary" }, () => run(problem.again ?? find), "Try again");
    render("This did not work", [element("div", { class: "options" }, again, startAgainButton())]);
  }
  say(`${problem.message}.`, problem.code, problem.requestId);
  alert.focus();
}

function markFields(form, problem) {
  for (const input of form.querySelectorAll("input")) {
    const code = problem.fields.find(({ name }) => name === input.name)?.code;
    input.ariaInvalid = code ? "true" : null;
    document.getElementById(`problem-${input.name}`).textContent = code ? (FIELD_PROBLEMS[code] ?? code) : "";
  }
  say(`${problem.message}.`, problem.code, problem.requestId);
  (form.querySelector("[aria-invalid]") ?? alert).focus();
}

/** Says what is wrong, and for whoever looks into it, how it is called. */
function say(text, ...names) {
  const codes = names.filter(Boolean).map((name) => element("code", {}, name));
  alert.replaceChildren(element("p", {}, text), element("p", { class: "codes" }, ...codes));
}

// ---- The document

let isFirst = true;

/** Shows one thing, and moves those who do not see it there. */
function render(title, nodes, error) {
  document.title = `${title} - Landfall`;
  heading.textContent = title;
  content.replaceChildren(...nodes);
  alert.replaceChildren();
  if (error) say(MESSAGES[error.code] ?? "This did not work.", error.code);
  if (error) alert.focus();
  else if (!isFirst) heading.focus();
  isFirst = false;
}

const list = (items) => element("ul", { class: "choices" }, ...items.map((item) => element("li", {}, item)));

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
