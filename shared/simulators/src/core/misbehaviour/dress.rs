//! Status, media type and encoding of an answer, which must not change how it is read.

use std::io::Write;

use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::core::wire::Reply;

/// How a right answer is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dress {
    status: Option<StatusCode>,
    media_type: Option<Option<String>>,
    has_bom: bool,
    is_zipped: bool,
}

impl Dress {
    /// Under another status.
    pub fn status(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    /// As another media type.
    pub fn media_type(self, media_type: &str) -> Self {
        Self { media_type: Some(Some(media_type.into())), ..self }
    }

    /// Without `Content-Type`.
    pub fn untyped(self) -> Self {
        Self { media_type: Some(None), ..self }
    }

    /// After a byte order mark.
    pub fn bom(self) -> Self {
        Self { has_bom: true, ..self }
    }

    /// Gzipped, asked for or not.
    pub fn gzip(self) -> Self {
        Self { is_zipped: true, ..self }
    }

    pub(super) fn put_on(&self, reply: &mut Reply) {
        if let Some(status) = self.status {
            reply.status = status;
        }
        if let Some(media_type) = &self.media_type {
            reply.replace_header(CONTENT_TYPE, media_type.clone());
        }
        if self.has_bom {
            reply.body.splice(..0, *b"\xef\xbb\xbf");
        }
        if self.is_zipped {
            let mut zipped = GzEncoder::new(Vec::new(), Compression::best());
            if let Ok(body) = zipped.write_all(&reply.body).and_then(|()| zipped.finish()) {
                reply.body = body;
                reply.replace_header(CONTENT_ENCODING, Some("gzip".into()));
            }
        }
    }
}
