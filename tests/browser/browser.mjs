// The page at the root of `cargo run`, clicked through in Chromium.
//
//     npm install --no-audit --no-fund --no-package-lock --prefix tests/browser
//     node tests/browser/browser.mjs http://127.0.0.1:8787 phone [folder for screenshots]
//
// And for `desktop`, at a server with other data: attempts at Ada's account are counted.
//
// Every scene has visitors, each with a browser of their own. A scene fails if one of these complains: about an error
// or warning on the console, a request that failed, a page that scrolls sideways or cannot be used by everybody.

import { after, test } from "node:test";

import { otherViews } from "./other-views.mjs";
import { passwordJourney } from "./password-journey.mjs";
import { redirectJourney } from "./redirect-journey.mjs";
import { Stage } from "./stage.mjs";

const DEVICES = {
  phone: { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true, colorScheme: "dark" },
  desktop: { viewport: { width: 1280, height: 800 }, colorScheme: "light" },
};

const [base, name, screenshots] = process.argv.slice(2);
const device = DEVICES[name];
if (!base || !URL.canParse(base) || !device) {
  console.error("usage: node browser.mjs <base-url> phone|desktop [folder for screenshots]");
  process.exit(2);
}

const stage = await Stage.open(new URL(base).origin, screenshots);
after(() => stage.close());

test(`on a ${name}`, async (t) => {
  const scene = (title, play) => t.test(title, () => stage.play(name, device, play));
  await passwordJourney(scene);
  await redirectJourney(scene);
  await otherViews(scene);
});
