//! A relay server of one's own, as `iroh-relay --dev` runs it: plain HTTP.

use std::net::{IpAddr, SocketAddr};

use iroh_relay::server::{RelayConfig, Server, ServerConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::error::{OrCode, Result, fail};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartArgs {
    ip: IpAddr,
    #[serde(default)]
    port: u16,
}

/// At most one relay per process; it needs no node.
#[derive(Debug, Default)]
pub struct Relay {
    server: RwLock<Option<Server>>,
}

impl Relay {
    pub async fn start(&self, args: StartArgs) -> Result<Value> {
        let mut slot = self.server.write().await;
        if slot.is_some() {
            return Err(fail("ALREADY_BOUND", "this process has a relay already"));
        }
        let mut config = ServerConfig::default();
        config.relay = Some(RelayConfig::new(SocketAddr::new(args.ip, args.port)));
        let server = Server::spawn(config).await.or_code("BIND_FAILED")?;
        let addr = server
            .http_addr()
            .ok_or_else(|| fail("BIND_FAILED", "the relay has no address"))?;
        *slot = Some(server);
        Ok(json!({ "url": format!("http://{addr}/") }))
    }

    /// What went through it. A restarted relay begins at 0.
    pub async fn stats(&self) -> Result<Value> {
        let slot = self.server.read().await;
        let metrics = slot
            .as_ref()
            .ok_or_else(|| fail("NOT_BOUND", "start a relay first"))?
            .metrics();
        Ok(json!({
            "accepts": metrics.server.accepts.get(),
            "packets": metrics.server.send_packets_sent.get(),
            "bytes": metrics.server.bytes_sent.get(),
        }))
    }

    pub async fn stop(&self) -> Result<Value> {
        if let Some(server) = self.server.write().await.take() {
            server.shutdown().await.or_code("CLOSE_FAILED")?;
        }
        Ok(json!({}))
    }
}
