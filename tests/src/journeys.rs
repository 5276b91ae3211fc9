//! Journeys, step by step. What a step ends with beside its success leads to `no_access`, or back to its form where an
//! answer may be given again.

/// A journey of these steps, which starts with `ask`. `done` completes it where a step leads there, `no_access` rejects.
pub fn journey(id: &str, steps: &[String]) -> String {
    let steps = steps.concat();
    let head = format!("format: 1\nid: {id}\nparams: {{ plan: {{ type: string }} }}\nstart: ask\nsteps:\n");
    let done = if steps.contains(": done") { "  done: { type: complete }\n" } else { "" };
    format!("{head}{steps}{done}  no_access: {{ type: reject, with: {{ code: access_denied }} }}\n")
}

/// Asks for these fields.
pub fn form(id: &str, fields: &[&str], submitted: &str) -> String {
    let field = |name: &&str| {
        let (kind, label, required) = match *name {
            "otp" => ("code", "code", false),
            "nickname" => ("text", "name", true),
            name => (name, name, true),
        };
        format!("{{ name: {name}, type: {kind}, label: field.{label}, required: {required} }}")
    };
    let fields: Vec<_> = fields.iter().map(field).collect();
    let next = format!("submitted: {submitted}, cancelled: no_access");
    step(id, "collect_information", "", &format!("fields: [{}]", fields.join(", ")), &next)
}

/// Checks the e-mail and password of a form with a connector, and leaves who it is in `slot`.
pub fn password(id: &str, connector: &str, form: &str, slot: &str, authenticated: &str) -> String {
    let with = format!("connector: {connector}, username: \"${{{form}.email}}\", password: \"${{{form}.password}}\"");
    let next =
        format!("authenticated: {authenticated}, challenged: no_access, rejected: {form}, unavailable: no_access");
    step(id, "authenticate_password", slot, &with, &next)
}

/// Checks the e-mail and the code of a form, likewise.
pub fn app_code(id: &str, connector: &str, form: &str, slot: &str, authenticated: &str) -> String {
    let password = password(id, connector, form, slot, authenticated);
    password
        .replace("authenticate_password", "authenticate_totp")
        .replace(&format!("password: \"${{{form}.password}}\""), &format!("code: \"${{{form}.code}}\""))
}

/// Sends the browser to the provider's own page.
pub fn redirect(id: &str, connector: &str, slot: &str, authenticated: &str) -> String {
    step(id, "authenticate_redirect", slot, &format!("connector: {connector}"), &back_to_ask(authenticated))
}

/// Has the provider send a code by mail.
pub fn send_code(id: &str, connector: &str, to: &str, challenged: &str) -> String {
    let with = format!("connector: {connector}, channel: email, to: \"{to}\"");
    let next = format!("challenged: {challenged}, rejected: ask, unavailable: no_access");
    step(id, "send_otp", "", &with, &next)
}

/// Asks for the code that the provider of step `of` asks for.
pub fn answer_challenge(id: &str, of: &str, slot: &str, authenticated: &str) -> String {
    step(id, "answer_challenge", slot, &format!("of: {of}"), &back_to_ask(authenticated))
}

/// Finds or creates the user of an identity.
pub fn provision(id: &str, identity: &str, found: &str) -> String {
    let next = format!(
        "created: {found}, linked: {found}, recognised: {found}, proof_required: no_access, refused: no_access"
    );
    step(id, "provision_user", "", &format!("identity: {identity}"), &next)
}

fn back_to_ask(authenticated: &str) -> String {
    format!("authenticated: {authenticated}, rejected: ask, unavailable: no_access, cancelled: no_access")
}

fn step(id: &str, kind: &str, slot: &str, with: &str, next: &str) -> String {
    let slot = if slot.is_empty() { String::new() } else { format!("    as: {slot}\n") };
    format!("  {id}:\n    type: {kind}\n    with: {{ {with} }}\n{slot}    next: {{ {next} }}\n")
}
