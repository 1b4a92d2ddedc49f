//! The sockets: bound before anything else can fail slowly, and served from then on.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::task::TaskTracker;

use super::site::Site;
use crate::config::Config;
use crate::server::{Server, Shutdown};

/// The sockets, bound before anything else can fail slowly.
pub(super) struct Listeners {
    main: TcpListener,
    admin: Option<TcpListener>,
    metrics: Option<TcpListener>,
}

/// Where they ended up: port 0 asks the system for a free one.
pub(super) struct Addresses {
    pub(super) main: SocketAddr,
    pub(super) admin: Option<SocketAddr>,
    pub(super) metrics: Option<SocketAddr>,
}

impl Listeners {
    /// # Errors
    /// When an address is taken, by the name of its setting.
    pub(super) fn bind(config: &Config) -> Result<Self> {
        let bind = |address: SocketAddr, name: &str| {
            bind(address).with_context(|| format!("failed to listen on {address} ({name})"))
        };
        let apart =
            |address: Option<SocketAddr>, name| address.map(|address| bind(address, name)).transpose();
        Ok(Self {
            main: bind(config.listen, "PORTCULLIS_LISTEN")?,
            admin: apart(config.admin_listen, "PORTCULLIS_ADMIN_LISTEN")?,
            metrics: apart(config.metrics_listen, "PORTCULLIS_METRICS_LISTEN")?,
        })
    }

    /// Accepts connections, each listener in a task of its own.
    pub(super) fn serve(
        self,
        site: &Site,
        config: &Config,
        shutdown: &Shutdown,
        tasks: &TaskTracker,
    ) -> Addresses {
        let address = |listener: &TcpListener| listener.local_addr().expect("a bound socket has an address");
        let addresses = Addresses {
            main: address(&self.main),
            admin: self.admin.as_ref().map(address),
            metrics: self.metrics.as_ref().map(address),
        };
        let server = |listener, router| Server {
            listener,
            router,
            limits: config.server_limits.clone(),
            shutdown: shutdown.clone(),
        };
        tasks.spawn(server(self.main, site.main()).run());
        if let Some(listener) = self.admin {
            tasks.spawn(server(listener, site.admin()).run());
        }
        if let Some(listener) = self.metrics {
            tasks.spawn(server(listener, site.metrics()).run());
        }
        addresses
    }
}

/// What the kernel keeps of an answer for a client that does not read it, in bytes.
///
/// Left to itself it keeps 4 MiB, and says that there is room again only when a third is free: a client that reads
/// slowly but steadily would look like one that has stopped, and ten thousand that have stopped would take 40 GB.
const SEND_BUFFER: u32 = 256 * 1024;
const BACKLOG: u32 = 1024;

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As after every restart: the connections of the process before may still be closing.
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
