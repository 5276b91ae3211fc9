// How a browser application signs its users in through Landfall: no dependencies, and nothing of this page in it.
//
//     const login = new Login({ issuer, clientId, redirectUri });
//     let view = (await login.resume()) ?? (await login.view()) ?? (await login.start("my-journey"));
//     // Show `view`, and answer it as often as it asks: input_required and redirect are the page's business (page.js).
//     view = await login.submit(view, "submit", { email, password });
//     if (view.status === "completed") user = (await login.redeem(view)).claims;
//
// `view.completion.provisioned` tells a user who was `created` just now from one who was `recognised`. WebCrypto is
// there on https, and on this machine itself. A call that fails throws a `Problem`. If its code is `unknown_session`,
// the session is over: `forget()` it, and start again.

const STORED = "landfall.login";
const PATIENCE = 30_000; // Milliseconds; longer than any answer of Landfall's may take.
const TRIES = 5;

export class Login {
  #application;

  /** Where Landfall is, and which client this is. `onProcessing`, if given, is called with views that say to wait. */
  constructor({ issuer, clientId, redirectUri, onProcessing }) {
    this.#application = { issuer, clientId, redirectUri, onProcessing };
  }

  /** Starts a journey: an OAuth authorization request (RFC 6749, OIDC Core 3.1.2.1), and what the journey asks for. */
  async start(journey, params = {}, scope = "openid profile email") {
    // A stolen code is worth nothing without the verifier (RFC 7636). An ID token of another login has another nonce.
    const verifier = random(32);
    const nonce = random(16);
    const request = {
      client_id: this.#application.clientId,
      redirect_uri: this.#application.redirectUri,
      scope,
      nonce,
      code_challenge: base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))),
      code_challenge_method: "S256",
    };
    const view = await this.#post(`/v1/journeys/${encodeURIComponent(journey)}/start`, { request, params });
    keep({ session: view.session, token: view.session_token, verifier, nonce });
    return view;
  }

  /** Answers the step that `view` shows: with one of its options, and what was entered, by field. */
  submit(view, option, data = {}) {
    // One answer has one key, however often it is sent: Landfall does it once, and gives the token that may come back
    // only to the holder of the key. Like the password, the key is not stored: after a reload in this very moment, the
    // user may have to start again.
    const answer = { turn: view.turn, key: random(16), option, data };
    return this.#untilAnswered(() => this.#ofSession("POST", `/steps/${encodeURIComponent(view.step.id)}`, answer));
  }

  /** Where the session stands, after a reload; `null` if this tab has none. */
  async view() {
    return stored() && this.#untilAnswered(() => this.#ofSession("GET", ""));
  }

  /** Goes on after the provider sent the browser back with `?session=...&resume=...`; `null` if it did not. */
  async resume() {
    const address = new URL(location.href);
    const [session, resume] = ["session", "resume"].map((name) => address.searchParams.get(name));
    if (!session || !resume) return null;
    // Only a session that this tab has started goes on. An attacker may start one and send its redirect to this user,
    // so that they sign in for the attacker; or finish it and send the way back, so that they go on in the attacker's
    // account. In both cases the session in the address is not the one that is stored here.
    if (stored()?.session !== session) {
      forgetReturn(address);
      throw new Problem({ code: "not_our_session", title: "This sign-in is over, or was started in another tab" });
    }
    try {
      const view = await this.#untilAnswered(() => this.#ofSession("POST", "/resume", { resume }));
      forgetReturn(address);
      return view;
    } catch (problem) {
      // As long as there is no answer, the address stays as it is: a reload sends the same, and gets the same answer.
      if (problem.mayPass) problem.again = () => this.resume();
      else forgetReturn(address);
      throw problem;
    }
  }

  /** Fetches the tokens of a completed session, and ends it here. */
  async redeem(view) {
    const { verifier, nonce } = stored() ?? {};
    // Sent once. Landfall takes a code that comes twice for stolen, and revokes its tokens; `view()` tells whether it
    // is spent.
    const tokens = await this.#call("POST", "/oauth2/token", {
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: view.completion.code,
        redirect_uri: view.completion.redirect_uri,
        client_id: this.#application.clientId,
        code_verifier: verifier,
      }),
    });
    this.forget();
    // No signature is checked: the token came straight from the token endpoint over TLS, which OIDC Core 3.1.3.7
    // accepts instead. One that came any other way has to be verified with the keys at /oauth2/jwks. `exp` is not
    // checked either: the token was made a moment ago, and the clock of this machine may be wrong.
    const claims = payload(tokens.id_token);
    const isOurs = claims.iss === this.#application.issuer && [claims.aud].flat().includes(this.#application.clientId);
    if (!isOurs || claims.nonce !== nonce) {
      throw new Problem({ code: "id_token_refused", title: "The ID token is not of this login" });
    }
    return { tokens, claims };
  }

  /** Forgets the session, wherever it stands. */
  forget() {
    sessionStorage.removeItem(STORED);
  }

  /** Sends the same again until it is answered, after a lost answer or while the server or another request is busy. */
  async #untilAnswered(send) {
    let failures = 0;
    while (true) {
      try {
        const view = await send();
        if (view.status !== "processing") return view;
        this.#application.onProcessing?.(view);
        await seconds(view.retry_after ?? 1);
      } catch (problem) {
        if (!problem.mayPass) throw problem;
        failures += 1;
        if (failures === TRIES) {
          // For the page to offer: the same request still, with the same key.
          problem.again = () => this.#untilAnswered(send);
          throw problem;
        }
        await seconds(problem.retryAfter ?? failures);
      }
    }
  }

  async #ofSession(method, path, json) {
    const { session, token } = stored() ?? {};
    const view = await this.#call(method, `/v1/sessions/${session}${path}`, {
      headers: { authorization: `Bearer ${token}`, ...(json && JSON_BODY) },
      body: json && JSON.stringify(json),
    });
    // It rotates when the user is authenticated: an attacker who planted the session here has only the old one.
    if (view.session_token) keep({ ...stored(), token: view.session_token });
    return view;
  }

  #post(path, json) {
    return this.#call("POST", path, { headers: JSON_BODY, body: JSON.stringify(json) });
  }

  async #call(method, path, init) {
    const options = { method, credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(PATIENCE), ...init };
    let response, body;
    try {
      response = await fetch(this.#application.issuer + path, options);
      body = await response.json();
    } catch {
      // Not sent, or not answered, or cut off, or answered by something on the way that is not Landfall.
      throw new Problem({});
    }
    if (!response.ok) throw new Problem(body, response.status);
    return body;
  }
}

/** A refusal: RFC 9457 as the API answers it, RFC 6749 section 5.2 as the token endpoint does. */
export class Problem extends Error {
  constructor(body, status) {
    super(body.title ?? body.error_description ?? "Landfall does not answer");
    this.code = body.code ?? body.error ?? "no_answer";
    this.requestId = body.request_id;
    /** What does not fit, field by field: `{ name, code }`. */
    this.fields = body.fields ?? [];
    /** Where the session stands instead. */
    this.view = body.view;
    this.retryAfter = body.retry_after;
    /** Whether the same request may be answered later. */
    this.mayPass = this.code === "no_answer" || status === 503;
  }
}

const JSON_BODY = { "content-type": "application/json" };

// Of this tab, and only until it is closed.
const stored = () => JSON.parse(sessionStorage.getItem(STORED));
const keep = (login) => sessionStorage.setItem(STORED, JSON.stringify(login));

/** `resume` is for one use: it neither stays in the address bar nor in the history. */
function forgetReturn(address) {
  for (const name of ["session", "resume"]) address.searchParams.delete(name);
  history.replaceState(history.state, "", address);
}

const random = (bytes) => base64url(crypto.getRandomValues(new Uint8Array(bytes)));
const seconds = (count) => new Promise((done) => setTimeout(done, count * 1000));

function base64url(bytes) {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function payload(jwt) {
  const text = atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (character) => character.charCodeAt(0))));
}
