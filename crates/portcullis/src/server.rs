//! Our own accept loop: what `axum::serve` leaves open, this closes.
//!
//! A connection that sends nothing, half a head, or that stops reading what it asked for is closed after a while; there
//! is a cap on connections, on requests and on the bytes of their bodies; a drain lets streams finish within a limit. Start at [`Server::run`].

mod activity;
mod connection;
mod load;
mod request_body;
mod room;
mod stall;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use activity::Activity;
use connection::Site;
use load::Load;
use room::{Room, limits_in_reserve};

/// How long a client may take for what, and how many may come.
#[derive(Clone, Debug)]
pub(crate) struct ServerLimits {
    /// Until the first byte of a new connection.
    pub(crate) first_byte: Duration,
    /// From the first byte of a request's head to its last.
    pub(crate) head: Duration,
    /// Between two pieces of a request's body.
    pub(crate) body_idle: Duration,
    /// Between two requests on one connection.
    pub(crate) keep_alive: Duration,
    /// While the client takes none of what is sent to it.
    pub(crate) write_stall: Duration,
    /// How long the rest of a refused body is read, so that the refusal arrives.
    pub(crate) lingering: Duration,
    /// Connections at once; one more takes the place of the longest idle, or is told that there is no room.
    pub(crate) max_connections: usize,
    /// Requests being answered at once, probes not counted; more are refused.
    pub(crate) max_requests: usize,
    /// Bytes of bodies in memory at once; bodies beyond are refused.
    pub(crate) max_buffered_bytes: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            write_stall: Duration::from_secs(60),
            lingering: Duration::from_secs(30),
            max_connections: 10_000,
            max_requests: 4096,
            max_buffered_bytes: 1 << 30,
        }
    }
}

/// The moments of a shutdown, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shutdown {
    /// New requests should go elsewhere: the probe says so, and nothing else changes.
    pub(crate) leave: CancellationToken,
    /// No new connections, and none outlives its next answer. Idle ones stay open meanwhile: a client that just now
    /// writes its next request on one is answered, where closing would lose it.
    pub(crate) drain: CancellationToken,
    /// No request is being answered any more: idle connections are closed.
    pub(crate) close: CancellationToken,
    /// What still runs is told so and ends.
    pub(crate) deadline: CancellationToken,
    /// Every request that is being answered, on all listeners.
    pub(crate) requests: TaskTracker,
}

/// One listener and what answers on it.
pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) router: Router,
    pub(crate) limits: ServerLimits,
    pub(crate) shutdown: Shutdown,
}

impl Server {
    /// Accepts until the drain begins, then returns once the last connection has ended.
    pub(crate) async fn run(self) {
        let connections = TaskTracker::new();
        let room = Room::new(self.limits.max_connections);
        let load = Load::new(&self.limits);
        self.shutdown.drain.run_until_cancelled(self.accept(&connections, &room, &load)).await;
        // Refused at once, a client can go elsewhere; in the queue of a listener that nobody serves it would wait.
        drop(self.listener);
        connections.close();
        if !connections.is_empty() {
            info!(connections.open = connections.len(), "waiting for open requests to finish");
        }
        connections.wait().await;
    }

    async fn accept(&self, connections: &TaskTracker, room: &Arc<Room>, load: &Arc<Load>) {
        loop {
            let to_begin = room.to_begin().await;
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: closing connections will help, spinning will not.
                    warn!(error.cause = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let arrived = Arrived {
                stream,
                site: Site { router: self.router.clone(), load: Arc::clone(load), is_full: false },
                limits: self.limits.clone(),
                shutdown: self.shutdown.clone(),
            };
            match room.to_stay() {
                Some(to_stay) => connections.spawn(arrived.stay(Arc::clone(room), to_stay)),
                None => connections.spawn(arrived.find_room(Arc::clone(room), to_begin)),
            };
        }
    }
}

/// A connection that was accepted, with all it needs.
struct Arrived {
    stream: TcpStream,
    site: Site,
    limits: ServerLimits,
    shutdown: Shutdown,
}

impl Arrived {
    async fn stay(self, room: Arc<Room>, _to_stay: OwnedSemaphorePermit) {
        let activity = Activity::new();
        let _entry = room.enter_regular(&activity);
        connection::serve(self.stream, activity, self.site, self.limits, self.shutdown).await;
    }

    async fn find_room(mut self, room: Arc<Room>, to_begin: OwnedSemaphorePermit) {
        if let Some(to_stay) = room.soon_to_stay().await {
            drop(to_begin);
            return self.stay(room, to_stay).await;
        }
        let activity = Activity::new();
        let _entry = room.enter_reserve(&activity);
        self.site.is_full = true;
        self.limits = limits_in_reserve(&self.limits);
        connection::serve(self.stream, activity, self.site, self.limits, self.shutdown).await;
    }
}
