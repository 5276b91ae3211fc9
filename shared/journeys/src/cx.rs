//! The interface of the engine for steps: [`StepCx`] to run, [`ViewCx`] to render.
//!
//! A step uses the engine through handles, one per topic. The store, the keys and the session itself are not
//! accessible.

mod directory;
mod first_only;
mod guesses;
mod provider;
mod session;
mod values;

use domain::{RequestContext, Session, Slot, StepId};

pub use self::directory::DirectoryCx;
pub(crate) use self::first_only::KeptFor;
pub(crate) use self::provider::interaction;
pub use self::provider::{ProviderCx, Usable};
pub use self::session::SessionCx;
pub use self::values::ValuesCx;
use crate::engine::{Memory, Parts};

/// The engine's interface for a running step.
pub struct StepCx<'a> {
    /// The request.
    pub request: &'a RequestContext,
    /// The request with less time, for calls to providers: the rest is for the commit.
    pub(crate) outbound: RequestContext,
    pub(crate) parts: &'a Parts,
    pub(crate) here: &'a StepId,
    pub(crate) slot: Option<&'a Slot>,
    pub(crate) memory: &'a mut Memory,
}

impl<'a> StepCx<'a> {
    /// The id of the step.
    pub fn here(&self) -> &'a StepId {
        self.here
    }

    /// Read access to the session.
    pub fn look(&self) -> ViewCx<'_> {
        ViewCx { request: self.request, parts: self.parts, session: &self.memory.session }
    }

    /// Values of earlier steps, and the outputs of this one.
    pub fn values(&mut self) -> ValuesCx<'_, 'a> {
        ValuesCx(self)
    }

    /// Providers: calls, open interactions and asserted identities.
    pub fn provider(&mut self) -> ProviderCx<'_, 'a> {
        ProviderCx(self)
    }

    /// The company's users.
    pub fn directory(&mut self) -> DirectoryCx<'_, 'a> {
        DirectoryCx(self)
    }

    /// The session: the application's request, the error for the client, and the user.
    pub fn session(&mut self) -> SessionCx<'_, 'a> {
        SessionCx(self)
    }
}

/// The engine's interface for rendering a step.
#[derive(Clone, Copy)]
pub struct ViewCx<'a> {
    /// The request.
    pub request: &'a RequestContext,
    pub(crate) parts: &'a Parts,
    pub(crate) session: &'a Session,
}
