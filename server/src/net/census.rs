//! How many connections there are, in all and from each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use super::{Limits, lock};

/// Counts connections.
#[derive(Debug)]
pub(super) struct Census {
    limits: Limits,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why there is no place for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// There are as many as there may be.
    All,
    /// This address has as many as it may have.
    Address,
}

/// A connection's place. Dropping it frees it.
#[derive(Debug)]
pub(super) struct Place {
    census: Arc<Census>,
    /// Loopback isn't counted by address.
    address: Option<IpAddr>,
}

impl Census {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, counts: Mutex::default() })
    }

    /// Takes a place for a connection from this address.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Full> {
        let address = counted(peer);
        let mut counts = lock(&self.counts);
        if counts.all >= self.limits.max_connections {
            return Err(Full::All);
        }
        if let Some(address) = address {
            let count = counts.by_address.entry(address).or_default();
            if *count >= self.limits.max_connections_per_address {
                return Err(Full::Address);
            }
            *count += 1;
        }
        counts.all += 1;
        Ok(Place { census: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = lock(&self.census.counts);
        counts.all -= 1;
        if let Some(address) = self.address
            && let Some(count) = counts.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

/// What an address is counted as: an IPv6 host has a whole /64 to choose from.
fn counted(peer: IpAddr) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    if peer.is_loopback() {
        return None;
    }
    Some(match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(all: usize, by_address: usize) -> Arc<Census> {
        Census::new(Limits {
            max_connections: all,
            max_connections_per_address: by_address,
            ..Limits::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let census = census(10, 2);
        let first = census.admit(ip("192.0.2.1")).unwrap();
        let _second = census.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert_eq!(census.admit(ip("192.0.2.1")).unwrap_err(), Full::Address);
        let _other = census.admit(ip("192.0.2.2")).unwrap();
        drop(first);
        assert!(census.admit(ip("192.0.2.1")).is_ok());
    }

    #[test]
    fn one_network_of_ipv6_is_one_address() {
        let census = census(10, 1);
        let _place = census.admit(ip("2001:db8::1")).unwrap();
        assert_eq!(census.admit(ip("2001:db8::2:3")).unwrap_err(), Full::Address);
        assert!(census.admit(ip("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn loopback_is_bounded_only_in_all() {
        let census = census(2, 1);
        let _places = [census.admit(ip("127.0.0.1")).unwrap(), census.admit(ip("::1")).unwrap()];
        assert_eq!(census.admit(ip("127.0.0.1")).unwrap_err(), Full::All);
    }

    #[test]
    fn an_address_without_connections_takes_no_room() {
        let census = census(2, 1);
        drop(census.admit(ip("192.0.2.1")));
        assert!(lock(&census.counts).by_address.is_empty());
    }
}
