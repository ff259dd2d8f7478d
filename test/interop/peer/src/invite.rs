//! `k2/sync-invite/1`, both roles: one JSON value, one byte back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use iroh::{
    endpoint::Connection,
    protocol::{AcceptError, ProtocolHandler},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    args::{self, PeerAddrArg},
    error::{OrCode, Result, fail},
    node::Node,
    out::Out,
};

pub const ALPN: &[u8] = b"k2/sync-invite/1";
/// The acceptor reads at most this much.
const MAX_REQUEST: usize = 1024;
const CONNECT_WAIT: Duration = Duration::from_secs(30);
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// How long an acceptor keeps the connection after its answer.
const LINGER: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    Invitation {
        folder_id: String,
        folder_name: String,
        ticket: String,
    },
    QueryStatus(String),
}

/// What this node knows of folders: the byte a status query is answered with (3 configured, 2 pending, 4 left, 1 unknown).
#[derive(Debug, Default)]
pub struct InviteState(Mutex<HashMap<String, u8>>);

impl InviteState {
    fn set(&self, folder: &str, status: u8) {
        if let Ok(mut folders) = self.0.lock() {
            folders.insert(folder.to_owned(), status);
        }
    }
    fn status(&self, folder: &str) -> u8 {
        self.0
            .lock()
            .ok()
            .and_then(|folders| folders.get(folder).copied())
            .unwrap_or(1)
    }
}

#[derive(Debug)]
pub struct Acceptor {
    state: Arc<InviteState>,
    out: Out,
}

impl Acceptor {
    pub fn new(state: Arc<InviteState>, out: Out) -> Self {
        Self { state, out }
    }

    async fn serve(&self, connection: &Connection) -> Result<()> {
        let from = args::to_hex(connection.remote_id().as_bytes());
        let (mut send, mut recv) = match connection.accept_bi().await {
            Ok(streams) => streams,
            Err(_) => {
                // A connection without a stream is the online check of the application.
                self.out.event("invite.ping", json!({ "from": from })).await;
                return Ok(());
            }
        };
        let bytes = recv
            .read_to_end(MAX_REQUEST)
            .await
            .or_code("INVITE_FAILED")?;
        let request: Request = serde_json::from_slice(&bytes).or_code("INVITE_BAD_REQUEST")?;
        let answer = match request {
            Request::Invitation {
                folder_id,
                folder_name,
                ticket,
            } => {
                ticket
                    .parse::<iroh_docs::DocTicket>()
                    .or_code("INVITE_BAD_TICKET")?;
                self.state.set(&folder_id, 2);
                self.out
                    .event(
                        "invite.received",
                        json!({ "from": from, "folder_id": folder_id, "folder_name": folder_name, "ticket": ticket }),
                    )
                    .await;
                1
            }
            Request::QueryStatus(folder_id) => {
                let status = self.state.status(&folder_id);
                self.out
                    .event(
                        "invite.queried",
                        json!({ "from": from, "folder_id": folder_id, "answer": status }),
                    )
                    .await;
                status
            }
        };
        send.write_all(&[answer]).await.or_code("INVITE_FAILED")?;
        send.finish().or_code("INVITE_FAILED")?;
        tokio::time::sleep(LINGER).await;
        Ok(())
    }
}

impl ProtocolHandler for Acceptor {
    async fn accept(&self, connection: Connection) -> std::result::Result<(), AcceptError> {
        if let Err(error) = self.serve(&connection).await {
            self.out
                .event(
                    "invite.failed",
                    json!({ "code": error.code, "message": error.message }),
                )
                .await;
        }
        Ok(())
    }
}

async fn exchange(node: &Node, peer: &PeerAddrArg, request: &Request) -> Result<u8> {
    let addr = peer.to_addr()?;
    let connection = tokio::time::timeout(CONNECT_WAIT, node.endpoint.connect(addr, ALPN))
        .await
        .map_err(|_| fail("TIMEOUT", "no connection"))?
        .or_code("NET_FAILED")?;
    let (mut send, mut recv) = connection.open_bi().await.or_code("NET_FAILED")?;
    let bytes = serde_json::to_vec(request).or_code("BAD_ARGUMENT")?;
    send.write_all(&bytes).await.or_code("NET_FAILED")?;
    send.finish().or_code("NET_FAILED")?;
    let mut answer = [0u8; 1];
    tokio::time::timeout(ANSWER_WAIT, recv.read_exact(&mut answer))
        .await
        .map_err(|_| fail("TIMEOUT", "no answer"))?
        .or_code("INVITE_NO_ANSWER")?;
    Ok(answer[0])
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendArgs {
    peer: PeerAddrArg,
    folder_id: String,
    folder_name: String,
    ticket: String,
}

/// Sends an invitation; the answer byte 1 means that it was stored.
pub async fn send(node: &Node, args: SendArgs) -> Result<Value> {
    let request = Request::Invitation {
        folder_id: args.folder_id,
        folder_name: args.folder_name,
        ticket: args.ticket,
    };
    let answer = exchange(node, &args.peer, &request).await?;
    Ok(json!({ "answer": answer, "stored": answer == 1 }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryArgs {
    peer: PeerAddrArg,
    folder_id: String,
}

/// Asks for the state of an invitation and reads the byte as the application does.
pub async fn query(node: &Node, args: QueryArgs) -> Result<Value> {
    let answer = exchange(node, &args.peer, &Request::QueryStatus(args.folder_id)).await?;
    let meaning = match answer {
        2 => "pending",
        3 => "accepted",
        4 => "left",
        _ => "rejected",
    };
    Ok(json!({ "answer": answer, "meaning": meaning }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PingArgs {
    peer: PeerAddrArg,
}

/// The online check: connect and let go.
pub async fn ping(node: &Node, args: PingArgs) -> Result<Value> {
    node.endpoint
        .connect(args.peer.to_addr()?, ALPN)
        .await
        .or_code("NET_FAILED")?;
    Ok(json!({}))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderStatus {
    Accepted,
    Pending,
    Left,
    Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetArgs {
    folder_id: String,
    status: FolderStatus,
}

/// Sets what later status queries are answered with.
pub fn set(node: &Node, args: SetArgs) -> Result<Value> {
    let byte = match args.status {
        FolderStatus::Accepted => 3,
        FolderStatus::Pending => 2,
        FolderStatus::Left => 4,
        FolderStatus::Unknown => 1,
    };
    node.invites.set(&args.folder_id, byte);
    Ok(json!({}))
}
