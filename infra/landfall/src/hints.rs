//! What to do after a login that did not succeed, by the code of its answer: for the script and for the terminal.

use domain::Code;

/// Where the log is not in sight: it knows more than the answer says.
pub const SEE_THE_LOG: &str = "The terminal where Landfall runs says why, in a line about this login.";

/// What to do about `code`, as far as the code alone says it.
pub fn next(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::InvalidCredentials => {
            "Check the e-mail and the password. An unknown, locked or disabled user gets the same answer."
        }
        Code::PasswordRefused => "Choose another new password: the provider's own page says what it must be like.",
        Code::InteractionRequired => "Sign in on the page in a browser: it can go to the provider's page.",
        Code::ProofRequired => {
            "The address belongs to an account of another provider: sign in through that one. The demo's provider is \
             another one on each port: use the port of the first login, another --data, or --reset."
        }
        Code::InvalidInput => "Fill in the form as the step asks: the answer's `fields` says which fields do not fit.",
        Code::InvalidParams => "Start the journey with the parameters that its document declares under `params`.",
        Code::TooManyAttempts => "Wait, then try again: `retry_after` says how many seconds.",
        Code::UnknownJourney | Code::ClientNotAllowed => {
            "Start a journey that is served and that the client's document names under `journeys`."
        }
        Code::UnknownClient | Code::InvalidClient => {
            "Compare `client_id` and client secret with the client's document and its secret (--clients, --secrets)."
        }
        Code::InvalidRedirectUri => "Add the address to `redirect_uris` in the client's document, to the letter.",
        Code::OriginNotAllowed => "Add the page's origin to `origins` in the client's document.",
        Code::InvalidGrant => "Start a new login: a code works once and for one minute, with its own verifier.",
        Code::UnknownSession | Code::StepConflict | Code::RedirectExpired => "Start a new login.",
        _ => return None,
    })
}
