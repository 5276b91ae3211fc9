// POST /oauth2/token
import { createPrivateKey, createPublicKey, randomBytes, randomUUID } from "node:crypto";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { SignJWT, calculateJwkThumbprint, exportJWK } from "jose";
import { ISSUER, Problem, SESSIONS, clientOf, dynamodb, secret, seconds, served, sha256 } from "./shared.js";

const LIFETIME = 600;

let key, kid;

export async function init() {
  key = createPrivateKey(await secret("peer/signing"));
  kid = await calculateJwkThumbprint(await exportJWK(createPublicKey(key)));
}

export const handler = served("token", async (event, text) => {
  if (!/^application\/x-www-form-urlencoded\b/.test(event.headers["content-type"] ?? "")) {
    throw new Problem(400, "invalid_request");
  }
  const form = new URLSearchParams(text);
  if ([...form.keys()].length !== new Set(form.keys()).size) throw new Problem(400, "invalid_request");
  const { grant_type, code, redirect_uri, client_id, code_verifier } = Object.fromEntries(form);
  if (grant_type !== "authorization_code") throw new Problem(400, "unsupported_grant_type");
  if (!code || !redirect_uri || !client_id || !code_verifier) throw new Problem(400, "invalid_request");
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(code_verifier)) throw new Problem(400, "invalid_grant");
  const client = await clientOf(client_id);
  if (!client) throw new Problem(401, "invalid_client");
  const session = await redeem({ code, redirect_uri, client_id, code_verifier });
  if (!session) throw new Problem(400, "invalid_grant");

  const iat = seconds(Date.now());
  const exp = iat + LIFETIME;
  const { request, user, proofs } = session;
  const scopes = request.scope.split(" ");
  const access_token = await signed("at+jwt", {
    iss: ISSUER, sub: user.id, aud: ISSUER, client_id, iat, exp, jti: randomBytes(16).toString("base64url"), scope: request.scope,
  });
  const claims = {
    ...released(user.claims, scopes),
    iss: ISSUER,
    sub: user.id,
    aud: client_id,
    iat,
    exp,
    auth_time: Math.max(...proofs.map((proof) => proof.at)),
    nonce: request.nonce || undefined,
    amr: ["pwd"],
    at_hash: sha256(access_token).subarray(0, 16).toString("base64url"),
  };
  const id_token = scopes.includes("openid") ? await signed("JWT", claims) : undefined;
  return [200, { access_token, token_type: "Bearer", expires_in: LIFETIME, id_token, scope: request.scope }];
});

const RELEASED = { profile: ["name", "given_name", "family_name", "preferred_username"], email: ["email", "email_verified"] };

function released(claims, scopes) {
  const names = scopes.flatMap((scope) => RELEASED[scope] ?? []);
  return Object.fromEntries(names.filter((name) => claims[name] !== undefined).map((name) => [name, claims[name]]));
}

const signed = (typ, claims) => new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ, kid }).sign(key);

/** One conditional update that compares everything that the client must present. */
async function redeem({ code, redirect_uri, client_id, code_verifier }) {
  const [id] = code.split(".");
  if (!/^ses_[0-9A-Z]{26}$/.test(id)) return undefined;
  const now = Date.now();
  try {
    const { Attributes } = await dynamodb.send(
      new UpdateCommand({
        TableName: SESSIONS,
        Key: { pk: `NODE#SESSION#${id}`, sk: "STATE" },
        UpdateExpression: "SET code_redeemed = :now, redeemed_by = :by",
        ConditionExpression:
          "code = :code AND attribute_not_exists(code_redeemed) AND code_until > :now AND #status = :completed " +
          "AND #request.client_id = :client AND #request.redirect_uri = :redirect " +
          "AND #request.code_challenge = :challenge AND expires_at > :seconds",
        ExpressionAttributeNames: { "#status": "status", "#request": "request" },
        ExpressionAttributeValues: {
          ":by": randomUUID(),
          ":code": sha256(code),
          ":now": now,
          ":completed": "completed",
          ":client": client_id,
          ":redirect": redirect_uri,
          ":challenge": sha256(code_verifier).toString("base64url"),
          ":seconds": seconds(now),
        },
        ReturnValues: "ALL_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        ReturnConsumedCapacity: "TOTAL",
      }),
    );
    return Attributes;
  } catch (error) {
    if (error.name !== "ConditionalCheckFailedException") throw error;
    if (error.Item?.code_redeemed) console.error(JSON.stringify({ level: "WARN", event: "code_reused", session: id }));
    return undefined;
  }
}
