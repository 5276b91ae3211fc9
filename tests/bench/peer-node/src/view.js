// Views for the client.

const field = (name, type, autocomplete) => ({
  name,
  type,
  label: { id: `field.${name}`, text: name === "email" ? "E-mail" : "Password" },
  required: true,
  autocomplete,
});

const head = ({ id, turn, expires_at, status }) => ({
  session: id,
  turn,
  expires_at: new Date(expires_at * 1000).toISOString(),
  status,
});

/** The form, with the error if it is shown again. */
export const form = (session, error) => ({
  ...head(session),
  step: {
    id: "ask",
    type: "collect_information",
    data: { fields: [field("email", "email", "username"), field("password", "password", "current-password")] },
    options: [
      { id: "submit", kind: "client_input" },
      { id: "cancel", kind: "cancel" },
    ],
    error: error && { code: error },
  },
});

export const completed = (session, code) => ({
  ...head(session),
  completion: { type: "code", code, redirect_uri: session.request.redirect_uri },
});

export const rejected = (session, code) => ({ ...head(session), rejection: { code } });
