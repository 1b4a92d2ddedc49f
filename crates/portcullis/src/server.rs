//! Our own accept loop: what `axum::serve` leaves open, this closes.
//!
//! A connection that sends nothing, half a head, or that stops reading what it asked for is closed after a while; there
//! is a cap on connections; a drain lets streams finish within a limit. Start at [`Server::run`].

mod activity;
mod connection;
mod load;
mod request_body;
mod stall;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use load::Load;

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
    /// Connections at once; more wait in the listener's queue.
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
        let permits = Arc::new(Semaphore::new(self.limits.max_connections));
        let load = Load::new(&self.limits);
        self.shutdown.drain.run_until_cancelled(self.accept(&connections, &permits, &load)).await;
        // Refused at once, a client can go elsewhere; in the queue of a listener that nobody serves it would wait.
        drop(self.listener);
        connections.close();
        if !connections.is_empty() {
            info!(connections.open = connections.len(), "waiting for open requests to finish");
        }
        connections.wait().await;
    }

    async fn accept(&self, connections: &TaskTracker, permits: &Arc<Semaphore>, load: &Arc<Load>) {
        loop {
            let permit = Arc::clone(permits).acquire_owned().await.expect("the semaphore is never closed");
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: closing connections will help, spinning will not.
                    warn!(error.cause = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let site = connection::Site { router: self.router.clone(), load: Arc::clone(load) };
            let serving = connection::serve(stream, site, self.limits.clone(), self.shutdown.clone());
            connections.spawn(async move {
                serving.await;
                drop(permit);
            });
        }
    }
}
