//! standby-tests
