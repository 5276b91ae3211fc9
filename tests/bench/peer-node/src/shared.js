// Landfall's password login, from start to tokens, as a team would write it for Node.js on Lambda: three handlers
// (start.js, submit.js, token.js) with AWS SDK v3 and its document client, and jose; each is one bundle, minified by
// esbuild. The bench measures it like Landfall's functions, with the same Runtime API, tables and provider.
//
// What is the same: the requests and answers, the sequential calls, the conditional writes and write units; the checks
// of the input, the client, the PKCE challenge and the provider's ID token (signature, algorithm, issuer, audience,
// azp, times); the caches (configuration 60 s, secrets 5 min, discovery and keys 1 h); tokens and codes derived by HKDF
// and stored as hashes; an ES256 ID token and access token; connections kept open.
//
// What the peer lacks, which would make it slower: documents with steps, expressions and versions (its journey is
// code); more than one provider and method; address checks, a circuit breaker, and retries of calls to the provider;
// log lines for calls (it has one per request); sealed values; and the repeated answer to a repeated submit (it refuses
// one).
import { createHash, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";

export const { LANDFALL_ISSUER: ISSUER, LANDFALL_SESSIONS_TABLE: SESSIONS } = process.env;
export const { LANDFALL_DIRECTORY_TABLE: DIRECTORY, LANDFALL_CONFIG_TABLE: CONFIG } = process.env;

export const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}), {
  marshallOptions: { removeUndefinedValues: true },
});
const secretsManager = new SecretsManagerClient({});

/** Caches the results of `read` for a time. */
export function cached(milliseconds, read) {
  const entries = new Map();
  return async (key) => {
    const entry = entries.get(key);
    if (entry && Date.now() - entry.at < milliseconds) return entry.value;
    const value = await read(key);
    entries.set(key, { value, at: Date.now() });
    return value;
  };
}

export const secret = cached(300_000, async (name) => {
  const found = await secretsManager.send(new GetSecretValueCommand({ SecretId: `landfall/${name}` }));
  return found.SecretString;
});

const config = cached(60_000, async (key) => {
  const [pk, sk] = key.split("/");
  const found = await dynamodb.send(new GetCommand({ TableName: CONFIG, Key: { pk, sk } }));
  return found.Item;
});
export const clientOf = (id) => config(`NODE#CLIENT/${id}`);
export const connectorOf = (id) => config(`NODE#CONNECTOR/${id}`);

export const sha256 = (text) => createHash("sha256").update(text).digest();
export const sameBytes = (one, other) => one.length === other.length && timingSafeEqual(one, other);
export const seconds = (milliseconds) => Math.floor(milliseconds / 1000);

export async function derive(...parts) {
  const key = Buffer.from(await secret("peer/session"), "base64url");
  return Buffer.from(hkdfSync("sha256", key, "peer/1", JSON.stringify(parts), 32)).toString("base64url");
}

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID with a prefix: 48 bits of time and 80 random bits. */
export function newId(prefix) {
  let number = BigInt(Date.now());
  for (const byte of randomBytes(10)) number = (number << 8n) | BigInt(byte);
  let text = "";
  for (let index = 0; index < 26; index++, number >>= 5n) text = ALPHABET[Number(number & 31n)] + text;
  return `${prefix}_${text}`;
}

/** An error answer. */
export class Problem extends Error {
  constructor(status, code, more = {}) {
    super(code);
    Object.assign(this, { status, code, more });
  }
}

const HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** Wraps a handler: decodes the body, adds headers, maps errors, writes one log line. */
export const served = (route, work) => async (event, context) => {
  const began = performance.now();
  const { requestId } = event.requestContext;
  let status, body, code;
  try {
    const text = event.isBase64Encoded ? Buffer.from(event.body ?? "", "base64").toString() : (event.body ?? "");
    if (text.length > 65_536) throw new Problem(413, "body_too_large");
    [status, body] = await work(event, text, context);
  } catch (error) {
    const known = error instanceof Problem ? error : new Problem(503, "try_later");
    if (known !== error) console.error(JSON.stringify({ level: "ERROR", event: "failed", requestId, error: String(error) }));
    ({ status, code } = known);
    body = { code, title: code, request_id: requestId, ...known.more };
  }
  const duration_ms = Math.round(performance.now() - began);
  console.log(JSON.stringify({ level: "INFO", event: "request", requestId, route, status, code, duration_ms }));
  return { statusCode: status, headers: { ...HEADERS, "x-request-id": requestId }, body: JSON.stringify(body) };
};

/** Parses the body as a JSON object. */
export function object(event, text) {
  if (!/^application\/json\b/.test(event.headers["content-type"] ?? "")) throw new Problem(415, "unsupported_media_type");
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Problem(400, "malformed_body");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new Problem(400, "malformed_body");
  return body;
}

/** Checks that a value is a text of at most this many characters. */
export function string(value, most, pattern = /^/) {
  if (typeof value !== "string" || value.length > most || !pattern.test(value)) throw new Problem(400, "malformed_body");
  return value;
}
