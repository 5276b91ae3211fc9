//! What providers send unasked.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use simulators::Delivery;

use crate::{Answer, ISSUER, TestApp};

impl TestApp {
    /// A notification of the provider to the demo's client about a user: `event` in the provider's words.
    pub fn notification(&self, event: &str, username: &str) -> Delivery {
        let sent = self.subject.notification(event, username, "landfall");
        sent.unwrap_or_else(|| panic!("{} sends no notifications", self.connector))
    }

    /// The provider sends it to the app's connector.
    pub async fn deliver(&self, delivery: &Delivery) -> Answer {
        let path = format!("/v1/connectors/{}/notifications{}", self.connector, delivery.query);
        let request = Request::post(path).header(CONTENT_TYPE, delivery.media_type);
        self.send(request.body(Body::from(delivery.body.clone())).unwrap()).await
    }

    /// The provider tells of an event about a user.
    pub async fn notify(&self, event: &str, username: &str) -> Answer {
        self.deliver(&self.notification(event, username)).await
    }

    /// A person opens an address of ours in a browser.
    pub async fn open(&self, address: &str) -> Answer {
        let path = address.strip_prefix(ISSUER).expect("an address of ours");
        self.send(Request::get(path).header(ACCEPT, "text/html,*/*;q=0.8").body(Body::empty()).unwrap()).await
    }
}
