//! Which STS is asked, in which order: that of the integration's region first, then the operator's fall-backs.
//!
//! One that could not be reached, or answered what no STS would, goes to the end of the queue for a while, so that an outage
//! of a region costs its time-out only now and then. Nothing else is learnt: the region's own STS is tried again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portcullis_provider::error::redact;
use portcullis_types::Region;
use tokio::time::Instant;

use crate::error::CredentialsError;
use crate::settings::StsEndpoint;

/// How long one that failed waits at the end of the queue.
const SIDELINED_FOR: Duration = Duration::from_secs(30);

/// A healthy STS has answered by then, wherever it is.
const SHORTEST_SHARE: Duration = Duration::from_secs(2);

/// One STS to ask, for whoever wants the same one again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Station {
    /// Signed for. `None`: the region of the environment.
    pub(super) region: Option<Region>,
    pub(super) place: Place,
}

impl Station {
    /// The one of this region, wherever the SDK's settings say that it is.
    pub(crate) fn of_region(region: Option<&Region>) -> Self {
        Self { region: region.cloned(), place: Place::AsConfigured }
    }
}

impl fmt::Display for Station {
    /// `STS in us-east-1`, with its address where the operator has set one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "STS in {region}")?,
            None => f.write_str("STS")?,
        }
        match &self.place {
            Place::At(url) => write!(f, " at `{}`", redact(url)),
            Place::AsConfigured | Place::Regional => Ok(()),
        }
    }
}

/// Where an STS is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// Where the SDK's settings say (`AWS_ENDPOINT_URL_STS`), else at the regional endpoint.
    AsConfigured,
    /// At the regional endpoint, whatever the SDK's settings say.
    Regional,
    /// Here.
    At(String),
}

/// Knows the stations.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Instead of where the SDK would look.
    override_url: Option<String>,
    fallbacks: Vec<StsEndpoint>,
    sidelined: Mutex<HashMap<Station, Instant>>,
}

impl Route {
    pub(super) fn new(override_url: Option<String>, fallbacks: Vec<StsEndpoint>) -> Self {
        Self { override_url, fallbacks, sidelined: Mutex::default() }
    }

    /// Whom to ask for `region`, in this order. Never empty; the first in it is the region's own unless that has just failed.
    pub(super) fn stations(&self, region: Option<&Region>) -> Vec<Station> {
        let own = self.override_url.clone().map_or(Place::AsConfigured, Place::At);
        let mut stations = vec![Station { region: region.cloned(), place: own }];
        for fallback in &self.fallbacks {
            let place = fallback.url.clone().map_or(Place::Regional, Place::At);
            let station = Station { region: Some(fallback.region.clone()), place };
            if !stations.contains(&station) && !self.is_own(&station, region) {
                stations.push(station);
            }
        }
        let mut sidelined = self.sidelined();
        sidelined.retain(|_, since| since.elapsed() < SIDELINED_FOR);
        // Stable: among themselves they keep their order.
        stations.sort_by_key(|station| sidelined.contains_key(station));
        stations
    }

    /// Takes note of what came of asking `station`.
    pub(super) fn note<T>(&self, station: &Station, outcome: &Result<T, CredentialsError>) {
        use CredentialsError as E;
        let is_down = matches!(outcome, Err(E::StsUnavailable(_) | E::MalformedAnswer(_)));
        if self.fallbacks.is_empty() {
            return;
        }
        let mut sidelined = self.sidelined();
        if is_down {
            sidelined.insert(station.clone(), Instant::now());
        } else {
            sidelined.remove(station);
        }
    }

    /// Whether a fall-back is the very endpoint that is asked first.
    fn is_own(&self, station: &Station, region: Option<&Region>) -> bool {
        self.override_url.is_none() && station.place == Place::Regional && station.region.as_ref() == region
    }

    fn sidelined(&self) -> MutexGuard<'_, HashMap<Station, Instant>> {
        self.sidelined.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the next of `n_left` stations has of the time that is `left`: an equal share, so that silent ones leave some for
/// those after them, but enough for an answer. `None` when there is no time to ask any more.
pub(super) fn share(left: Duration, n_left: usize) -> Option<Duration> {
    let equal = left / u32::try_from(n_left).unwrap_or(u32::MAX).max(1);
    let share = equal.max(SHORTEST_SHARE).min(left);
    (!share.is_zero()).then_some(share)
}

/// Whether another STS may answer what this one did not.
pub(super) const fn is_worth_another(error: &CredentialsError) -> bool {
    use CredentialsError as E;
    match error {
        E::StsUnavailable(_) | E::MalformedAnswer(_) | E::Throttled(_) | E::RegionDisabled(_) => true,
        E::SourceUnavailable(_)
        | E::SourceRejected(_)
        | E::AccessDenied(_)
        | E::DurationTooLong(_)
        | E::PolicyTooLarge(_)
        | E::InvalidRequest(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Explanation;

    fn endpoint(region: &str, url: Option<&str>) -> StsEndpoint {
        StsEndpoint { region: region.parse().unwrap(), url: url.map(str::to_owned) }
    }

    fn regions(route: &Route, region: &str) -> Vec<String> {
        let region = region.parse().unwrap();
        route.stations(Some(&region)).iter().map(|s| s.region.as_ref().unwrap().to_string()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_region_comes_first_and_last_for_half_a_minute_after_it_failed() {
        let route = Route::new(None, vec![endpoint("us-east-1", None), endpoint("eu-west-1", None)]);
        assert_eq!(regions(&route, "eu-central-1"), ["eu-central-1", "us-east-1", "eu-west-1"]);
        let own = route.stations(Some(&"eu-central-1".parse().unwrap())).remove(0);
        route.note::<()>(&own, &Err(CredentialsError::StsUnavailable(Explanation::new("refused"))));
        assert_eq!(regions(&route, "eu-central-1"), ["us-east-1", "eu-west-1", "eu-central-1"]);
        assert_eq!(regions(&route, "us-west-2"), ["us-west-2", "us-east-1", "eu-west-1"]);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(regions(&route, "eu-central-1"), ["eu-central-1", "us-east-1", "eu-west-1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_sidelines_nobody_and_a_success_ends_it() {
        let route = Route::new(None, vec![endpoint("us-east-1", None)]);
        let own = route.stations(Some(&"eu-central-1".parse().unwrap())).remove(0);
        route.note::<()>(&own, &Err(CredentialsError::AccessDenied(Explanation::new("no"))));
        route.note::<()>(&own, &Err(CredentialsError::Throttled(Explanation::new("slow"))));
        assert_eq!(regions(&route, "eu-central-1"), ["eu-central-1", "us-east-1"]);
        route.note::<()>(&own, &Err(CredentialsError::MalformedAnswer(Explanation::new("<html>"))));
        route.note(&own, &Ok(()));
        assert_eq!(regions(&route, "eu-central-1"), ["eu-central-1", "us-east-1"]);
    }

    #[test]
    fn silent_stations_leave_time_for_those_after_them() {
        let shares = |n_stations: usize| {
            let mut left = Duration::from_secs(10);
            let shares = (0..n_stations).map_while(|n| {
                let share = share(left, n_stations - n)?;
                left -= share;
                Some(share.as_millis() / 100)
            });
            shares.collect::<Vec<_>>()
        };
        assert_eq!(shares(1), [100]);
        assert_eq!(shares(2), [50, 50]);
        assert_eq!(shares(3), [33, 33, 33]);
        assert_eq!(shares(8), [20; 5], "and the others are asked first next time");
    }

    #[test]
    fn an_endpoint_is_asked_once() {
        let route = Route::new(
            None,
            vec![
                endpoint("us-east-1", None),
                endpoint("us-east-1", None),
                endpoint("us-east-1", Some("https://x.example.com")),
            ],
        );
        let stations = route.stations(Some(&"us-east-1".parse().unwrap()));
        let places: Vec<_> = stations.iter().map(|station| &station.place).collect();
        assert_eq!(places, [&Place::AsConfigured, &Place::At("https://x.example.com".to_owned())]);
    }
}
