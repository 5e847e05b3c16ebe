//! The figure from outside: what is drawn and said of known traces, and what holds for any.

mod any_trace;
mod both_ends;
mod company;
mod crowd;
mod picture;
mod sample;
mod stretches;
mod words;
