//! mdbook-standby
