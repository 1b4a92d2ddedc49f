//! How many files and sockets the system lets this process have, and what that leaves for connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

/// Files that are neither a client's nor an upstream's connection: the database, logs, listeners, look-ups, and those who are told that
/// there is no room.
const OTHERS: usize = 128;

/// Raises the soft limit to the hard one, as a service may: the low soft limit is for programs that use `select`.
///
/// Returns the limit from now on.
pub(crate) fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut limit = current;
    if current != maximum {
        match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            Ok(()) => limit = maximum,
            // Such as on macOS, where the hard limit may be more than the kernel allows.
            Err(error) => debug!(error.cause = %error, "the limit on open files cannot be raised"),
        }
    }
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// The connections that each listener may have with so many open files: as many as are wanted, or what is left when
/// each request in flight has its connection to the upstream, but no less than half.
pub(crate) fn connections_within(
    limit: usize,
    wanted: usize,
    max_requests: usize,
    listeners: usize,
) -> usize {
    let for_both_sides = limit.saturating_sub(OTHERS);
    let for_clients = for_both_sides - max_requests.min(for_both_sides / 2);
    let each = (for_clients / listeners).max(1);
    if each < wanted {
        warn!(
            files.limit = limit,
            "the limit on open files allows {each} connections on a listener, not the {wanted} of \
             PORTCULLIS_MAX_CONNECTIONS: raise it (`ulimit -n`, LimitNOFILE=, --ulimit nofile=)"
        );
    }
    each.min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_the_files_with_room_for_upstreams() {
        let check = |limit, wanted, max_requests, listeners, expect| {
            assert_eq!(connections_within(limit, wanted, max_requests, listeners), expect, "{limit}");
        };
        check(usize::MAX, 10_000, 4096, 2, 10_000);
        check(65_536, 10_000, 4096, 2, 10_000);
        check(10_000 + 4096 + 128, 10_000, 4096, 1, 10_000);
        check(10_000 + 4096 + 127, 10_000, 4096, 1, 9999);
        check(1024, 10_000, 4096, 1, 448);
        check(1024, 10_000, 4096, 2, 224);
        check(1024, 10_000, 10, 1, 886);
        check(1024, 100, 4096, 1, 100);
        check(64, 10_000, 4096, 1, 1);
        check(0, 10_000, 4096, 2, 1);
    }
}
