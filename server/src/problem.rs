//! Errors that a client can meet, as RFC 9457 problem details.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// What went wrong, and what to change. Its type is the registered default, `about:blank`: the
/// status says which problem it is (RFC 9457 §4.2.1), `detail` says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// What is wrong, the same for every problem of its kind.
    pub title: Cow<'static, str>,
    /// What to change.
    pub detail: Cow<'static, str>,
    /// Headers that the status calls for.
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The members of a problem's JSON.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// What is wrong.
    pub title: &'a str,
    /// The status code once more.
    pub status: u16,
    /// What to change.
    pub detail: &'a str,
}

impl Problem {
    /// The media type of problem details.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A problem with a status, what is wrong, and what to change.
    #[must_use]
    pub fn new(
        status: StatusCode,
        title: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { status, title: title.into(), detail: detail.into(), headers: Vec::new() }
    }

    /// 400, for input that cannot be used as it is.
    #[must_use]
    pub fn bad_request(title: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, title, detail)
    }

    /// The same problem, with `Retry-After` (RFC 9110 §10.2.3).
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The same problem, with a header that its status calls for.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody { title: &self.title, status: self.status.as_u16(), detail: &self.detail };
        // Strings and a number always serialise.
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (self.status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(Self::MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}
