// The page at the root of `cargo run`, clicked through in Chromium.
//
//     npm install --no-audit --no-fund --no-package-lock --prefix tests/browser
//     node tests/browser/browser.mjs http://127.0.0.1:8787 http://127.0.0.1:8788 http://127.0.0.1:8789 phone [folder for screenshots]
//
// The second address is of a server with the connectors of `failing.yaml`, whose `{first}` is the first address; the third
// of one with `--demo all`. For `desktop`, give all servers other data: attempts at Ada's account are counted.
//
// A test has visitors, each with a browser of their own. It fails if the browser of one reports an error or a warning
// on the console, or a request that failed, or if `accessibility.mjs` finds something on a page.

import { after, test } from "node:test";

import { everyProvider } from "./every-provider.mjs";
import { failures } from "./failures.mjs";
import { otherViews } from "./other-views.mjs";
import { passwordJourney } from "./password-journey.mjs";
import { redirectJourney } from "./redirect-journey.mjs";
import { Stage } from "./stage.mjs";

const DEVICES = {
  phone: { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, colorScheme: "dark" },
  desktop: { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
};

const [base, failing, all, name, screenshots] = process.argv.slice(2);
const device = DEVICES[name];
if (![base, failing, all].every((address) => URL.canParse(address)) || !device) {
  console.error("usage: node browser.mjs <base-url> <base-url of failing connectors> <base-url of --demo all> phone|desktop [folder]");
  process.exit(2);
}

const stage = await Stage.open(screenshots);
after(() => stage.close());

test(`on a ${name}`, async (t) => {
  const at = (origin) => (title, play) => t.test(title, () => stage.play(new URL(origin).origin, name, device, play));
  await passwordJourney(at(base));
  await redirectJourney(at(base));
  await otherViews(at(base));
  await failures(at(base), at(failing));
  await everyProvider(at(all));
});
