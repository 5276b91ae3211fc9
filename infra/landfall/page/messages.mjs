// What Landfall's codes mean to the people who meet them: what has happened, and what they can do next. The page of
// `cargo run` and the examples show these sentences. Your application may copy them, or have its own.

/**
 * The message for a `code` of `step.error`, of a rejection or of a problem.
 *
 * `provider` is the name of the provider that the user signs in with; `retryAfter` is how many seconds Landfall asks to
 * wait; `title` is what the API says itself, and stands in for codes that are newer than this list. Returned is
 * `{ heading, cause, next, isNeutral }`: a neutral message tells of no mistake.
 */
export function explain(code, { provider = "your provider", retryAfter, title } = {}) {
  const message = Object.hasOwn(MESSAGES, code) ? MESSAGES[code](provider) : {};
  const { heading = "This did not work", isNeutral = false } = message;
  const cause = message.cause ?? (title ? `${title}.` : "Something went wrong.");
  const next = message.next ?? "Start again. If it happens again, ask support.";
  return { heading, cause: capital(cause), next: retryAfter ? wait(retryAfter) : next, isNeutral };
}

/** The message for a field whose content does not fit. */
export const explainField = (code) => FIELDS[code] ?? "This does not fit here.";

const FIELDS = {
  required: "Please fill this in.",
  too_long: "This is too long.",
  not_an_email: "This is not an e-mail address. One looks like name@example.org.",
  unknown: "This cannot be chosen any more. Please choose again.",
};

const NOT_SIGNED_IN = "You are not signed in";
const OVER = "This sign-in is over";

const MESSAGES = {
  // Of a step or of the end of a journey.
  cancelled: () => ({
    heading: "You cancelled",
    cause: "Nothing has happened, and you are not signed in.",
    next: "You can sign in whenever you like.",
    isNeutral: true,
  }),
  invalid_credentials: (provider) => ({
    cause: `${provider} did not accept these details.`,
    next: "Check them and enter them again. If they are right, your account there may be locked: ask support.",
  }),
  password_refused: (provider) => ({
    cause: `${provider} did not accept the new password.`,
    next: "Choose a longer one, with letters, digits and other characters, that you have not used there before.",
  }),
  interaction_required: (provider) => ({
    cause: `${provider} wants you to do something on its own page first, for example to choose a new password.`,
    next: `Do that at ${provider}, then sign in here again.`,
  }),
  declined: (provider) => ({
    cause: `The sign-in was declined, by you or by ${provider}.`,
    next: "Try again, or sign in another way.",
  }),
  provider_unavailable: (provider) => ({
    cause: `${provider} cannot be reached right now.`,
    next: "Try again in a minute, or sign in another way.",
  }),
  try_later: (provider) => ({
    heading: NOT_SIGNED_IN,
    cause: `${provider} could not be asked: it does not answer, or the connection to it is not set up right.`,
    next: "Try again in a minute. If it does not help, ask support.",
  }),
  access_denied: (provider) => ({
    heading: NOT_SIGNED_IN,
    cause: `${provider} did not sign you in, or your account may not be used here.`,
    next: "Try again, or sign in another way. If you should have access, ask support.",
  }),
  proof_required: (provider) => ({
    heading: NOT_SIGNED_IN,
    cause: `The e-mail address of your account at ${provider} already belongs to another account here.`,
    next: "Sign in the way you did before. If you cannot, ask support to connect the two accounts.",
  }),
  identity_refused: (provider) => ({
    heading: NOT_SIGNED_IN,
    cause: `What ${provider} said about you could not be verified.`,
    next: "Start again. If it happens again, ask support.",
  }),
  journey_broken: () => ({ heading: NOT_SIGNED_IN, ...MISCONFIGURED }),
  too_many_steps: () => ({ heading: NOT_SIGNED_IN, ...MISCONFIGURED }),

  // Of a request that was refused.
  invalid_input: () => ({ cause: "Something is missing or does not fit.", next: "Correct the marked fields." }),
  too_many_attempts: () => ({
    cause: "There were too many attempts for this account, so your details were not checked.",
    next: "Wait a minute, then try again.",
  }),
  no_answer: () => ({
    cause: "Landfall does not answer.",
    next: "Check your connection and try again: nothing is done twice.",
  }),
  unavailable: () => ({
    cause: "A service that Landfall needs does not answer.",
    next: "Try again in a minute: nothing is done twice.",
  }),
  unknown_session: () => ({
    heading: OVER,
    cause: "This sign-in has expired or has ended.",
    next: "Start again.",
    isNeutral: true,
  }),
  step_conflict: () => ({
    cause: "This sign-in has gone on in the meantime, perhaps in another window.",
    next: "Here is where it stands now.",
    isNeutral: true,
  }),
  redirect_expired: () => ({
    heading: OVER,
    cause: "You came back with an address that works once, and it was used before or is too old.",
    next: "Here is where your sign-in stands now.",
    isNeutral: true,
  }),
  not_our_session: () => ({
    heading: OVER,
    cause: "You came back to a sign-in that is over, or that was started in another browser or tab.",
    next: "Go on in that one, or sign in here.",
    isNeutral: true,
  }),
  unknown_journey: () => UNKNOWN_JOURNEY,
  client_not_allowed: () => UNKNOWN_JOURNEY,
  invalid_params: () => ({
    cause: "This way of signing in needs to know more than the application has said.",
    next: "If you run it: start the journey with all its parameters.",
  }),
  unknown_client: () => ({
    cause: "Landfall does not know this application.",
    next: "If you run it: give Landfall its client document.",
  }),
  invalid_client: () => ({
    cause: "Landfall does not accept the secret of this application.",
    next: "If you run it: check its client secret.",
  }),
  invalid_redirect_uri: () => ({
    cause: "Landfall does not know the address of this application.",
    next: "If you run it: add the address to `redirect_uris` in its client document.",
  }),
};

const MISCONFIGURED = {
  cause: "This way of signing in is not set up right.",
  next: "Sign in another way, and tell support.",
};
const UNKNOWN_JOURNEY = {
  cause: "This way of signing in does not exist, or this application may not use it.",
  next: "Sign in another way.",
};

function wait(seconds) {
  const [count, unit] = seconds < 120 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
  return `Wait ${count} ${unit}${count === 1 ? "" : "s"}, then try again.`;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
