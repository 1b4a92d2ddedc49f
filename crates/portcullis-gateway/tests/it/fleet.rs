//! Many integrations over few roles, each request signed and sent, against an AWS that knows whose each session is.

mod audit;
mod members;
mod traffic;

use std::time::Duration;

use audit::Audit;
use traffic::{Fleet, Seen};

/// Tasks at once.
const N_TASKS: usize = 64;

/// 20,000 requests, or 100,000 when `PORTCULLIS_LONG_TESTS=1`: unoptimised, each takes about 3 ms of a core.
#[expect(clippy::disallowed_methods, reason = "how long a test runs is no configuration of the product")]
fn n_requests() -> usize {
    let is_long = std::env::var("PORTCULLIS_LONG_TESTS").is_ok_and(|value| value == "1");
    if is_long { 100_000 } else { 20_000 }
}

/// 200 integrations over 20 roles. Sessions end early, in AWS or by what it announces; are evicted; and integrations are
/// edited and exchange their external IDs, all at random and all the time. Roles allow every workspace and half of the
/// integrations have no session policy, so that it is not AWS that keeps them apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_signed_by_another_integrations_session() {
    let fleet = Fleet::start().await;
    let (done, mut watched) = tokio::sync::watch::channel(false);
    let auditor = tokio::spawn({
        let fleet = fleet.clone();
        async move {
            let mut audit = Audit::default();
            while !*watched.borrow() {
                let _ = tokio::time::timeout(Duration::from_millis(100), watched.changed()).await;
                audit.examine(&fleet);
            }
            audit.examine(&fleet);
            audit
        }
    });
    let share = |task| n_requests() / N_TASKS + usize::from(task < n_requests() % N_TASKS);
    let tasks: Vec<_> = (0..N_TASKS).map(|task| tokio::spawn(fleet.clone().run(task, share(task)))).collect();
    let mut seen = Seen::default();
    for task in tasks {
        seen += task.await.unwrap();
    }
    done.send_replace(true);
    let audit = auditor.await.unwrap();
    assert_eq!(audit.violations, Vec::<String>::new(), "{audit:?}");
    assert_eq!((seen.n_served, audit.n_served), (n_requests(), n_requests()));
    assert_eq!(
        seen.n_refused, audit.n_expired,
        "refused for no other reason than an end that was brought about"
    );
    let happened = [seen.n_evictions, seen.n_ends, seen.n_edits, audit.n_expired];
    assert!(happened.iter().all(|n| *n > n_requests() / 1000), "{happened:?}");
}
