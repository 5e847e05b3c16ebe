//! Which pages may use the API: the server's own, those on this machine, and those that were allowed
//! by a flag.
//!
//! A browser sends any page's request anywhere and only then asks whether the page may see the
//! answer. That protects what is read, but not what is changed or held, and a WebSocket is not
//! asked about at all (RFC 6455 §10.2). So those are refused here.

use std::fmt;
use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::host::{host_of, is_loopback};
use crate::{AppState, Problem};

/// Where a page comes from: scheme, host and port (RFC 6454).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// What is no origin of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOrigin;

impl fmt::Display for BadOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an origin is http:// or https://, a host and perhaps a port, and nothing after it")
    }
}

impl std::error::Error for BadOrigin {}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(BadOrigin)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(BadOrigin),
        };
        let authority: Authority = authority.parse().map_err(|_| BadOrigin)?;
        let host = host_of(&authority).ok_or(BadOrigin)?;
        let port = authority.port().map_or(Ok(scheme.default_port()), |port| port.as_str().parse());
        Ok(Self { scheme, host, port: port.map_err(|_| BadOrigin)? })
    }
}

impl Origin {
    /// Whether it is the server's own. Which scheme it has is the proxy's business, if there is one.
    fn is_at(&self, host: &Authority) -> bool {
        let port = host.port_u16().unwrap_or(self.scheme.default_port());
        host_of(host).as_ref() == Some(&self.host) && port == self.port
    }
}

/// Who asks, as far as the browser says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Caller {
    /// No browser, or a page that needs no permission to ask this.
    Unnamed,
    /// A page that may.
    Allowed(HeaderValue),
    /// A page that may not, or one that hides where it comes from.
    Stranger,
}

impl Caller {
    // ANCHOR: check
    fn of(headers: &HeaderMap, uri: &Uri, allowed: &[Origin]) -> Self {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let (Some(value), None) = (origins.next(), origins.next()) else {
            // An `<img>` names no origin, but the browser says that it stands on another site.
            let cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
            let named = headers.contains_key(header::ORIGIN);
            return if cross_site || named { Self::Stranger } else { Self::Unnamed };
        };
        // `null` is no origin: sandboxed frames and files share it.
        let Some(origin) = value.to_str().ok().and_then(|text| text.parse::<Origin>().ok()) else {
            return Self::Stranger;
        };
        let own = crate::host::authority(headers, uri).is_some_and(|host| origin.is_at(&host));
        if own || is_loopback(&origin.host) || allowed.contains(&origin) {
            Self::Allowed(value.clone())
        } else {
            Self::Stranger
        }
    }
    // ANCHOR_END: check
}

/// Middleware around the API: refuses what a stranger's page may not do, answers preflights, and
/// lets pages that may see the answer.
pub async fn guard(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let (method, headers) = (request.method(), request.headers());
    let caller = Caller::of(headers, request.uri(), &app.config.allow_origin);
    let preflight = *method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let opens_socket = headers.contains_key(header::UPGRADE);

    let mut response = match &caller {
        Caller::Stranger if changes || opens_socket || preflight => refused(),
        Caller::Allowed(_) if preflight => preflight_answer(),
        _ => next.run(mark(request, &caller)).await,
    };
    show(&mut response, caller);
    response
}

/// Middleware: pages that may see answers see those too that were given on the way to [`guard`].
pub async fn expose(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let caller = Caller::of(request.headers(), request.uri(), &app.config.allow_origin);
    let mut response = next.run(request).await;
    if !response.headers().contains_key(header::VARY) {
        show(&mut response, caller);
    }
    response
}

/// Lets the caller's page see the answer, if it may.
fn show(response: &mut Response, caller: Caller) {
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Caller::Allowed(origin) = caller {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = HeaderValue::from_static("ETag, Retry-After");
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
}

/// Middleware around what the server holds open without a socket: no stranger's page may tie up a
/// connection.
pub async fn guard_held(request: Request, next: Next) -> Response {
    if request.extensions().get::<IsStranger>().is_some() && request.method() == Method::GET {
        return refused();
    }
    next.run(request).await
}

/// Stands in the extensions of a stranger's request.
#[derive(Clone, Copy)]
struct IsStranger;

fn mark(mut request: Request, caller: &Caller) -> Request {
    if *caller == Caller::Stranger {
        request.extensions_mut().insert(IsStranger);
    }
    request
}

fn refused() -> Response {
    let detail = "Pages of this origin may not do this here. Open the book from this server, or start the \
                  server with `--allow-origin` and the page's origin.";
    Problem::new(StatusCode::FORBIDDEN, "Origin not allowed", detail).into_response()
}

/// What the page may ask. Not whether there is anything there: the request itself is told that.
fn preflight_answer() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST, PUT, PATCH, DELETE"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, If-None-Match, Last-Event-ID"),
        // A day: Firefox keeps an answer no longer, Chromium two hours.
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(headers: &[(&'static str, &'static str)]) -> Caller {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse::<header::HeaderName>().unwrap(), HeaderValue::from_static(value))
        });
        Caller::of(
            &headers.collect(),
            &Uri::from_static("/api/health"),
            &["https://book.example".parse().unwrap()],
        )
    }

    fn from(origin: &'static str) -> Caller {
        caller(&[("host", "192.168.1.7:3000"), ("origin", origin)])
    }

    #[test]
    fn own_loopback_and_allowed_origins_may() {
        for origin in [
            "http://192.168.1.7:3000",
            "https://192.168.1.7:3000",
            "http://localhost:3001",
            "http://LOCALHOST",
            "http://127.0.0.1:8000",
            "http://127.9.9.9",
            "http://[::1]:3000",
            "https://book.example",
            "https://book.example:443",
        ] {
            assert!(matches!(from(origin), Caller::Allowed(_)), "{origin}");
        }
    }

    #[test]
    fn every_other_origin_is_a_stranger() {
        for origin in [
            "null",
            "",
            "http://192.168.1.7",
            "http://192.168.1.7:3001",
            "http://192.168.1.8:3000",
            "http://book.example",
            "https://book.example:8443",
            "https://www.book.example",
            "https://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "file://",
            "http://localhost:3000/",
            "http://localhost@evil.example",
            "chrome-extension://abc",
        ] {
            assert_eq!(from(origin), Caller::Stranger, "{origin}");
        }
    }

    #[test]
    fn a_request_that_hides_its_origin_counts_as_a_strangers_only_across_sites() {
        assert_eq!(caller(&[("host", "localhost:3000")]), Caller::Unnamed);
        for site in ["none", "same-origin", "same-site"] {
            assert_eq!(caller(&[("host", "localhost:3000"), ("sec-fetch-site", site)]), Caller::Unnamed);
        }
        let across = caller(&[("host", "localhost:3000"), ("sec-fetch-site", "cross-site")]);
        assert_eq!(across, Caller::Stranger);
    }

    #[test]
    fn two_origins_are_none_of_ours() {
        let twice = [("origin", "http://localhost"), ("origin", "http://localhost")];
        assert_eq!(caller(&twice), Caller::Stranger);
    }
}
