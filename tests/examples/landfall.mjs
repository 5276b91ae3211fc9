// What backends and native applications have in common: the calls to Landfall, PKCE, and the check of the ID token.
// Node 20, no dependencies.
//
//     const landfall = new Landfall({ issuer, clientId, clientSecret, redirectUri });
//     const login = await landfall.start("my-journey");      // kept here, never in the browser
//     await landfall.submit(login, "submit", { email, password });
//     await landfall.resume(login, resume);                  // after a redirect
//     if (login.view.status === "completed") claims = await landfall.redeem(login);
//
// `login.view.completion.provisioned` tells a user who was `created` just now from one who was `recognised`. A call
// that fails throws a `Problem`.

import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";

const PATIENCE = 30_000; // Milliseconds; longer than any answer of Landfall's may take.
const TRIES = 5;
const LEEWAY = 60; // Seconds by which clocks may differ.

export class Landfall {
  #application;
  #keys = [];

  /** Where Landfall is, and which client this is; a backend has a `clientSecret`. */
  constructor({ issuer, clientId, clientSecret, redirectUri }) {
    this.#application = { issuer, clientId, clientSecret, redirectUri };
  }

  /** Starts a journey. Only a client with a secret may say who its `endUser` (`{ ip, user_agent }`) is. */
  async start(journey, { params = {}, endUser, scope = "openid profile email" } = {}) {
    // A stolen code is worth nothing without the verifier (RFC 7636). An ID token of another login has another nonce.
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

  /** Answers the step that `login.view` shows. Each answer has a `key` of its own, which is sent again with it. */
  submit(login, option, data = {}, key = random(16)) {
    const { step, turn } = login.view;
    return this.#untilAnswered(login, `/steps/${encodeURIComponent(step.id)}`, { turn, key, option, data });
  }

  /** Where the login stands now. The browser may have come back from a provider elsewhere. */
  view(login) {
    return this.#untilAnswered(login, "");
  }

  /** Goes on with the `resume` that the browser brought back. This same browser has to have started `login`. */
  resume(login, resume) {
    return this.#untilAnswered(login, "/resume", { resume });
  }

  /** The claims of the user of a completed login. Call it once: Landfall takes a code that comes twice for stolen. */
  async redeem({ verifier, nonce, view }) {
    const { code, redirect_uri } = view.completion;
    const form = { grant_type: "authorization_code", code, redirect_uri, code_verifier: verifier };
    const body = new URLSearchParams({ ...form, client_id: this.#application.clientId });
    const tokens = await this.#call("/oauth2/token", this.#secret(), body);
    return this.#verified(tokens.id_token, nonce);
  }

  /** Sends the same, with the same token and key, until it is answered: Landfall does it once, whatever got lost. */
  async #untilAnswered(login, path, body) {
    const { session, token } = login;
    for (let failures = 0; ; ) {
      try {
        const view = await this.#call(`/v1/sessions/${session}${path}`, `Bearer ${token}`, body);
        // It rotates when the user is authenticated: an attacker who planted the session has only the old one.
        if (view.session_token) login.token = view.session_token;
        if (view.status !== "processing") return (login.view = view);
        await seconds(view.retry_after ?? 1);
      } catch (problem) {
        // The answer was to an earlier step, or came too late. The problem has the current view.
        if (problem.view) return (login.view = problem.view);
        failures += 1;
        if (!problem.mayPass || failures === TRIES) throw problem;
        await seconds(problem.retryAfter ?? failures);
      }
    }
  }

  /** OIDC Core 3.1.3.7. Algorithm and issuer are fixed here, and not taken from the token. */
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
    this.requestId = answer.request_id;
    /** What does not fit, field by field: `{ name, code }`. */
    this.fields = answer.fields ?? [];
    /** Where the session stands instead. */
    this.view = answer.view;
    this.retryAfter = answer.retry_after;
    /** Whether the same request may be answered later. */
    this.mayPass = this.code === "no_answer" || status === 503;
  }
}

/**
 * The journeys that an application offers its users: those with the ids `wanted`, or all that `cargo run` lists for
 * its page, each `{ id, title, provider, params }`. A deployed Landfall has no list: name your journeys there.
 */
export async function journeysOf(issuer, wanted = []) {
  const answer = await fetch(`${issuer}/page/config.json`).catch(() => {
    throw new Problem({ title: `Landfall does not answer at ${issuer}: is it running there?` });
  });
  const { journeys: listed } = answer.ok ? await answer.json() : { journeys: [] };
  const ids = listed.map(({ id }) => id);
  const unknown = ids.length > 0 && wanted.find((id) => !ids.includes(id));
  if (unknown) throw new Problem({ title: `There is no journey ${unknown}. There are: ${ids.join(", ")}` });
  if (ids.length + wanted.length === 0) {
    throw new Problem({ title: `${issuer} lists no journeys: name those of your application on the command line` });
  }
  if (wanted.length === 0) return listed;
  return wanted.map((id) => listed.find((one) => one.id === id) ?? { id, title: `Sign in: ${id}`, params: {} });
}

export const random = (bytes) => randomBytes(bytes).toString("base64url");
const seconds = (count) => new Promise((done) => setTimeout(done, count * 1000));
const decoded = (part) => JSON.parse(Buffer.from(part, "base64url"));
