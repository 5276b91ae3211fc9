//! All that a step may touch: [`StepCx`] while the run stands on it, [`ViewCx`] while it shows itself.
//!
//! A step reaches the engine through handles, one for each thing that it works with. The store, the keys and the session
//! itself stay behind them.

mod directory;
mod guesses;
mod provider;
mod session;
mod values;

use domain::{RequestContext, Session, Slot, StepId};

pub use self::directory::DirectoryCx;
pub(crate) use self::provider::interaction;
pub use self::provider::{ProviderCx, Usable};
pub use self::session::SessionCx;
pub use self::values::ValuesCx;
use crate::engine::{Memory, Parts};

/// All a step may touch.
pub struct StepCx<'a> {
    /// The request it runs in.
    pub request: &'a RequestContext,
    /// The same request for calls to providers: what they say has to be committed afterwards.
    pub(crate) outbound: RequestContext,
    pub(crate) parts: &'a Parts,
    pub(crate) here: &'a StepId,
    pub(crate) slot: Option<&'a Slot>,
    pub(crate) memory: &'a mut Memory,
}

impl<'a> StepCx<'a> {
    /// The id of the step itself.
    pub fn here(&self) -> &'a StepId {
        self.here
    }

    /// The session as it may be looked at.
    pub fn look(&self) -> ViewCx<'_> {
        ViewCx { request: self.request, parts: self.parts, session: &self.memory.session }
    }

    /// What earlier steps have left, and what this one leaves.
    pub fn values(&mut self) -> ValuesCx<'_, 'a> {
        ValuesCx(self)
    }

    /// Providers: calls, what they wait for, and the identities that they assert.
    pub fn provider(&mut self) -> ProviderCx<'_, 'a> {
        ProviderCx(self)
    }

    /// The company's own users.
    pub fn directory(&mut self) -> DirectoryCx<'_, 'a> {
        DirectoryCx(self)
    }

    /// The session: what the application asked for, what the client is told, and which user it is about.
    pub fn session(&mut self) -> SessionCx<'_, 'a> {
        SessionCx(self)
    }
}

/// All a step may look at to show itself.
#[derive(Clone, Copy)]
pub struct ViewCx<'a> {
    /// The request that looks.
    pub request: &'a RequestContext,
    pub(crate) parts: &'a Parts,
    pub(crate) session: &'a Session,
}
