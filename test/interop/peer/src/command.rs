//! The table of commands.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::{
    args::parse,
    blobs, clock, desktop, dm, docs,
    error::{Result, fail},
    flood, gossip, invite, load, market,
    node::Node,
    out::Out,
    relay::Relay,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub id: Value,
    pub cmd: String,
    #[serde(default)]
    pub args: Value,
}

/// The state behind all commands: at most one bound node.
#[derive(Debug)]
pub struct Peer {
    node: RwLock<Option<Arc<Node>>>,
    relay: Relay,
    out: Out,
}

impl Peer {
    pub fn new(out: Out) -> Self {
        Self {
            node: RwLock::new(None),
            relay: Relay::default(),
            out,
        }
    }

    async fn node(&self) -> Result<Arc<Node>> {
        self.node
            .read()
            .await
            .clone()
            .ok_or_else(|| fail("NOT_BOUND", "bind a node first"))
    }

    async fn bind(&self, args: Value) -> Result<Value> {
        let args = parse(args)?;
        let mut slot = self.node.write().await;
        if slot.is_some() {
            return Err(fail("ALREADY_BOUND", "this process has a node already"));
        }
        let node = Node::bind(args, self.out.clone()).await?;
        let description = node.describe();
        *slot = Some(Arc::new(node));
        Ok(description)
    }

    pub async fn close(&self) -> Result<Value> {
        match self.node.write().await.take() {
            Some(node) => node.close().await,
            None => Ok(json!({})),
        }
    }

    /// Commands without a node first, then those that need one.
    pub async fn run(&self, cmd: &str, args: Value) -> Result<Value> {
        match cmd {
            "hello" => Ok(hello()),
            "node.bind" => self.bind(args).await,
            "node.close" => self.close().await,
            "relay.start" => self.relay.start(parse(args)?).await,
            "relay.stats" => self.relay.stats().await,
            "relay.stop" => self.relay.stop().await,
            "k2.topic" => market::topic(parse(args)?),
            "k2.dm_topic" => market::dm_topic(parse(args)?),
            "k2.market_encode" => market::encode(parse(args)?),
            "k2.market_decode" => market::decode(parse(args)?),
            "desktop.read" => desktop::read(parse(args)?),
            "desktop.write" => desktop::write(parse(args)?),
            "blobs.parse_ticket" => blobs::parse_ticket(parse(args)?),
            "blobs.flood" => flood::run(parse(args)?).await,
            _ => on_node(self, cmd, args).await,
        }
    }
}

/// The versions pinned in the manifest.
pub fn crates() -> Value {
    json!({
        "iroh": "1.0.3", "iroh-gossip": "0.101.0", "iroh-blobs": "0.103.1", "iroh-docs": "0.101.0",
        "iroh-tickets": "1.0.0", "bao-tree": "0.16.1", "blake3": "1.8.7", "postcard": "1.1.3",
    })
}

fn hello() -> Value {
    json!({
        "impl": "rust",
        "version": env!("CARGO_PKG_VERSION"),
        "crates": crates(),
        "monotonic_ns": clock::monotonic_ns().to_string(),
    })
}

async fn on_node(peer: &Peer, cmd: &str, args: Value) -> Result<Value> {
    let node = &*peer.node().await?;
    match cmd {
        "node.addr" => Ok(node.describe()),
        "node.add_addr" => node.add_addr(&parse(args)?),
        "node.metrics" => Ok(node.gossip_metrics()),
        "gossip.subscribe" => gossip::subscribe(node, parse(args)?).await,
        "gossip.join" => gossip::join(node, parse(args)?).await,
        "gossip.broadcast" => gossip::broadcast(node, parse(args)?).await,
        "gossip.leave" => gossip::leave(node, parse(args)?).await,
        "load.send" => load::send(node, parse(args)?).await,
        "load.report" => Ok(node.topics.load.report(&parse(args)?)),
        "blobs.add" => blobs::add(node, parse(args)?).await,
        "blobs.add_file" => blobs::add_file(node, parse(args)?).await,
        "blobs.ticket" => blobs::ticket(node, parse(args)?),
        "blobs.get" => blobs::get(node, parse(args)?).await,
        "blobs.fetch" => blobs::fetch(node, parse(args)?).await,
        "blobs.status" => blobs::status(node, parse(args)?).await,
        "blobs.read" => blobs::read(node, parse(args)?).await,
        "blobs.export" => blobs::export(node, parse(args)?).await,
        "blobs.delete" => blobs::delete(node, parse(args)?).await,
        "blobs.add_collection" => blobs::add_collection(node, parse(args)?).await,
        "blobs.read_collection" => blobs::read_collection(node, parse(args)?).await,
        "blobs.read_hash_seq" => blobs::read_hash_seq(node, parse(args)?).await,
        "docs.create" => docs::create(node).await,
        "docs.author" => docs::own_author(node).await,
        "docs.list" => docs::list(node).await,
        "docs.import" => docs::import(node, parse(args)?).await,
        "docs.share" => docs::share(node, parse(args)?).await,
        "docs.put" => docs::put(node, parse(args)?).await,
        "docs.set_hash" => docs::set_hash(node, parse(args)?).await,
        "docs.get" => docs::get(node, parse(args)?).await,
        "docs.delete" => docs::delete(node, parse(args)?).await,
        "docs.entries" => docs::entries(node, parse(args)?).await,
        "docs.start_sync" => docs::start_sync(node, parse(args)?).await,
        "docs.leave" => docs::leave(node, parse(args)?).await,
        "docs.status" => docs::status(node, parse(args)?).await,
        "docs.subscribe" => docs::subscribe(node, parse(args)?).await,
        "invite.send" => invite::send(node, parse(args)?).await,
        "invite.query" => invite::query(node, parse(args)?).await,
        "invite.ping" => invite::ping(node, parse(args)?).await,
        "invite.set" => invite::set(node, parse(args)?),
        "dm.send" => dm::send(node, parse(args)?).await,
        _ => Err(fail("BAD_COMMAND", "no command has this name")),
    }
}
