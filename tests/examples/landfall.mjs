// What a backend and a native application do alike: the calls to Landfall, PKCE, and the ID token verified. Node 20, no
// dependencies.
//
//     const landfall = new Landfall({ issuer, clientId, clientSecret, redirectUri });
//     const login = await landfall.start("my-journey");      // kept here, never in the browser
//     await landfall.submit(login, "submit", { email, password });
//     await landfall.resume(login, resume);                  // after a redirect
//     if (login.view.status === "completed") claims = await landfall.redeem(login);
//
// What a call cannot do, it says with a `Problem`.

import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";

const PATIENCE = 30_000; // Milliseconds; longer than any answer of Landfall's may take.
const TRIES = 5;
const LEEWAY = 60; // Seconds by which clocks may differ.

export class Landfall {
  #application;
  #keys = [];

  /** Where Landfall is, and who we are there; `clientSecret` if we are a backend. */
  constructor({ issuer, clientId, clientSecret, redirectUri }) {
    this.#application = { issuer, clientId, clientSecret, redirectUri };
  }

  /** Starts a journey. Of `endUser` (`{ ip, user_agent }`) only a client with a secret may speak. */
  async start(journey, { params = {}, endUser, scope = "openid profile email" } = {}) {
    // Whoever steals the code lacks the verifier (RFC 7636); an ID token of another login lacks the nonce.
    const [verifier, nonce] = [random(32), random(16)];
    const request = {
      client_id: this.#application.clientId,
      redirect_uri: this.#application.redirectUri,
      scope,
      nonce,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    };
    const path = `/v1/journeys/${encodeURIComponent(journey)}/start`;
    const view = await this.#call(path, this.#secret(), { request, params, end_user: endUser });
    return { session: view.session, token: view.session_token, verifier, nonce, view };
  }

  /** Answers the step that `login.view` shows. `key` is made anew for each answer, and sent again with the same one. */
  submit(login, option, data = {}, key = random(16)) {
    const { step, turn } = login.view;
    return this.#untilAnswered(login, `/steps/${encodeURIComponent(step.id)}`, { turn, key, option, data });
  }

  /** Goes on with the `resume` that the browser brought back: only for the login that this very browser has started. */
  resume(login, resume) {
    return this.#untilAnswered(login, "/resume", { resume });
  }

  /** The claims of the user whom a completed login is about. Once: a code that comes twice looks stolen. */
  async redeem({ verifier, nonce, view }) {
    const { code, redirect_uri } = view.completion;
    const form = { grant_type: "authorization_code", code, redirect_uri, code_verifier: verifier };
    const body = new URLSearchParams({ ...form, client_id: this.#application.clientId });
    const tokens = await this.#call("/oauth2/token", this.#secret(), body);
    return this.#verified(tokens.id_token, nonce);
  }

  /** Sends the same, with the same token and key, until it is answered: nothing is done twice, whatever got lost. */
  async #untilAnswered(login, path, body) {
    const { session, token } = login;
    for (let failures = 0; ; ) {
      try {
        const view = await this.#call(`/v1/sessions/${session}${path}`, `Bearer ${token}`, body);
        // It rotates when somebody is authenticated: whoever planted the session is left with the old one.
        if (view.session_token) login.token = view.session_token;
        if (view.status !== "processing") return (login.view = view);
        await seconds(view.retry_after ?? 1);
      } catch (problem) {
        // It stands elsewhere: the answer was to an earlier step, or came too late.
        if (problem.view) return (login.view = problem.view);
        failures += 1;
        if (!problem.mayPass || failures === TRIES) throw problem;
        await seconds(problem.retryAfter ?? failures);
      }
    }
  }

  /** OIDC Core 3.1.3.7. Algorithm and issuer are the ones we expect, whatever the token says of itself. */
  async #verified(token, nonce) {
    const { issuer, clientId } = this.#application;
    const [header, payload, signature] = token.split(".");
    const key = await this.#key(decoded(header).kid);
    const es256 = key && { key, dsaEncoding: "ieee-p1363" };
    const isSigned = key && verify("sha256", `${header}.${payload}`, es256, Buffer.from(signature, "base64url"));
    const { iss, aud, exp, nonce: its, ...claims } = decoded(payload);
    const isOurs = iss === issuer && aud === clientId && its === nonce && exp > Date.now() / 1000 - LEEWAY;
    if (!isSigned || !isOurs) {
      throw new Problem({ code: "id_token_refused", title: "The ID token is not of this login" });
    }
    return claims;
  }

  /** One of the issuer's public keys. They are fetched again when an unknown one turns up: keys rotate. */
  async #key(kid) {
    const find = () => this.#keys.find((key) => key.kid === kid && key.kty === "EC" && key.crv === "P-256");
    if (!find()) this.#keys = (await this.#call("/oauth2/jwks")).keys;
    return find() && createPublicKey({ key: find(), format: "jwk" });
  }

  /** HTTP Basic, each half form-urlencoded first (RFC 6749 section 2.3.1). */
  #secret() {
    const { clientId, clientSecret } = this.#application;
    const encoded = (text) => new URLSearchParams({ "": text }).toString().slice(1);
    return clientSecret && `Basic ${btoa(`${encoded(clientId)}:${encoded(clientSecret)}`)}`;
  }

  async #call(path, authorization, body) {
    const isForm = body instanceof URLSearchParams;
    const headers = { ...(authorization && { authorization }), ...(!isForm && { "content-type": "application/json" }) };
    let response, answer;
    try {
      response = await fetch(this.#application.issuer + path, {
        method: body ? "POST" : "GET",
        headers,
        body: isForm ? body : JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(PATIENCE),
      });
      answer = await response.json();
    } catch {
      // Not sent, or not answered, or cut off, or answered by something on the way that is not Landfall.
      throw new Problem({});
    }
    if (!response.ok) throw new Problem(answer, response.status);
    return answer;
  }
}

/** A refusal: RFC 9457 as the API answers it, RFC 6749 section 5.2 as the token endpoint does. */
export class Problem extends Error {
  constructor(answer, status) {
    super(answer.title ?? answer.error_description ?? "Landfall does not answer");
    this.code = answer.code ?? answer.error ?? "no_answer";
    /** What does not fit, field by field: `{ name, code }`. */
    this.fields = answer.fields ?? [];
    /** Where the session stands instead. */
    this.view = answer.view;
    this.retryAfter = answer.retry_after;
    /** Whether the same request may be answered later. */
    this.mayPass = this.code === "no_answer" || status === 503;
  }
}

export const random = (bytes) => randomBytes(bytes).toString("base64url");
const seconds = (count) => new Promise((done) => setTimeout(done, count * 1000));
const decoded = (part) => JSON.parse(Buffer.from(part, "base64url"));
