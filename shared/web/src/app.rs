use std::fmt;
use std::sync::Arc;

use axum::extract::FromRef;
use base::Base;

/// The state of a function's routes: the service `T` that they call, and the base for every request.
pub struct App<T> {
    pub(crate) base: Arc<Base>,
    /// The service.
    pub service: Arc<T>,
}

impl<T> App<T> {
    /// The state from `base` and `service`.
    pub fn new(base: &Arc<Base>, service: impl Into<Arc<T>>) -> Self {
        Self { base: Arc::clone(base), service: service.into() }
    }
}

impl<T> Clone for App<T> {
    fn clone(&self) -> Self {
        Self::new(&self.base, Arc::clone(&self.service))
    }
}

impl<T> fmt::Debug for App<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("App")
    }
}

impl<T> FromRef<App<T>> for Arc<Base> {
    fn from_ref(app: &App<T>) -> Self {
        Arc::clone(&app.base)
    }
}
