// Writes the application and the connector for the handlers, and prints their secrets. Usage: node seed.js ISSUER
// CLIENT_ID REDIRECT_URI
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";

const [issuer, client_id, redirect_uri] = process.argv.slice(2);
const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}));
const put = (Item) => dynamodb.send(new PutCommand({ TableName: process.env.LANDFALL_CONFIG_TABLE, Item }));

await put({
  pk: "NODE#CLIENT", sk: "demo", v: 1, first_party: true, direct_api: "public",
  journeys: ["migrate-from-keycloak"], origins: ["https://demo.example"], redirect_uris: [redirect_uri],
});
await put({ pk: "NODE#CONNECTOR", sk: "keycloak", v: 1, issuer, client_id, secret: "keycloak" });

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signing = privateKey.export({ type: "pkcs8", format: "pem" });
console.log(JSON.stringify({ "peer/signing": signing, "peer/session": randomBytes(32).toString("base64url") }));
