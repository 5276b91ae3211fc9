// A minimal Node.js runtime for Lambda: polls the Runtime API for events and passes them to the handler.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html Usage: node bootstrap.js HANDLER.cjs
import http from "node:http";
import { createRequire } from "node:module";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, agent, method, path: `/2018-06-01/runtime/${path}` }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const { init, handler } = createRequire(import.meta.url)(process.argv[2]);
await init();
for (;;) {
  const { headers, body } = await call("GET", "invocation/next");
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const context = { getRemainingTimeInMillis: () => deadline - Date.now() };
  const answer = await handler(JSON.parse(body), context);
  await call("POST", `invocation/${headers["lambda-runtime-aws-request-id"]}/response`, JSON.stringify(answer));
}
