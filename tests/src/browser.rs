//! A browser comes back to our callback.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use simulators::Return;

use crate::{Answer, TestApp};

impl TestApp {
    /// A browser comes back to our callback.
    pub async fn arrive(&self, back: &Return) -> Answer {
        let request = match &back.form {
            None => Request::get(&back.path).body(Body::empty()),
            Some(form) => Request::post(&back.path)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form.clone())),
        };
        self.send(request.unwrap()).await
    }
}
