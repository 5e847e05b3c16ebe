//! Dissection against the bytes that the standards themselves show, and against any bytes at all.

#![allow(clippy::unwrap_used, reason = "a test that meets what it does not expect fails")]

mod any;
mod archive;
mod context;
mod frames;
mod heads;
mod sample;
mod streams;
