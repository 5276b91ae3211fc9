// POST /v1/journeys/{journey}/start
import { randomBytes } from "node:crypto";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { Problem, SESSIONS, clientOf, dynamodb, newId, object, seconds, served, sha256, string } from "./shared.js";
import { form } from "./view.js";

const LIFETIME = 15 * 60_000;

export async function init() {}

export const handler = served("start", async (event, text) => {
  const { request, params = {} } = object(event, text);
  const journey = event.rawPath.split("/")[3];
  const client = await clientOf(string(request?.client_id, 64));
  if (!client?.first_party || client.direct_api !== "public") throw new Problem(403, "client_refused");
  if (!client.journeys.includes(journey)) throw new Problem(404, "unknown_journey");
  const { origin } = event.headers;
  if (origin !== undefined && !client.origins.includes(origin)) throw new Problem(403, "client_refused");
  if (!client.redirect_uris.includes(request.redirect_uri)) throw new Problem(400, "invalid_request");
  if ((request.response_type ?? "code") !== "code") throw new Problem(400, "invalid_request");
  string(request.code_challenge, 43, /^[A-Za-z0-9_-]{43}$/);
  if (request.code_challenge_method !== "S256") throw new Problem(400, "invalid_request");
  const plan = string(params.plan, 40);

  const now = Date.now();
  const token = randomBytes(32).toString("base64url");
  const { client_id, redirect_uri, scope, nonce, code_challenge } = request;
  const session = {
    id: newId("ses"),
    v: 1,
    turn: 1,
    step: "ask",
    status: "input_required",
    token: sha256(token),
    expires_at: seconds(now + LIFETIME),
    request: { client_id, redirect_uri, scope: string(scope ?? "", 200), nonce: string(nonce ?? "", 200), code_challenge },
    params: { plan },
  };
  await dynamodb.send(
    new PutCommand({
      TableName: SESSIONS,
      Item: { pk: `NODE#SESSION#${session.id}`, sk: "STATE", ...session },
      ConditionExpression: "attribute_not_exists(pk)",
      ReturnConsumedCapacity: "TOTAL",
    }),
  );
  return [201, { ...form(session), session_token: token }];
});
