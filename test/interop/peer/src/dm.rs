//! Direct messages over `k2/direct-message/1`. The gossip variant is the topic of both ids and the gossip commands.

use std::time::Duration;

use iroh::{
    endpoint::Connection,
    protocol::{AcceptError, ProtocolHandler},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::{self, PeerAddrArg},
    error::{OrCode, Result, fail},
    node::Node,
    out::Out,
};

pub const ALPN: &[u8] = b"k2/direct-message/1";
const MAX_MESSAGE: usize = 65_536;
const CONNECT_WAIT: Duration = Duration::from_secs(10);
const RECEIPT_WAIT: Duration = Duration::from_secs(5);

/// The listener: takes the authenticated id as the sender, drops its sending half at once, never answers.
#[derive(Debug)]
pub struct DmState {
    out: Out,
}

impl DmState {
    pub fn new(out: Out) -> Self {
        Self { out }
    }
}

impl ProtocolHandler for DmState {
    async fn accept(&self, connection: Connection) -> std::result::Result<(), AcceptError> {
        let from = args::to_hex(connection.remote_id().as_bytes());
        let (send, mut recv) = match connection.accept_bi().await {
            Ok(streams) => streams,
            Err(_) => {
                self.out.event("dm.ping", json!({ "from": from })).await;
                return Ok(());
            }
        };
        drop(send);
        match recv.read_to_end(MAX_MESSAGE).await {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                let (content, sender_name, is_json) = match serde_json::from_slice::<Value>(&bytes)
                {
                    Ok(value) if value.is_object() => (
                        value["content"].as_str().unwrap_or_default().to_owned(),
                        value["sender_name"]
                            .as_str()
                            .unwrap_or("Unknown")
                            .to_owned(),
                        true,
                    ),
                    _ => (text.to_string(), "Unknown".to_owned(), false),
                };
                let body = json!({
                    "from": from, "content": content, "sender_name": sender_name,
                    "json": is_json, "raw": text, "length": bytes.len(),
                });
                self.out.event("dm.received", body).await;
            }
            Err(error) => {
                self.out
                    .event(
                        "dm.failed",
                        json!({ "from": from, "message": error.to_string() }),
                    )
                    .await;
            }
        }
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendArgs {
    peer: PeerAddrArg,
    /// The whole payload, normally a JSON object.
    payload: String,
    /// Drops the connection right after the last write, as the original does; else waits for the other side.
    #[serde(default)]
    hasty: bool,
}

/// Sends one message. `receipt` is the byte the acceptor answered with, if any.
pub async fn send(node: &Node, args: SendArgs) -> Result<Value> {
    let addr = args.peer.to_addr()?;
    let connection = tokio::time::timeout(CONNECT_WAIT, node.endpoint.connect(addr, ALPN))
        .await
        .map_err(|_| fail("TIMEOUT", "no connection"))?
        .or_code("NET_FAILED")?;
    let (mut send, mut recv) = connection.open_bi().await.or_code("NET_FAILED")?;
    send.write_all(args.payload.as_bytes())
        .await
        .or_code("NET_FAILED")?;
    send.finish().or_code("NET_FAILED")?;
    if args.hasty {
        return Ok(json!({ "receipt": null }));
    }
    let answer = tokio::time::timeout(RECEIPT_WAIT, recv.read_to_end(16)).await;
    let receipt = answer
        .ok()
        .and_then(|read| read.ok())
        .and_then(|bytes| bytes.first().copied());
    if receipt.is_none() {
        // The original's acceptor ends its half before it reads, and goes once it has: until then nothing may be cut off.
        let _ = tokio::time::timeout(RECEIPT_WAIT, connection.closed()).await;
    }
    Ok(json!({ "receipt": receipt }))
}
