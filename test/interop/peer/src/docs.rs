//! Documents the way k2-core uses them: one default author, `get` of the own author's slot only, shares with the id only.

use std::{collections::HashMap, str::FromStr};

use iroh_blobs::Hash;
use iroh_docs::{
    AuthorId, DocTicket, Entry, NamespaceId,
    api::{
        Doc,
        protocol::{AddrInfoOptions, ShareMode},
    },
    engine::LiveEvent,
    store::Query,
};
use n0_future::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    args::{self, PeerAddrArg},
    error::{OrCode, Result, fail},
    node::Node,
    out::Out,
};

/// Documents opened by commands, and the readers of their live events.
#[derive(Debug, Default)]
pub struct DocsState {
    open: Mutex<HashMap<NamespaceId, Doc>>,
    readers: Mutex<HashMap<NamespaceId, JoinHandle<()>>>,
}

impl DocsState {
    async fn keep(&self, doc: Doc) -> Value {
        let id = doc.id();
        self.open.lock().await.insert(id, doc);
        json!({ "doc": args::to_hex(id.as_bytes()) })
    }
}

fn namespace(text: &str) -> Result<NamespaceId> {
    Ok(NamespaceId::from(args::hex32(text)?))
}

async fn author(node: &Node) -> Result<AuthorId> {
    node.docs.author_default().await.or_code("DOC_FAILED")
}

/// The document of a command: one opened before, or one of the store.
async fn document(node: &Node, text: &str) -> Result<Doc> {
    let id = namespace(text)?;
    let mut open = node.open_docs.open.lock().await;
    if let Some(doc) = open.get(&id) {
        return Ok(doc.clone());
    }
    match node.docs.open(id).await.or_code("DOC_UNKNOWN")? {
        Some(doc) => {
            open.insert(id, doc.clone());
            Ok(doc)
        }
        None => Err(fail("DOC_UNKNOWN", "no document has this id")),
    }
}

pub async fn create(node: &Node) -> Result<Value> {
    let doc = node.docs.create().await.or_code("DOC_FAILED")?;
    Ok(node.open_docs.keep(doc).await)
}

pub async fn own_author(node: &Node) -> Result<Value> {
    Ok(json!({ "author": args::to_hex(author(node).await?.as_bytes()) }))
}

pub async fn list(node: &Node) -> Result<Value> {
    let mut stream = Box::pin(node.docs.list().await.or_code("DOC_FAILED")?);
    let mut docs = Vec::new();
    while let Some(item) = stream.next().await {
        let (id, kind) = item.or_code("DOC_FAILED")?;
        docs.push(json!({ "doc": args::to_hex(id.as_bytes()), "capability": kind.to_string() }));
    }
    Ok(json!({ "docs": docs }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportArgs {
    ticket: String,
    /// Prints the live events from before the first session on, so that none is missed.
    #[serde(default)]
    subscribe: bool,
}

/// Imports a ticket and starts to sync with the nodes it names.
pub async fn import(node: &Node, args: ImportArgs) -> Result<Value> {
    let ticket = DocTicket::from_str(&args.ticket).or_code("DOC_BAD_TICKET")?;
    let doc = match args.subscribe {
        false => node.docs.import(ticket).await.or_code("DOC_FAILED")?,
        true => {
            let (doc, events) = node
                .docs
                .import_and_subscribe(ticket)
                .await
                .or_code("DOC_FAILED")?;
            print_events(node, doc.id(), events).await;
            doc
        }
    };
    Ok(node.open_docs.keep(doc).await)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Read,
    Write,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareArgs {
    doc: String,
    mode: Mode,
    /// Puts the addresses into the ticket too. K2 shares the id only.
    #[serde(default)]
    with_addrs: bool,
}

pub async fn share(node: &Node, args: ShareArgs) -> Result<Value> {
    let mode = match args.mode {
        Mode::Read => ShareMode::Read,
        Mode::Write => ShareMode::Write,
    };
    let options = match args.with_addrs {
        true => AddrInfoOptions::RelayAndAddresses,
        false => AddrInfoOptions::Id,
    };
    let ticket = document(node, &args.doc)
        .await?
        .share(mode, options)
        .await
        .or_code("DOC_FAILED")?;
    Ok(json!({ "ticket": ticket.to_string() }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutArgs {
    doc: String,
    key: String,
    value: String,
}

/// Sets a text value; an empty value is silently ignored, as k2-core does.
pub async fn put(node: &Node, args: PutArgs) -> Result<Value> {
    let doc = document(node, &args.doc).await?;
    if args.value.is_empty() {
        return Ok(json!({ "hash": null }));
    }
    let hash = doc
        .set_bytes(author(node).await?, args.key, args.value)
        .await
        .or_code("DOC_FAILED")?;
    Ok(json!({ "hash": args::to_hex(hash.as_bytes()) }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetHashArgs {
    doc: String,
    key: String,
    hash: String,
    size: u64,
}

pub async fn set_hash(node: &Node, args: SetHashArgs) -> Result<Value> {
    let hash = Hash::from_bytes(args::hex32(&args.hash)?);
    let doc = document(node, &args.doc).await?;
    doc.set_hash(author(node).await?, args.key, hash, args.size)
        .await
        .or_code("DOC_FAILED")?;
    Ok(json!({}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyArgs {
    doc: String,
    key: String,
}

/// The own author's value, as text where it is UTF-8. Other authors' values for the key are not looked at.
pub async fn get(node: &Node, args: KeyArgs) -> Result<Value> {
    let doc = document(node, &args.doc).await?;
    let entry = doc
        .get_exact(author(node).await?, args.key, false)
        .await
        .or_code("DOC_FAILED")?;
    match entry {
        None => Ok(json!({ "value": null })),
        Some(entry) => {
            let content = node
                .store
                .blobs()
                .get_bytes(entry.content_hash())
                .await
                .or_code("DOC_NO_CONTENT")?;
            Ok(
                json!({ "value": String::from_utf8_lossy(&content), "hash": args::to_hex(entry.content_hash().as_bytes()) }),
            )
        }
    }
}

/// Removes the own entries below a key prefix.
pub async fn delete(node: &Node, args: KeyArgs) -> Result<Value> {
    let doc = document(node, &args.doc).await?;
    let removed = doc
        .del(author(node).await?, args.key)
        .await
        .or_code("DOC_FAILED")?;
    Ok(json!({ "removed": removed }))
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "author": args::to_hex(entry.author().as_bytes()),
        "key": String::from_utf8_lossy(entry.key()),
        "hash": args::to_hex(entry.content_hash().as_bytes()),
        "size": entry.content_len(),
        "timestamp": entry.timestamp().to_string(),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntriesArgs {
    doc: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    include_empty: bool,
}

/// Entries of all authors below a prefix, ordered by author and key.
pub async fn entries(node: &Node, args: EntriesArgs) -> Result<Value> {
    let doc = document(node, &args.doc).await?;
    let mut query = Query::key_prefix(&args.prefix);
    if args.include_empty {
        query = query.include_empty();
    }
    let mut stream = Box::pin(doc.get_many(query).await.or_code("DOC_FAILED")?);
    let mut entries = Vec::new();
    while let Some(entry) = stream.next().await {
        entries.push(entry_json(&entry.or_code("DOC_FAILED")?));
    }
    Ok(json!({ "entries": entries }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncArgs {
    doc: String,
    #[serde(default)]
    peers: Vec<PeerAddrArg>,
}

pub async fn start_sync(node: &Node, args: SyncArgs) -> Result<Value> {
    let peers = args
        .peers
        .iter()
        .map(PeerAddrArg::to_addr)
        .collect::<Result<Vec<_>>>()?;
    document(node, &args.doc)
        .await?
        .start_sync(peers)
        .await
        .or_code("DOC_FAILED")?;
    Ok(json!({}))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocArgs {
    doc: String,
}

pub async fn leave(node: &Node, args: DocArgs) -> Result<Value> {
    document(node, &args.doc)
        .await?
        .leave()
        .await
        .or_code("DOC_FAILED")?;
    Ok(json!({}))
}

pub async fn status(node: &Node, args: DocArgs) -> Result<Value> {
    let state = document(node, &args.doc)
        .await?
        .status()
        .await
        .or_code("DOC_FAILED")?;
    Ok(json!({ "sync": state.sync, "handles": state.handles, "subscribers": state.subscribers }))
}

/// Prints live events of the document from now on, once per document.
pub async fn subscribe(node: &Node, args: DocArgs) -> Result<Value> {
    let doc = document(node, &args.doc).await?;
    let known = node
        .open_docs
        .readers
        .lock()
        .await
        .contains_key(&doc.id());
    if !known {
        let events = doc.subscribe().await.or_code("DOC_FAILED")?;
        print_events(node, doc.id(), events).await;
    }
    Ok(json!({}))
}

/// Prints what a document tells, once per document.
async fn print_events<S, E>(node: &Node, doc: NamespaceId, mut events: S)
where
    S: n0_future::Stream<Item = std::result::Result<LiveEvent, E>> + Send + Unpin + 'static,
    E: std::fmt::Display + Send + 'static,
{
    let mut readers = node.open_docs.readers.lock().await;
    if readers.contains_key(&doc) {
        return;
    }
    let id = args::to_hex(doc.as_bytes());
    let out = node.out.clone();
    let reader = tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => emit(&out, &id, event).await,
                Err(error) => {
                    out.event(
                        "docs.failed",
                        json!({ "doc": id, "message": format!("{error:#}") }),
                    )
                    .await;
                    return;
                }
            }
        }
    });
    readers.insert(doc, reader);
}

async fn emit(out: &Out, doc: &str, event: LiveEvent) {
    let (name, mut body) = match event {
        LiveEvent::InsertLocal { entry } => {
            ("docs.insert_local", json!({ "entry": entry_json(&entry) }))
        }
        LiveEvent::InsertRemote {
            from,
            entry,
            content_status,
        } => (
            "docs.insert_remote",
            json!({
                "entry": entry_json(&entry),
                "from": args::to_hex(from.as_bytes()),
                "content": format!("{content_status:?}").to_lowercase(),
            }),
        ),
        LiveEvent::ContentReady { hash } => (
            "docs.content_ready",
            json!({ "hash": args::to_hex(hash.as_bytes()) }),
        ),
        LiveEvent::PendingContentReady => ("docs.pending_content_ready", json!({})),
        LiveEvent::NeighborUp(peer) => (
            "docs.neighbor_up",
            json!({ "peer": args::to_hex(peer.as_bytes()) }),
        ),
        LiveEvent::NeighborDown(peer) => (
            "docs.neighbor_down",
            json!({ "peer": args::to_hex(peer.as_bytes()) }),
        ),
        LiveEvent::SyncFinished(sync) => (
            "docs.sync_finished",
            json!({
                "peer": args::to_hex(sync.peer.as_bytes()),
                "origin": format!("{:?}", sync.origin),
                "received": sync.result.as_ref().ok().map(|details| details.entries_received),
                "sent": sync.result.as_ref().ok().map(|details| details.entries_sent),
                "error": sync.result.err(),
            }),
        ),
    };
    body["doc"] = json!(doc);
    out.event(name, body).await;
}
