//! How many requests and messages one address may send.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::{AppState, Problem};

/// Addresses that are told apart. Beyond that, those that have been quiet are forgotten; if none
/// has, the others share one account.
const ADDRESSES: usize = 20_000;

/// Who sends, as far as limits are concerned: an IPv4 address, or an IPv6 /64 (one household or
/// laptop has that many); nobody, for programs on this machine that speak for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client(Option<IpAddr>);

impl Client {
    /// Who sent a request. A loopback peer that forwards is a proxy, and speaks for the address
    /// that it names last; what anyone else says about forwarding is not believed.
    #[must_use]
    pub fn of(extensions: &Extensions, headers: &HeaderMap) -> Self {
        let Some(ConnectInfo(peer)) = extensions.get::<ConnectInfo<SocketAddr>>() else { return Self(None) };
        let peer = peer.ip().to_canonical();
        if !peer.is_loopback() {
            return Self(Some(network(peer)));
        }
        Self(is_forwarded(headers).then(|| network(forwarded_for(headers).unwrap_or(peer))))
    }
}

impl Client {
    /// A program on the server's own machine that speaks for itself.
    #[must_use]
    pub fn is_this_machine(self) -> bool {
        self.0.is_none()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions, &parts.headers))
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

/// Whether a proxy has passed the request on.
#[must_use]
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded-")
    })
}

/// The last address in `X-Forwarded-For`: the one that the nearest proxy saw itself.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// An allowance for each address: so many a second, and twice that at once (the generic cell rate
/// algorithm: all that is kept of an address is when its allowance will be full again).
#[derive(Debug)]
pub struct Rates {
    per_second: u32,
    began: Instant,
    full_at: Mutex<HashMap<IpAddr, Duration>>,
}

impl Rates {
    /// So many requests and messages a second for each address.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), began: Instant::now(), full_at: Mutex::default() }
    }

    /// Takes one from the client's allowance.
    ///
    /// # Errors
    /// Nothing is left of it: 429, with when to come back.
    pub fn check(&self, client: Client) -> Result<(), Problem> {
        let Client(Some(address)) = client else { return Ok(()) };
        let now = self.began.elapsed();
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= ADDRESSES && !full_at.contains_key(&address) {
            full_at.retain(|_, at| *at > now);
        }
        let crowded = full_at.len() >= ADDRESSES && !full_at.contains_key(&address);
        let account = if crowded { Ipv4Addr::UNSPECIFIED.into() } else { address };
        let at = full_at.entry(account).or_default();
        let next = (*at).max(now) + Duration::from_secs(1) / self.per_second;
        if next > now + Duration::from_secs(2) {
            let detail = format!(
                "One address may send {} requests and messages a second. Slow down.",
                self.per_second
            );
            return Err(
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests", detail).retry_after(1)
            );
        }
        *at = next;
        Ok(())
    }
}

/// Middleware: each request takes one from its sender's allowance.
pub async fn limit(State(app): State<AppState>, request: Request, next: Next) -> Response {
    match app.rates.check(Client::of(request.extensions(), request.headers())) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}
