//! Whether the gateway lives and whether it can serve; and the command that asks a running one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cli::ConfigOptions;
use crate::config::Config;

/// Where [`livez`] answers.
pub(crate) const LIVEZ: &str = "/livez";
/// Where [`readyz`] answers.
pub(crate) const READYZ: &str = "/readyz";

/// Whether a request is a probe, which is answered however much else there is to do.
pub(crate) fn is_probe(path: &str) -> bool {
    path == LIVEZ || path == READYZ
}

/// The process runs. Touches nothing else, so that a database that is away never restarts a gateway that serves.
pub(crate) async fn livez() -> Response {
    axum::Json(json!({ "status": "alive" })).into_response()
}

/// New requests are welcome: the catalog has been read once, and nobody has told us to stop.
pub(crate) fn readyz(has_started: bool, is_leaving: bool) -> Response {
    match (has_started, is_leaving) {
        (true, false) => axum::Json(json!({ "status": "ready" })).into_response(),
        (false, false) => {
            (StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({ "status": "starting" }))).into_response()
        }
        (_, true) => {
            (StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({ "status": "draining" }))).into_response()
        }
    }
}

/// `portcullis healthcheck`: for container engines, in an image without any other client.
///
/// # Errors
/// When the gateway does not answer within 5 seconds, or is not ready.
pub(crate) async fn check(options: &ConfigOptions) -> Result<()> {
    let address = reachable(Config::load(options)?.listen);
    let asked = tokio::time::timeout(Duration::from_secs(5), ask(address)).await;
    let answer = asked.with_context(|| format!("no answer from http://{address}/readyz within 5 s"))??;
    let status_line = answer.lines().next().unwrap_or_default();
    if !status_line.contains(" 200 ") {
        bail!("http://{address}/readyz answered `{status_line}`");
    }
    Ok(())
}

/// `0.0.0.0` is where one listens, not where one asks.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    address
}

async fn ask(address: SocketAddr) -> Result<String> {
    let mut stream =
        TcpStream::connect(address).await.with_context(|| format!("nothing listens on {address}"))?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
