//! What this process uses. Linux tells it in files; elsewhere nothing is known, and nothing is guessed.

use std::fs;

/// The unit of processor times in `/proc`, fixed at 100 a second for programs (proc(5), `USER_HZ`).
const TICK_US: u64 = 10_000;
/// The unit of `/proc/net/sockstat`. Where pages are larger the figure is too small; where they are
/// can't be told without a call to the system.
const PAGE_BYTES: u64 = 4_096;

/// What was used until now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub(super) memory_bytes: Option<u64>,
    pub(super) cpu_us: Option<u64>,
    pub(super) kernel_bytes: Option<u64>,
}

impl Used {
    pub(super) fn now() -> Self {
        let read = |path| fs::read_to_string(path).ok();
        Self {
            memory_bytes: read("/proc/self/status").as_deref().and_then(resident_bytes),
            cpu_us: read("/proc/self/stat").as_deref().and_then(cpu_us),
            kernel_bytes: read("/proc/net/sockstat").as_deref().and_then(tcp_bytes),
        }
    }
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// User's and system's time together.
fn cpu_us(stat: &str) -> Option<u64> {
    // The name of the program comes in parentheses, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    // Fields 14 and 15; the first behind the name is the third.
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    user.checked_add(system)?.checked_mul(TICK_US)
}

fn tcp_bytes(sockstat: &str) -> Option<u64> {
    let mut words = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?.split_ascii_whitespace();
    words.find(|word| *word == "mem")?;
    words.next()?.parse::<u64>().ok()?.checked_mul(PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read_as_it_is_meant() {
        assert_eq!(resident_bytes("Name:\tstandby\nVmRSS:\t    1234 kB\n"), Some(1_234 * 1_024));
        let stat = "7 (a ) (b) S 1 2 3 4 5 6 7 8 9 10 30 12 13 14";
        assert_eq!(cpu_us(stat), Some((30 + 12) * 10_000));
        let sockstat = "sockets: used 9\nTCP: inuse 5 orphan 0 tw 0 alloc 12 mem 3\nUDP: inuse 0 mem 9\n";
        assert_eq!(tcp_bytes(sockstat), Some(3 * 4_096));
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        for nonsense in ["", "VmRSS: many kB", "7 (a) S 1", "TCP: inuse 5"] {
            assert_eq!((resident_bytes(nonsense), cpu_us(nonsense), tcp_bytes(nonsense)), (None, None, None));
        }
    }
}
