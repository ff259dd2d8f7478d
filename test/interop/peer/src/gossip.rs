//! Topics: subscribe, join, broadcast, leave; events go to the output as they come.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use iroh_gossip::{
    TopicId,
    api::{Event, GossipSender, Message},
    proto::DeliveryScope,
};
use n0_future::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    args::{self, ContentArg},
    error::{OrCode, Result, fail},
    load::{self, LoadBook},
    node::Node,
    out::Out,
};

/// Live subscriptions by handle. Several handles may name one topic, as K2's short-lived subscriptions do.
#[derive(Debug, Default)]
pub struct GossipState {
    subscriptions: Mutex<HashMap<String, Subscription>>,
    pub load: Arc<LoadBook>,
}

#[derive(Debug)]
struct Subscription {
    sender: GossipSender,
    reader: JoinHandle<()>,
}

impl GossipState {
    pub async fn leave_all(&self) {
        for (_, subscription) in self.subscriptions.lock().await.drain() {
            subscription.reader.abort();
        }
    }

    pub async fn sender(&self, handle: &str) -> Result<GossipSender> {
        match self.subscriptions.lock().await.get(handle) {
            Some(subscription) => Ok(subscription.sender.clone()),
            None => Err(fail("NOT_SUBSCRIBED", "no subscription has this handle")),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscribeArgs {
    pub topic: String,
    #[serde(default)]
    pub bootstrap: Vec<String>,
    /// Names the subscription in later commands and in events; the topic without it.
    #[serde(default)]
    pub handle: Option<String>,
}

pub async fn subscribe(node: &Node, args: SubscribeArgs) -> Result<Value> {
    let topic = TopicId::from_bytes(args::hex32(&args.topic)?);
    let bootstrap = args::endpoint_ids(&args.bootstrap)?;
    let handle = args
        .handle
        .unwrap_or_else(|| args::to_hex(topic.as_bytes()));
    let mut subscriptions = node.topics.subscriptions.lock().await;
    if subscriptions.contains_key(&handle) {
        return Err(fail(
            "ALREADY_SUBSCRIBED",
            "a subscription has this handle already",
        ));
    }
    let (sender, mut receiver) = node
        .gossip
        .subscribe(topic, bootstrap)
        .await
        .or_code("GOSSIP_FAILED")?
        .split();
    let reader = Reader {
        topic: args::to_hex(topic.as_bytes()),
        handle: handle.clone(),
        out: node.out.clone(),
        load: node.topics.load.clone(),
        sender: sender.clone(),
    };
    let reader = tokio::spawn(async move {
        while let Some(event) = receiver.next().await {
            match event {
                Ok(event) => reader.take(event).await,
                Err(error) => {
                    reader
                        .emit("gossip.failed", json!({ "message": format!("{error:#}") }))
                        .await;
                    break;
                }
            }
        }
        reader.emit("gossip.closed", json!({})).await;
    });
    subscriptions.insert(handle.clone(), Subscription { sender, reader });
    Ok(json!({ "handle": handle }))
}

struct Reader {
    topic: String,
    handle: String,
    out: Out,
    load: Arc<LoadBook>,
    sender: GossipSender,
}

impl Reader {
    async fn emit(&self, name: &str, mut body: Value) {
        body["topic"] = json!(self.topic);
        body["handle"] = json!(self.handle);
        self.out.event(name, body).await;
    }

    async fn take(&self, event: Event) {
        match event {
            Event::NeighborUp(peer) => {
                self.emit(
                    "gossip.neighbor_up",
                    json!({ "peer": args::to_hex(peer.as_bytes()) }),
                )
                .await;
            }
            Event::NeighborDown(peer) => {
                self.emit(
                    "gossip.neighbor_down",
                    json!({ "peer": args::to_hex(peer.as_bytes()) }),
                )
                .await;
            }
            Event::Lagged => self.emit("gossip.lagged", json!({})).await,
            Event::Received(message) => self.received(message).await,
        }
    }

    async fn received(&self, message: Message) {
        if load::is_load(&message.content) {
            if let Some(ack) = self.load.take(&self.topic, &message.content) {
                let _closing = self.sender.broadcast(ack).await;
            }
            return;
        }
        let (scope, round) = match message.scope {
            DeliveryScope::Neighbors => ("neighbors", Value::Null),
            DeliveryScope::Swarm(round) => {
                ("swarm", serde_json::to_value(round).unwrap_or_default())
            }
        };
        self.emit(
            "gossip.received",
            json!({
                "data": args::to_hex(&message.content),
                "from": args::to_hex(message.delivered_from.as_bytes()),
                "scope": scope,
                "round": round,
            }),
        )
        .await;
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinArgs {
    pub handle: String,
    pub peers: Vec<String>,
}

pub async fn join(node: &Node, args: JoinArgs) -> Result<Value> {
    let peers = args::endpoint_ids(&args.peers)?;
    node.topics
        .sender(&args.handle)
        .await?
        .join_peers(peers)
        .await
        .or_code("GOSSIP_FAILED")?;
    Ok(json!({}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BroadcastArgs {
    pub handle: String,
    pub content: ContentArg,
    #[serde(default)]
    pub neighbors: bool,
}

/// Hands the bytes to the crate unchecked, as K2 does: the crate has no size check at this place.
pub async fn broadcast(node: &Node, args: BroadcastArgs) -> Result<Value> {
    let content = Bytes::from(args.content.to_bytes()?);
    let sender = node.topics.sender(&args.handle).await?;
    let sent = match args.neighbors {
        true => sender.broadcast_neighbors(content).await,
        false => sender.broadcast(content).await,
    };
    sent.or_code("GOSSIP_FAILED")?;
    Ok(json!({}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaveArgs {
    pub handle: String,
}

/// Drops both halves of the subscription; the topic is quit when it was the last one.
pub async fn leave(node: &Node, args: LeaveArgs) -> Result<Value> {
    match node.topics.subscriptions.lock().await.remove(&args.handle) {
        Some(subscription) => {
            subscription.reader.abort();
            Ok(json!({}))
        }
        None => Err(fail("NOT_SUBSCRIBED", "no subscription has this handle")),
    }
}
