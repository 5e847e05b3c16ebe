//! standby-server
