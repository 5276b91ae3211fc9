// npm's oidc-provider, with the accounts and clients of the interop suite. Each of ISSUERS is a provider of its own, at a
// path of the same name; its pages are oidc-provider's devInteractions, which take any password.
//
// Usage: node server.mjs PORT. It prints where it listens. POST /{issuer}/test/rotate has an issuer sign with new keys from
// then on; the old ones stay published.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

// What differs between the issuers: whether the claims of a scope are to be had from userinfo alone (OIDC Core 5.4).
const ISSUERS = { full: false, lean: true, rotating: false };

const ACCOUNTS = {
  ada: { email: 'ada@example.org', email_verified: true, name: 'Ada Lovelace', given_name: 'Ada', family_name: 'Lovelace' },
  grace: { email: 'grace@example.org', email_verified: false, name: 'Grace Hopper' },
};

const client = (id, registration) => ({
  client_id: id,
  client_secret: 'interop-client-secret',
  token_endpoint_auth_method: 'client_secret_post',
  redirect_uris: ['https://id.example.com/v1/callback/certified'],
  ...registration,
});

const CLIENTS = [
  client('post', {}),
  // All that may go wrong when the halves of Basic credentials are not form-urlencoded first (RFC 6749 section 2.3.1).
  client('basic', { token_endpoint_auth_method: 'client_secret_basic', client_secret: 'a+b%20c:d/e&f=g' }),
  client('public', { token_endpoint_auth_method: 'none', client_secret: undefined }),
  client('es256', { id_token_signed_response_alg: 'ES256' }),
  client('eddsa', { id_token_signed_response_alg: 'EdDSA' }),
  client('signed-userinfo', { userinfo_signed_response_alg: 'ES256' }),
];

const generate = (type, options, alg) => {
  // Not exported from a KeyObject: Node 20 now and then waits for ever there, when it collects garbage meanwhile.
  const jwk = { format: 'jwk' };
  const { privateKey } = generateKeyPairSync(type, { ...options, publicKeyEncoding: jwk, privateKeyEncoding: jwk });
  return { ...privateKey, use: 'sig', alg };
};
const newKeys = () => [
  generate('rsa', { modulusLength: 2048 }, 'RS256'),
  generate('ec', { namedCurve: 'P-256' }, 'ES256'),
  generate('ed25519', {}, 'EdDSA'),
];

// By issuer. Of keys the newest come first: they sign.
const keys = {};
const adapters = {};
const handlers = {};
const cookies = { keys: [randomBytes(32).toString('hex')] };

// A Provider takes its keys once. What another of the same issuer has handed out is good with it too.
const handle = (issuer) => {
  adapters[issuer] ??= createMemoryAdapter();
  const provider = new Provider(`${base}/${issuer}`, {
    adapter: adapters[issuer],
    clients: CLIENTS,
    claims: { email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name'] },
    conformIdTokenClaims: ISSUERS[issuer],
    cookies,
    features: { jwtUserinfo: { enabled: true } },
    findAccount: (_, id) => ACCOUNTS[id] && { accountId: id, claims: () => ({ sub: id, ...ACCOUNTS[id] }) },
    jwks: { keys: keys[issuer] },
    pkce: { required: () => true },
  });
  provider.on('server_error', (_, error) => console.error(error));
  handlers[issuer] = provider.callback();
};

const rotate = (issuer) => {
  keys[issuer] = [...newKeys(), ...(keys[issuer] ?? [])];
  handle(issuer);
};

const server = createServer((request, response) => {
  const [, issuer] = request.url.split('/');
  if (!Object.hasOwn(handlers, issuer)) {
    response.writeHead(404).end();
  } else if (request.method === 'POST' && request.url === `/${issuer}/test/rotate`) {
    rotate(issuer);
    response.writeHead(204).end();
  } else {
    // As oidc-provider wants to be mounted: it takes its own path from the difference.
    request.originalUrl = request.url;
    request.url = request.url.slice(issuer.length + 1) || '/';
    handlers[issuer](request, response);
  }
});

let base;
server.listen(Number(process.argv[2]), '127.0.0.1', () => {
  base = `http://127.0.0.1:${server.address().port}`;
  Object.keys(ISSUERS).forEach(rotate);
  console.log(`Listening on: ${base}`);
});
