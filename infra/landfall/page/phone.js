// The phone of the demo's user with a second factor: see phone.rs.

const [screens, status] = ["screens", "status"].map((id) => document.getElementById(id));
let last = "";

async function refresh() {
  const answer = await fetch("/page/phone.json").catch(() => null);
  status.textContent = answer?.ok ? "" : "The server does not answer.";
  const text = answer?.ok ? await answer.text() : last;
  // A screen that has not changed stays: a button keeps the focus.
  if (text !== last) screens.replaceChildren(...JSON.parse(text).map(screen));
  last = text;
  setTimeout(refresh, 1000);
}

function screen({ id, name, messages, app_code: appCode, confirms }) {
  const parts = [element("h2", {}, name)];
  if (confirms) parts.push(question(id, name));
  if (appCode) parts.push(element("p", {}, "Your authenticator app shows ", element("code", {}, appCode)));
  for (const { to, code } of messages) {
    parts.push(element("p", {}, `Message to ${to}: your code is `, element("code", {}, code)));
  }
  if (!confirms && messages.length === 0) parts.push(element("p", { class: "note" }, "No messages yet."));
  return element("section", {}, ...parts);
}

function question(id, name) {
  const done = element("span", { role: "status" });
  const reply = (what, text) => {
    const made = element("button", { type: "button", ...(what === "confirm" ? { class: "primary" } : {}) }, text);
    made.addEventListener("click", async () => {
      const answer = await fetch(`/page/phone/${id}/${what}`, { method: "POST" }).catch(() => null);
      done.textContent = answer?.ok ? "Sent." : "That did not work.";
    });
    return made;
  };
  const ask = element("p", {}, `${name} asks: is it you who signs in?`);
  return element("div", {}, ask, element("div", { class: "options" }, reply("confirm", "Yes, it is me"), reply("decline", "No")), done);
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

await refresh();
