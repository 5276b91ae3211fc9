// A password login at Keycloak: OAuth's resource owner password grant, and verification of the ID token.
import { createRemoteJWKSet, jwtVerify } from "jose";
import { cached, secret } from "./shared.js";

const TIMEOUT = 5_000;

const discovered = cached(3_600_000, async (issuer) => {
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT) });
  if (!answer.ok) throw new Error(`discovery: ${answer.status}`);
  const metadata = await answer.json();
  if (metadata.issuer !== issuer) throw new Error("discovery: another issuer");
  const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), { cacheMaxAge: 3_600_000, cooldownDuration: 60_000 });
  return { metadata, keys };
});

/** Checks a password. Returns the identity or the failure. */
export async function logIn(connector, username, password, context) {
  const { issuer, client_id } = connector;
  let status, body, provider;
  try {
    provider = await discovered(issuer);
    const basic = [client_id, await secret(`connectors/${connector.secret}`)].map(encodeURIComponent).join(":");
    const answer = await fetch(provider.metadata.token_endpoint, {
      method: "POST",
      headers: { authorization: `Basic ${Buffer.from(basic).toString("base64")}`, accept: "application/json" },
      body: new URLSearchParams({ grant_type: "password", username, password, scope: "openid profile email" }),
      redirect: "error",
      signal: AbortSignal.timeout(Math.min(TIMEOUT, context.getRemainingTimeInMillis())),
    });
    status = answer.status;
    body = await answer.json();
  } catch (error) {
    console.error(JSON.stringify({ level: "WARN", event: "login_failed", error: String(error) }));
    return { failure: "unavailable" };
  }
  if (status === 429 || status >= 500) return { failure: "unavailable" };
  if (body.error === "invalid_grant") return { failure: "invalid_credentials" };
  if (status !== 200) return { failure: "unavailable" };
  try {
    const { payload } = await jwtVerify(body.id_token, provider.keys, {
      issuer,
      audience: client_id,
      algorithms: ["RS256", "PS256", "ES256", "EdDSA"],
      clockTolerance: 60,
      requiredClaims: ["sub", "exp", "iat"],
    });
    if (Array.isArray(payload.aud) && payload.aud.length > 1 && payload.azp === undefined) throw new Error("no azp");
    if (payload.azp !== undefined && payload.azp !== client_id) throw new Error("another azp");
    if (payload.iat > Date.now() / 1000 + 60) throw new Error("iat in the future");
    if (payload.typ !== undefined && payload.typ !== "ID") throw new Error("another kind of token");
    return { identity: payload };
  } catch (error) {
    console.error(JSON.stringify({ level: "ERROR", event: "identity_refused", error: String(error) }));
    return { failure: "refused" };
  }
}
