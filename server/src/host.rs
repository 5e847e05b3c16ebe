//! Which names the server answers to.
//!
//! A page can have its own name resolve to this machine's address (DNS rebinding), and is then of
//! the same origin as the server. What it can't do is to change the name in `Host`. Addresses can't
//! be rebound, and no one else can hold `localhost`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, Version, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::{AppState, Problem};

/// Middleware around everything: 421 (RFC 9110 §15.5.20) for a host that this server is not.
pub async fn check(State(app): State<AppState>, request: Request, next: Next) -> Response {
    match examine(request.headers(), request.uri(), request.version(), &app.config.allow_host) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn examine(headers: &HeaderMap, uri: &Uri, version: Version, allowed: &[String]) -> Result<(), Problem> {
    let bad = |detail| Err(Problem::bad_request("Bad Host", detail));
    // RFC 9112 §3.2: 400 for none, more than one, or what is no host.
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_11 => return bad("Send a `Host` header."),
        (_, Some(_)) => return bad("Send `Host` once."),
        _ => {}
    }
    // An empty one is allowed where there is no name to send, and names nothing that we are.
    let empty = headers.get(header::HOST).is_some_and(HeaderValue::is_empty);
    let Some(authority) = authority(headers, uri) else {
        let none = empty || !headers.contains_key(header::HOST);
        return if none { Err(misdirected()) } else { bad("Send `Host` as a name or address and a port.") };
    };
    match host_of(&authority) {
        Some(host) if is_ours(&host, allowed) => Ok(()),
        _ => Err(misdirected()),
    }
}

fn misdirected() -> Problem {
    let detail = "This server answers to its IP address and to `localhost`. To use another name, start it with \
                  `--allow-host` and that name.";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "Unknown host", detail)
}

fn is_ours(host: &str, allowed: &[String]) -> bool {
    host == "localhost" || ip(host).is_some() || allowed.iter().any(|name| name == host)
}

/// What the request is addressed to: the target's own authority wins over `Host` (RFC 9112 §3.2.2).
pub(crate) fn authority(headers: &HeaderMap, uri: &Uri) -> Option<Authority> {
    if let Some(authority) = uri.authority() {
        return Some(authority.clone());
    }
    headers.get(header::HOST)?.to_str().ok()?.parse().ok()
}

/// The host without its port, in lower case. `None` where there is more in it than that.
pub(crate) fn host_of(authority: &Authority) -> Option<String> {
    let (text, host) = (authority.as_str(), authority.host());
    let rest = text.strip_prefix(host)?;
    let port_is_good =
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (port_is_good && !host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// The address that a host is written as, if it is one.
fn ip(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::from),
    }
}

/// Whether a host is this machine, whatever the network says.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || ip(host).is_some_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(host: &'static str) -> u16 {
        let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
        let allowed = ["book.example".to_owned()];
        match examine(&headers, &Uri::from_static("/"), Version::HTTP_11, &allowed) {
            Ok(()) => 200,
            Err(problem) => problem.status.as_u16(),
        }
    }

    #[test]
    fn addresses_localhost_and_allowed_names_are_ours() {
        for host in [
            "localhost",
            "localhost:3000",
            "LocalHost",
            "127.0.0.1:3000",
            "192.168.1.7",
            "[::1]:80",
            "[fe80::1]",
            "book.example:1",
            "BOOK.example",
        ] {
            assert_eq!(status(host), 200, "{host}");
        }
    }

    #[test]
    fn every_other_name_is_misdirected() {
        for host in [
            "evil.example",
            "127.0.0.1.nip.io",
            "localhost.evil.example",
            "www.book.example",
            "2130706433",
            "127.1",
            "",
            "localhost@evil.example",
        ] {
            assert_eq!(status(host), 421, "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_a_bad_request() {
        for host in ["a b", "local/host", "http://localhost"] {
            assert_eq!(status(host), 400, "{host}");
        }
        let none = examine(&HeaderMap::new(), &Uri::from_static("/"), Version::HTTP_11, &[]);
        assert_eq!(none.unwrap_err().status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn an_absolute_target_wins_over_the_header() {
        let headers = HeaderMap::from_iter([(header::HOST, "localhost".parse().unwrap())]);
        let target = Uri::from_static("http://evil.example/");
        assert!(examine(&headers, &target, Version::HTTP_11, &[]).is_err());
    }
}
