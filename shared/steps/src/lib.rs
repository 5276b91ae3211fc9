//! The step types, one file each, in folders by purpose. [`TYPES`] is the registry, which functions pass to the engine.
//!
//! **Must not know**: each other, the store, or the engine beyond the handles of [`journeys::StepCx`]. A step ends with
//! an outcome; the document names the next step for each outcome.
//!
//! **To add one more step**: one file in the fitting folder, with its settings, its [`journeys::Step`] implementation
//! and a `TYPE`; one line in [`TYPES`]. Its [`journeys::Shape`] declares its reads, outputs and endings for validation.

mod ask;
mod authenticate;
mod code;
mod provision;
mod route;

use journeys::StepTypes;

/// All step types.
pub const TYPES: StepTypes = StepTypes(&[
    authenticate::answer_challenge::TYPE,
    authenticate::password::TYPE,
    authenticate::redirect::TYPE,
    authenticate::totp::TYPE,
    ask::choose_provider::TYPE,
    ask::collect_information::TYPE,
    route::complete::TYPE,
    route::condition::TYPE,
    provision::provision_user::TYPE,
    route::reject::TYPE,
    authenticate::send_otp::TYPE,
]);
