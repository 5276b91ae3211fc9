//! What is printed for a newcomer to paste: a whole login with sh, curl and sed.

use std::fmt;

use domain::{Entropy, JourneyId};
use tokens::grants::challenge_of;

use crate::demo::{self, DemoUser};

/// Lines between which a script finds what to paste.
pub const BEGIN: &str = "# ---- paste from here";
/// See [`BEGIN`].
pub const END: &str = "# ---- to here";

/// A login of one user through one journey.
#[derive(Debug)]
pub struct Transcript<'a> {
    /// Where Landfall is.
    pub base: &'a str,
    /// Through which journey.
    pub journey: &'a JourneyId,
    /// Of whom; `None` leaves blanks to be filled in.
    pub user: Option<DemoUser>,
    /// For the key and the verifier, which a client makes anew for each login.
    pub entropy: &'a dyn Entropy,
}

impl fmt::Display for Transcript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { base, journey, user, entropy } = self;
        let DemoUser { email, password } = user.unwrap_or(DemoUser { email: "", password: "" });
        let verifier = hex(&entropy.bytes::<32>());
        let (challenge, key) = (challenge_of(&verifier), hex(&entropy.bytes::<16>()));
        let (client, redirect_uri) = (demo::CLIENT_ID, demo::REDIRECT_URI);
        write!(
            f,
            r#"{BEGIN}
# In single quotes; a quote inside them is written '\''.
email='{email}'
password='{password}'

# An application starts the journey. `member NAME` reads one member of a JSON answer, `text` writes a JSON string.
member() {{ sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }}
text() {{ printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }}
view=$(curl -sS {base}/v1/journeys/{journey}/start -H 'content-type: application/json' -d '{{
  "request": {{ "client_id": "{client}", "redirect_uri": "{redirect_uri}", "scope": "openid profile email",
               "code_challenge": "{challenge}", "code_challenge_method": "S256" }},
  "params": {{ "plan": "gold" }} }}')
session=$(printf '%s' "$view" | member session)
token=$(printf '%s' "$view" | member session_token)

# The user answers its form. The password is checked with the old provider; the user is provisioned.
view=$(curl -sS {base}/v1/sessions/$session/steps/ask -H "authorization: Bearer $token" \
  -H 'content-type: application/json' -d '{{
  "turn": 1, "key": "{key}", "option": "submit",
  "data": {{ "email": '"$(text "$email")"', "password": '"$(text "$password")"' }} }}')
printf '%s\n' "$view"
code=$(printf '%s' "$view" | member code)

# The application redeems the code for tokens, and verifies the ID token.
if [ -n "$code" ]; then
  tokens=$(curl -sS {base}/oauth2/token -d grant_type=authorization_code -d client_id={client} \
    -d "code=$code" -d redirect_uri={redirect_uri} -d code_verifier={verifier})
  cargo run -q -- verify --issuer {base} "$(printf '%s' "$tokens" | member id_token)"
else
  echo 'The login did not succeed: the answer above says why.' >&2
fi
{END}"#
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
