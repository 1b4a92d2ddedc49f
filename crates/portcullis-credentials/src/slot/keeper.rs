//! The task that looks after one landed value: replaces it ahead of its end while it is in use, tries again after a
//! failure, and drops it when it is dead, whether or not anybody ever asks the slot again.
//!
//! There is at most one that acts per slot: a keeper whose value is not the kept one any more goes.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use tokio::sync::watch;
use tokio::time::Duration;

use super::flight::Landing;
use super::rejections::Rejections;
use super::{Purpose, Slot};
use crate::backoff::Urgency;

/// The wall clock may have been set back while something was waited for; then it is looked at again, this often at most.
const SHORTEST_SLEEP: Duration = Duration::from_millis(50);

/// What there is to do for a value.
enum Step<T> {
    /// Nothing until then, unless the bell rings. `None`: nothing unless it does.
    Doze(Option<SystemTime>),
    /// Nothing for so long, whoever rings: AWS is not asked again yet.
    Rest(Duration),
    /// A flight is in the air.
    Await(Landing<T>),
    /// Replace it.
    Fetch,
    /// It is dead, and has been dropped; or it is not the kept one any more.
    Leave,
}

/// Looks after the value of this landing, for as long as it is kept.
pub(super) fn look_after<T: Clone + Send + Sync + 'static>(slot: &Arc<Slot<T>>, landing: u64) {
    let (weak, bell) = (Arc::downgrade(slot), slot.bell.subscribe());
    slot.around.runtime.spawn(keep(weak, bell, landing));
}

async fn keep<T: Clone + Send + Sync + 'static>(
    slot: Weak<Slot<T>>,
    mut bell: watch::Receiver<()>,
    landing: u64,
) {
    // The slot is held for moments only: it must be able to go while its value sleeps.
    while let Some(step) = slot.upgrade().map(|slot| slot.next_step(landing, &mut bell)) {
        match step {
            Step::Leave => return,
            Step::Fetch => {
                let Some(turn) = slot.upgrade().map(|slot| slot.supply.turn()) else { return };
                turn.await;
                let Some(slot) = slot.upgrade() else { return };
                slot.replace(landing);
            }
            Step::Await(mut landing) => {
                let _ = landing.wait_for(Option::is_some).await;
            }
            Step::Rest(time) => tokio::time::sleep(time.max(SHORTEST_SLEEP)).await,
            Step::Doze(until) => {
                let Some(time) = slot.upgrade().map(|slot| until.map(|until| slot.time_until(until))) else {
                    return;
                };
                let dozed = async {
                    match time {
                        Some(time) => tokio::time::sleep(time.max(SHORTEST_SLEEP)).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = dozed => {}
                    // The bell ends with the slot.
                    rung = bell.changed() => if rung.is_err() { return },
                }
            }
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Slot<T> {
    /// What there is to do for the value of this landing.
    fn next_step(&self, landing: u64, bell: &mut watch::Receiver<()>) -> Step<T> {
        let now = self.now();
        let mut tower = self.tower();
        let kept = self.kept.load();
        let Some(kept) = kept.as_deref().filter(|kept| kept.landing == landing) else { return Step::Leave };
        if !kept.life.is_usable(now) {
            self.kept.store(None);
            tower.rejections = Rejections::default();
            return Step::Leave;
        }
        if let Some(flight) = &tower.flight {
            return Step::Await(flight.clone());
        }
        let mut doze = |until| {
            bell.borrow_and_update();
            self.is_rung.store(false, Ordering::Release);
            Step::Doze(until)
        };
        if !kept.life.is_due(now) && !self.supply.is_outdated(&kept.value) {
            // One without an end is only read again while somebody uses it.
            let until = kept.life.usable_until.map(|_| kept.life.refresh_at);
            return doze(until);
        }
        let is_replaced = self.supply.is_wanted() && self.is_in_use();
        match tower.held_for(Urgency::Served) {
            _ if !is_replaced => doze(kept.life.usable_until),
            Some(left) => {
                Step::Rest(kept.life.usable_until.map_or(left, |end| left.min(self.time_until(end))))
            }
            None => Step::Fetch,
        }
    }

    /// Fetches a successor of the value of this landing, unless that has become needless meanwhile.
    fn replace(self: &Arc<Self>, landing: u64) {
        let tower = self.tower();
        let kept = self.kept.load();
        let is_the_one = kept.as_deref().is_some_and(|kept| kept.landing == landing);
        if is_the_one && tower.flight.is_none() && tower.held_for(Urgency::Served).is_none() {
            self.depart(tower, Purpose::Ahead);
        }
    }

    fn time_until(&self, then: SystemTime) -> Duration {
        then.duration_since(self.now()).unwrap_or_default()
    }
}
