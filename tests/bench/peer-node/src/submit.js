// POST /v1/sessions/{session}/steps/{step}
import { createHash, randomUUID } from "node:crypto";
import { GetCommand, PutCommand, TransactWriteCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { Problem, DIRECTORY, SESSIONS, connectorOf, derive, dynamodb, newId, object, sameBytes, served, seconds, sha256 } from "./shared.js";
import { string, secret } from "./shared.js";
import { logIn } from "./provider.js";
import { completed, form, rejected } from "./view.js";

const CODE_LIFETIME = 60_000;

export async function init() {
  await secret("peer/session");
}

export const handler = served("submit", async (event, text, context) => {
  const [, , , id, , step] = event.rawPath.split("/");
  const token = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(event.headers.authorization ?? "")?.[1];
  if (!token || !/^ses_[0-9A-Z]{26}$/.test(id)) throw new Problem(404, "unknown_session");
  const { turn, key, option, data } = object(event, text);
  string(key, 32, /^[0-9a-f]{32}$/);
  if (!Number.isInteger(turn)) throw new Problem(400, "malformed_body");

  const claim = randomUUID();
  const session = await claimTurn({ id, turn, step, token, claim }, context);
  if (option === "cancel") {
    const ended = { ...session, status: "rejected", turn: turn + 1 };
    await commit(ended, claim, []);
    return [200, rejected(ended, "access_denied")];
  }
  const invalid = invalidFields(option, data);
  if (invalid.length > 0) {
    await giveBack(id, claim);
    throw new Problem(422, "invalid_input", { fields: invalid });
  }

  const connector = await connectorOf("keycloak");
  const outcome = await logIn(connector, data.email, data.password, context);
  if (outcome.failure === "unavailable" || outcome.failure === "refused") {
    const ended = { ...session, status: "rejected", turn: turn + 1 };
    await commit(ended, claim, []);
    return [200, rejected(ended, outcome.failure === "refused" ? "identity_refused" : "try_later")];
  }
  if (outcome.failure) {
    const again = { ...session, turn: turn + 1 };
    await commit(again, claim, []);
    return [200, form(again, "invalid_credentials")];
  }
  return signIn(session, outcome.identity, { token, key, claim });
});

function invalidFields(option, data) {
  if (option !== "submit" || typeof data !== "object" || data === null) throw new Problem(400, "malformed_body");
  const fields = [];
  const { email, password, ...others } = data;
  if (typeof email !== "string" || email.length > 254 || !/^[^\s@]+@[^\s@]+$/.test(email)) fields.push({ field: "email" });
  if (typeof password !== "string" || password === "" || password.length > 1024) fields.push({ field: "password" });
  return fields.concat(Object.keys(others).map((field) => ({ field })));
}

/** One conditional update before the provider is called: of two submits of a turn, only one sends the password. */
async function claimTurn({ id, turn, step, token, claim }, context) {
  const now = Date.now();
  try {
    const { Attributes } = await dynamodb.send(
      new UpdateCommand({
        TableName: SESSIONS,
        Key: { pk: `NODE#SESSION#${id}`, sk: "STATE" },
        UpdateExpression: "SET claim = :claim, claimed_until = :deadline",
        ConditionExpression:
          "turn = :turn AND step = :step AND #token = :token AND #status = :waiting " +
          "AND (attribute_not_exists(claimed_until) OR claimed_until <= :now) AND expires_at > :seconds",
        ExpressionAttributeNames: { "#token": "token", "#status": "status" },
        ExpressionAttributeValues: {
          ":claim": claim,
          ":deadline": now + context.getRemainingTimeInMillis(),
          ":turn": turn,
          ":step": step,
          ":token": sha256(token),
          ":waiting": "input_required",
          ":now": now,
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
    const mine = error.Item && sameBytes(Buffer.from(error.Item.token.B ?? error.Item.token), sha256(token));
    throw mine ? new Problem(409, "step_conflict") : new Problem(404, "unknown_session");
  }
}

async function giveBack(id, claim) {
  await dynamodb.send(
    new UpdateCommand({
      TableName: SESSIONS,
      Key: { pk: `NODE#SESSION#${id}`, sk: "STATE" },
      UpdateExpression: "REMOVE claim, claimed_until",
      ConditionExpression: "claim = :claim",
      ExpressionAttributeValues: { ":claim": claim },
    }),
  );
}

/** Finds or creates the user, and completes the session in the same write. */
async function signIn(session, identity, { token, key, claim }) {
  const account = createHash("sha256").update(JSON.stringify([identity.iss, identity.sub])).digest("hex");
  const link = { pk: `NODE#LINK#keycloak#${account}`, sk: "LINK" };
  const nextToken = await derive("token", session.id, session.turn, token, key);
  const code = `${session.id}.${await derive("code", session.id, nextToken)}`;
  const { email, email_verified, name, given_name, family_name, preferred_username } = identity;
  const claims = { email, email_verified, name, given_name, family_name, preferred_username };
  for (let attempt = 0; attempt < 2; attempt++) {
    const { Item: known } = await dynamodb.send(
      new GetCommand({ TableName: DIRECTORY, Key: link, ConsistentRead: true, ReturnConsumedCapacity: "TOTAL" }),
    );
    const user = known?.user ?? newId("usr");
    const done = {
      ...session,
      turn: session.turn + 1,
      status: "completed",
      token: sha256(nextToken),
      answered: { token: sha256(token), key: sha256(key) },
      code: sha256(code),
      code_until: Date.now() + CODE_LIFETIME,
      user: { id: user, claims: known?.claims ?? claims },
      proofs: [{ method: "password", at: seconds(Date.now()) }],
    };
    const writes = known ? [] : firstLogin(user, link, identity, claims, session.params);
    if (!known && !writes.length) return [200, rejected({ ...session, status: "rejected" }, "access_denied")];
    if (await commit(done, claim, writes)) {
      if (!known) console.log(JSON.stringify({ level: "INFO", event: "user_provisioned", user }));
      return [200, { ...completed(done, code), session_token: nextToken }];
    }
  }
  throw new Problem(503, "try_later");
}

/** The writes of a new user, a link and a reservation of the verified e-mail, each only if it does not exist yet. */
function firstLogin(user, link, identity, claims, attributes) {
  if (identity.email_verified !== true) return [];
  const created_at = new Date().toISOString();
  const { iss, sub } = identity;
  const email = createHash("sha256").update(identity.email.toLowerCase()).digest("hex");
  const items = [
    { pk: `NODE#USER#${user}`, sk: "PROFILE", version: 1, status: "active", claims, attributes, links: [link.pk], created_at },
    { ...link, user, status: "active", iss, sub, claims, created_at },
    { pk: `NODE#IDENTIFIER#email#${email}`, sk: "CLAIM", user, created_at },
  ];
  return items.map((Item) => ({
    Put: { TableName: DIRECTORY, Item: { v: 1, ...Item }, ConditionExpression: "attribute_not_exists(pk)" },
  }));
}

/** Writes the session and `writes` in one transaction, if we still hold the lock. Returns whether it succeeded. */
async function commit(session, claim, writes) {
  const { claim: _claim, claimed_until: _until, ...item } = session;
  const put = {
    TableName: SESSIONS,
    Item: item,
    ConditionExpression: "claim = :claim",
    ExpressionAttributeValues: { ":claim": claim },
  };
  if (writes.length === 0) {
    await dynamodb.send(new PutCommand({ ...put, ReturnConsumedCapacity: "TOTAL" }));
    return true;
  }
  try {
    await dynamodb.send(
      new TransactWriteCommand({
        TransactItems: [{ Put: put }, ...writes],
        ClientRequestToken: claim,
        ReturnConsumedCapacity: "TOTAL",
      }),
    );
    return true;
  } catch (error) {
    if (error.name !== "TransactionCanceledException") throw error;
    if (error.CancellationReasons?.[0]?.Code === "ConditionalCheckFailed") throw new Problem(409, "step_conflict");
    return false;
  }
}
