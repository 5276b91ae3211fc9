//! The kinds of steps, one file each, in folders by what they are for. [`TYPES`] is the registry: the functions that play
//! journeys hand it to the engine.
//!
//! **Must not know**: each other, the store, or the engine beyond the handles of [`journeys::StepCx`]. A step ends with an
//! outcome, and only the document says where each outcome leads.
//!
//! **To add one more step**: one file in the folder of its kind, with its settings, its [`journeys::Step`] implementation
//! and a `TYPE`; one line in [`TYPES`]. Its [`journeys::Shape`] declares what it reads, leaves and may end with, and
//! validation does the rest.

mod ask;
mod authenticate;
mod code;
mod provision;
mod route;

use journeys::StepTypes;

/// Every kind of step there is.
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
