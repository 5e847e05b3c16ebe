//! The client's code: programs that do what a lane does, with the lane's own settings.

pub(crate) mod program;
pub(crate) mod view;
