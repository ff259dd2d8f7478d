//! One bound endpoint with the protocols of a K2 node: gossip, blobs, docs, sync invitations, direct messages.

use std::{any::Any, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use iroh::{
    Endpoint, EndpointAddr, RelayMode, RelayUrl, SecretKey, address_lookup::memory::MemoryLookup,
    endpoint::presets, protocol::Router,
};
use iroh_blobs::{
    BlobsProtocol,
    api::Store,
    store::{fs::FsStore, mem::MemStore},
};
use iroh_docs::protocol::Docs;
use iroh_gossip::{net::Gossip, proto::HyparviewConfig};
use iroh_mdns_address_lookup::MdnsAddressLookup;
use iroh_tickets::endpoint::EndpointTicket;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::{self, PeerAddrArg},
    dm::{self, DmState},
    docs::DocsState,
    error::{OrCode, Result, fail},
    gossip::GossipState,
    invite::{self, InviteState},
    out::Out,
};

/// How long a node has to find its relay.
const RELAY_WAIT: Duration = Duration::from_secs(20);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindArgs {
    /// 64 hex digits of the seed; a fresh key without it.
    #[serde(default)]
    secret: Option<String>,
    /// Address to bind, loopback without it. The port is chosen by the system unless given.
    #[serde(default)]
    ip: Option<IpAddr>,
    #[serde(default)]
    port: u16,
    /// Keeps blobs and docs in files below this folder, as K2 does; in memory without it.
    #[serde(default)]
    data_dir: Option<PathBuf>,
    /// Interval of the gossip shuffle, 60 s without it.
    #[serde(default)]
    shuffle_ms: Option<u64>,
    /// Active view capacity of the gossip membership, 5 without it.
    #[serde(default)]
    active_view: Option<usize>,
    /// Announces itself on the local network and looks there for others.
    #[serde(default)]
    mdns: bool,
    /// URL of a relay server; none without it, n0's with `n0`.
    #[serde(default)]
    relay: Option<String>,
    /// The preset of K2 applications: publishes itself with n0's service and resolves ids through it.
    #[serde(default)]
    n0: bool,
}

#[derive(Debug)]
pub struct Node {
    pub endpoint: Endpoint,
    pub lookup: MemoryLookup,
    pub gossip: Gossip,
    pub store: Store,
    pub docs: Docs,
    pub out: Out,
    pub topics: GossipState,
    pub open_docs: DocsState,
    pub invites: Arc<InviteState>,
    router: Router,
    persistent: bool,
    /// The concrete store; its background work ends with it.
    _store_owner: Box<dyn Any + Send + Sync>,
}

impl Node {
    pub async fn bind(args: BindArgs, out: Out) -> Result<Self> {
        let secret = match &args.secret {
            Some(text) => args::secret_key(text)?,
            None => SecretKey::generate(),
        };
        let lookup = MemoryLookup::new();
        let ip = args.ip.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        let mut builder = if args.n0 {
            Endpoint::builder(presets::N0)
        } else {
            Endpoint::builder(presets::Minimal).relay_mode(RelayMode::Disabled)
        };
        if let Some(url) = &args.relay {
            let url: RelayUrl = url.parse().or_code("BAD_ARGUMENT")?;
            builder = builder.relay_mode(RelayMode::custom([url]));
        }
        builder = builder.secret_key(secret).address_lookup(lookup.clone());
        if args.mdns {
            builder = builder.address_lookup(MdnsAddressLookup::builder());
        }
        let endpoint = builder
            .clear_ip_transports()
            .bind_addr((ip, args.port))
            .or_code("BIND_FAILED")?
            .bind()
            .await
            .or_code("BIND_FAILED")?;
        if args.relay.is_some() {
            tokio::time::timeout(RELAY_WAIT, endpoint.online())
                .await
                .or_code("BIND_FAILED")?;
        }

        let mut membership = HyparviewConfig::default();
        if let Some(ms) = args.shuffle_ms {
            membership.shuffle_interval = Duration::from_millis(ms);
        }
        if let Some(capacity) = args.active_view {
            membership.active_view_capacity = capacity;
        }
        let gossip = Gossip::builder()
            .membership_config(membership)
            .spawn(endpoint.clone());

        let (store, store_owner, docs) = match &args.data_dir {
            Some(folder) => {
                let docs_folder = folder.join("docs");
                tokio::fs::create_dir_all(&docs_folder)
                    .await
                    .or_code("BIND_FAILED")?;
                let owner = FsStore::load(folder.join("blobs"))
                    .await
                    .or_code("BIND_FAILED")?;
                let store: Store = (*owner).clone();
                let owner: Box<dyn Any + Send + Sync> = Box::new(owner);
                (store, owner, Docs::persistent(docs_folder))
            }
            None => {
                let owner = MemStore::new();
                let store: Store = (*owner).clone();
                let owner: Box<dyn Any + Send + Sync> = Box::new(owner);
                (store, owner, Docs::memory())
            }
        };
        let docs = docs
            .spawn(endpoint.clone(), store.clone(), gossip.clone())
            .await
            .or_code("BIND_FAILED")?;
        let invites = Arc::new(InviteState::default());
        let router = Router::builder(endpoint.clone())
            .accept(iroh_blobs::ALPN, BlobsProtocol::new(&store, None))
            .accept(iroh_gossip::ALPN, gossip.clone())
            .accept(iroh_docs::ALPN, docs.clone())
            .accept(
                invite::ALPN,
                invite::Acceptor::new(invites.clone(), out.clone()),
            )
            .accept(dm::ALPN, DmState::new(out.clone()))
            .spawn();
        Ok(Self {
            endpoint,
            lookup,
            gossip,
            store,
            docs,
            out,
            topics: GossipState::default(),
            open_docs: DocsState::default(),
            invites,
            router,
            persistent: args.data_dir.is_some(),
            _store_owner: store_owner,
        })
    }

    pub fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// The own address: what the endpoint reports, or its sockets while it does not know more.
    pub fn addr(&self) -> EndpointAddr {
        let mut addr = self.endpoint.addr();
        if addr.addrs.is_empty() {
            for socket in self.endpoint.bound_sockets() {
                if !socket.ip().is_unspecified() {
                    addr = addr.with_ip_addr(socket);
                }
            }
        }
        addr
    }

    pub fn describe(&self) -> Value {
        let addr = self.addr();
        let mut addrs: Vec<String> = addr.ip_addrs().map(|socket| socket.to_string()).collect();
        addrs.sort();
        json!({
            "id": args::to_hex(addr.id.as_bytes()),
            "addrs": addrs,
            "relay": addr.relay_urls().next().map(ToString::to_string),
            "ticket": EndpointTicket::new(addr).to_string(),
        })
    }

    /// Makes an address known to every protocol of this node.
    pub fn add_addr(&self, arg: &PeerAddrArg) -> Result<Value> {
        let addr = arg.to_addr()?;
        if addr.id == self.endpoint.id() {
            return Err(fail("BAD_ARGUMENT", "this is the own id"));
        }
        self.lookup.add_endpoint_info(addr);
        Ok(json!({}))
    }

    pub fn gossip_metrics(&self) -> Value {
        let m = self.gossip.metrics();
        json!({
            "data_sent": m.msgs_data_sent.get(),
            "data_recv": m.msgs_data_recv.get(),
            "ctrl_sent": m.msgs_ctrl_sent.get(),
            "ctrl_recv": m.msgs_ctrl_recv.get(),
            "neighbor_up": m.neighbor_up.get(),
            "neighbor_down": m.neighbor_down.get(),
        })
    }

    /// Orderly end: topics are left, protocols shut down, connections closed.
    pub async fn close(&self) -> Result<Value> {
        self.topics.leave_all().await;
        self.router.shutdown().await.or_code("CLOSE_FAILED")?;
        Ok(json!({}))
    }
}

/// A bare endpoint on loopback with a fresh key, for recording what others send.
pub async fn loopback_endpoint() -> Result<Endpoint> {
    Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_ip_transports()
        .bind_addr("127.0.0.1:0")
        .or_code("BIND_FAILED")?
        .bind()
        .await
        .or_code("BIND_FAILED")
}
