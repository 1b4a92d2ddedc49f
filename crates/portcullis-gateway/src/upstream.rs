//! The HTTP clients towards Claude Platform on AWS.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use portcullis_types::Region;

use crate::endpoint::{Endpoint, UpstreamBase};
use crate::settings::GatewaySettings;

/// A connection of HTTP/2 carries so many requests at once, whatever the server would allow: commonly 100 to 128. Beyond
/// its limit requests would wait inside the connection, unseen, for streams that last minutes.
const REQUESTS_PER_CLIENT: usize = 100;
/// Enough for 3,200 requests in flight before connections are shared beyond [`REQUESTS_PER_CLIENT`].
const MOST_CLIENTS: usize = 32;

/// The clients and the endpoints they have met.
///
/// A client keeps one connection of HTTP/2 a host (or a pool of HTTP/1.1). The next client is used, and made, only when
/// those before it are full, so that connections stay few and warm.
pub(crate) struct Upstream {
    clients: [Client; MOST_CLIENTS],
    settings: ClientSettings,
    base: UpstreamBase,
    by_region: RwLock<HashMap<Region, Arc<Endpoint>>>,
}

#[derive(Default)]
struct Client {
    client: OnceLock<reqwest::Client>,
    in_flight: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
struct ClientSettings {
    connect_timeout: Duration,
    use_system_proxy: bool,
}

impl ClientSettings {
    fn build(self) -> Result<reqwest::Client, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            // An answer that sends us elsewhere is no answer: the host is ours to choose.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(60))
            // Shorter than the 60 s after which load balancers commonly close: a POST must not meet a closed connection.
            .pool_idle_timeout(Duration::from_secs(50))
            .http2_keep_alive_interval(Duration::from_secs(20))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_adaptive_window(true)
            // Retries are decided where it is known what a repetition costs.
            .retry(reqwest::retry::never());
        if !self.use_system_proxy {
            builder = builder.no_proxy();
        }
        builder.build()
    }
}

impl Upstream {
    pub(crate) fn new(settings: &GatewaySettings) -> Result<Self, reqwest::Error> {
        let base = settings.upstream_base.clone();
        let settings = ClientSettings {
            connect_timeout: settings.connect_timeout,
            use_system_proxy: settings.use_system_proxy,
        };
        let clients: [Client; MOST_CLIENTS] = std::array::from_fn(|_| Client::default());
        // The first one now: what is wrong with the system's certificates is a start that fails, not a request.
        let _ = clients[0].client.set(settings.build()?);
        Ok(Self { clients, settings, base, by_region: RwLock::default() })
    }

    pub(crate) fn endpoint(&self, region: &Region) -> Arc<Endpoint> {
        if let UpstreamBase::Fixed(endpoint) = &self.base {
            return Arc::clone(endpoint);
        }
        let known = self.by_region.read().expect("no panic while it is held").get(region).map(Arc::clone);
        known.unwrap_or_else(|| {
            let mut endpoints = self.by_region.write().expect("no panic while it is held");
            Arc::clone(
                endpoints.entry(region.clone()).or_insert_with(|| Arc::new(Endpoint::of_region(region))),
            )
        })
    }

    pub(crate) async fn execute(
        &self,
        request: reqwest::Request,
    ) -> Result<http::Response<UpstreamBody>, reqwest::Error> {
        let client = self.least_crowded();
        let place = Place::taken(&client.in_flight);
        let response = match client.client.get() {
            Some(client) => client.execute(request).await?,
            None => {
                let made = self.settings.build()?;
                client.client.get_or_init(|| made).execute(request).await?
            }
        };
        let response = http::Response::<reqwest::Body>::from(response);
        Ok(response.map(|body| UpstreamBody { body, _place: place }))
    }

    /// The first client with room, else the one with the fewest requests.
    fn least_crowded(&self) -> &Client {
        let in_flight = |client: &&Client| client.in_flight.load(Ordering::Relaxed);
        let with_room = self.clients.iter().find(|client| in_flight(client) < REQUESTS_PER_CLIENT);
        with_room.unwrap_or_else(|| self.clients.iter().min_by_key(in_flight).expect("there are clients"))
    }
}

/// A request's place in a client, given back when its answer has been read or dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn taken(in_flight: &Arc<AtomicUsize>) -> Self {
        in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(in_flight))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer, with its request's place.
pub(crate) struct UpstreamBody {
    body: reqwest::Body,
    _place: Place,
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_full_gives_way_to_the_next_and_fills_again_later() {
        let upstream = Upstream::new(&GatewaySettings::default()).unwrap();
        let number =
            |client: &Client| upstream.clients.iter().position(|other| std::ptr::eq(other, client)).unwrap();
        let take = || Place::taken(&upstream.least_crowded().in_flight);
        let first: Vec<Place> = (0..REQUESTS_PER_CLIENT).map(|_| take()).collect();
        assert_eq!(number(upstream.least_crowded()), 1);
        drop(first);
        assert_eq!(number(upstream.least_crowded()), 0);
        let all: Vec<Place> = (0..REQUESTS_PER_CLIENT * MOST_CLIENTS).map(|_| take()).collect();
        assert_eq!(number(upstream.least_crowded()), 0, "all are full: the fewest, from the front");
        drop(all);
    }
}
