//! standby-playground
