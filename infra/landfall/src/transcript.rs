//! A whole login with sh, curl and sed, to run and to read: what an application and its user send.

use std::fmt;
use std::path::Path;

use domain::{Code, Entropy, JourneyDocument, StepId};
use serde_json::Value;
use tokens::grants::challenge_of;

use crate::demo::{self, DemoUser};
use crate::hints;

/// A login of one user through one journey.
#[derive(Debug)]
pub struct Transcript<'a> {
    /// Where Landfall's routes are.
    pub base: &'a str,
    /// Where its page is.
    pub page: &'a str,
    /// Through which journey.
    pub journey: &'a JourneyDocument,
    /// What its first step asks for.
    pub form: Form<'a>,
    /// The user, unless the environment names one. Without one, the script asks.
    pub user: Option<DemoUser>,
    /// The `landfall` command.
    pub command: &'a Path,
    /// For the key and the verifier, which a client makes anew for each login.
    pub entropy: &'a dyn Entropy,
}

/// A form that asks for a name and a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form<'a> {
    step: &'a StepId,
    name: &'a str,
    password: &'a str,
}

impl<'a> Form<'a> {
    /// The form that `journey` starts with, if it asks for a name and a password and for nothing else.
    pub fn of(journey: &'a JourneyDocument) -> Option<Self> {
        let step = journey.steps.get(&journey.start).filter(|step| step.kind == "collect_information")?;
        let fields = step.with.as_ref()?.get("fields")?.as_array()?;
        let name_of = |kinds: &[&str]| {
            let field = fields.iter().find(|field| kinds.iter().any(|kind| field["type"] == **kind))?;
            field["name"].as_str()
        };
        let (name, password) = (name_of(&["email", "text"])?, name_of(&["password"])?);
        (fields.len() == 2).then_some(Self { step: &journey.start, name, password })
    }
}

impl fmt::Display for Transcript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, page, journey, form, user, command, entropy } = self;
        let Form { step, name, password } = form;
        let verifier = hex(&entropy.bytes::<32>());
        let (challenge, key) = (challenge_of(&verifier), hex(&entropy.bytes::<16>()));
        let (client, redirect_uri, journey_id) = (demo::CLIENT_ID, demo::REDIRECT_URI, &journey.id);
        let params = match demo::params(journey) {
            params if params.is_empty() => String::new(),
            params => format!(",\n  \"params\": {}", Value::Object(params)),
        };
        let who = match user {
            Some(DemoUser { email, password }) => format!(
                "LANDFALL_EMAIL=\"${{LANDFALL_EMAIL-{email}}}\"\nLANDFALL_PASSWORD=\"${{LANDFALL_PASSWORD-{password}}}\"\n"
            ),
            None => ASK.to_owned(),
        };
        let command = quoted(&command.display().to_string());
        let codes: String = Code::ALL.iter().copied().filter_map(case).collect();
        let usual = quoted(hints::SEE_THE_LOG);
        write!(
            f,
            r#"# One login through the journey {journey_id}, call by call: what an application and its user send.
# Needs sh, curl and sed. LANDFALL_EMAIL and LANDFALL_PASSWORD say who signs in, if they are set.
base={base}
{who}
# `member NAME` reads one text of a JSON answer, `text` writes one.
member() {{ sed -nE 's/.*"'"$1"'":"([^"]*)".*/\1/p'; }}
text() {{ printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }}

# Ends: the login has failed with this answer. Its code is the answer's own, `step.error`'s or `rejection`'s.
fail() {{
  code=$(printf '%s' "$1" | sed -nE 's/^(\{{|.*"(error|rejection)":\{{)"(code|error)":"([^"]*)".*/\4/p')
  title=$(printf '%s' "$1" | sed -nE 's/.*"(title|error_description)":"([^"]*)".*/\2/p')
  next={usual}
  case ${{code:-$(printf '%s' "$1" | member status)}} in
    input_required) title='The provider asks for more than a password' next='Sign in at {page} in a browser.' ;;
    redirect) title='The provider wants to be visited in a browser' next='Sign in at {page} in a browser.' ;;
{codes}    '') title="There is no answer from $base" next='See whether Landfall still runs there, and start it again.'
      [ -z "$1" ] || title="Another program answers at $base" next='Start Landfall on a free port (--port), and run the new script.' ;;
  esac
  printf 'The login failed: %s (%s).\n%s\n' "$title" "${{code:-no code}}" "$next" >&2
  [ -z "$1" ] || printf 'The answer: %s\n' "$1" >&2
  exit 1
}}

# 1. The application starts the journey.
view=$(curl -sS "$base/v1/journeys/{journey_id}/start" -H 'content-type: application/json' -d '{{
  "request": {{ "client_id": "{client}", "redirect_uri": "{redirect_uri}", "scope": "openid profile email",
               "code_challenge": "{challenge}", "code_challenge_method": "S256" }}{params} }}')
session=$(printf '%s' "$view" | member session)
token=$(printf '%s' "$view" | member session_token)
[ -n "$token" ] || fail "$view"

# 2. The user answers its form. Landfall checks the password with the old provider, and creates or recognises the user.
view=$(curl -sS "$base/v1/sessions/$session/steps/{step}" -H "authorization: Bearer $token" \
  -H 'content-type: application/json' -d '{{
  "turn": 1, "key": "{key}", "option": "submit",
  "data": {{ "{name}": '"$(text "$LANDFALL_EMAIL")"', "{password}": '"$(text "$LANDFALL_PASSWORD")"' }} }}')
code=$(printf '%s' "$view" | sed -nE 's/.*"completion":\{{[^}}]*"code":"([^"]*)".*/\1/p')
[ -n "$code" ] || fail "$view"
printf 'Landfall has signed the user in. Its answer:\n%s\n' "$view"

# 3. The application redeems the code for tokens, and verifies the ID token.
tokens=$(curl -sS "$base/oauth2/token" -d grant_type=authorization_code -d client_id={client} \
  -d "code=$code" -d redirect_uri={redirect_uri} -d code_verifier={verifier})
id_token=$(printf '%s' "$tokens" | member id_token)
[ -n "$id_token" ] || fail "$tokens"
printf 'The claims of the ID token, which is verified:\n'
{command} verify --issuer "$base" "$id_token"
"#
        )
    }
}

/// What the script says of a code. A problem document has its title with it; a view has the code alone.
fn case(code: Code) -> Option<String> {
    let mut words = Vec::new();
    if code.status() == 200 {
        words.push(format!("title={}", quoted(code.title())));
    }
    let is_of_a_login = code.status() == 200 || matches!(code, Code::InvalidInput | Code::TooManyAttempts);
    if let Some(next) = hints::next(code).filter(|_| is_of_a_login) {
        words.push(format!("next={}", quoted(next)));
    }
    (!words.is_empty()).then(|| format!("    {code}) {} ;;\n", words.join(" ")))
}

/// Asks for the user: on a terminal without showing the password.
const ASK: &str = r#"unanswered() {
  printf '\nNothing was entered: run this in a terminal, or set LANDFALL_EMAIL and LANDFALL_PASSWORD.\n' >&2
  exit 1
}
if [ -z "${LANDFALL_EMAIL+set}" ]; then
  printf 'E-mail: ' >&2
  IFS= read -r LANDFALL_EMAIL || unanswered
fi
if [ -z "${LANDFALL_PASSWORD+set}" ]; then
  printf 'Password: ' >&2
  if [ -t 0 ]; then
    trap 'stty echo' EXIT
    trap 'exit 130' INT TERM
    stty -echo
  fi
  IFS= read -r LANDFALL_PASSWORD || unanswered
  [ ! -t 0 ] || { stty echo; echo >&2; }
fi
"#;

/// The text as one word of a shell.
pub fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:".contains(&byte);
    match text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
