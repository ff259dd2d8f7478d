//! Blobs the way k2-core uses them: bytes and files (by reference) in, tickets out, downloads through the downloader.

use std::{path::PathBuf, str::FromStr};

use iroh_blobs::{
    BlobFormat, Hash, HashAndFormat,
    api::blobs::{AddPathOptions, BlobStatus, ImportMode},
    format::collection::Collection,
    hashseq::HashSeq,
    ticket::BlobTicket,
};
use n0_future::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    args::{self, ContentArg, PeerAddrArg},
    error::{OrCode, Result, fail},
    node::Node,
};

/// Largest content an answer carries as hex.
const MAX_PRINTED: usize = 1 << 20;

fn hash(text: &str) -> Result<Hash> {
    Ok(Hash::from_bytes(args::hex32(text)?))
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    #[default]
    Raw,
    HashSeq,
}

impl From<Format> for BlobFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Raw => BlobFormat::Raw,
            Format::HashSeq => BlobFormat::HashSeq,
        }
    }
}

fn format_name(format: BlobFormat) -> &'static str {
    match format {
        BlobFormat::Raw => "raw",
        BlobFormat::HashSeq => "hash_seq",
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddArgs {
    content: ContentArg,
}

/// Stores bytes under a new automatic tag.
pub async fn add(node: &Node, args: AddArgs) -> Result<Value> {
    let tag = node
        .store
        .blobs()
        .add_slice(args.content.to_bytes()?)
        .await
        .or_code("BLOB_FAILED")?;
    Ok(json!({ "hash": args::to_hex(tag.hash.as_bytes()) }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddFileArgs {
    path: PathBuf,
}

/// Imports a file by reference; needs a node with a data folder to be more than a copy.
pub async fn add_file(node: &Node, args: AddFileArgs) -> Result<Value> {
    if !args.path.is_absolute() {
        return Err(fail("BAD_ARGUMENT", "the path must be absolute"));
    }
    let options = AddPathOptions {
        path: args.path,
        format: BlobFormat::Raw,
        mode: ImportMode::TryReference,
    };
    let tag = node
        .store
        .blobs()
        .add_path_with_opts(options)
        .await
        .or_code("BLOB_FAILED")?;
    let size = match node
        .store
        .blobs()
        .status(tag.hash)
        .await
        .or_code("BLOB_FAILED")?
    {
        BlobStatus::Complete { size } => size,
        _ => return Err(fail("BLOB_FAILED", "the imported file is not complete")),
    };
    Ok(
        json!({ "hash": args::to_hex(tag.hash.as_bytes()), "size": size, "by_reference": node.is_persistent() }),
    )
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketArgs {
    hash: String,
    #[serde(default)]
    format: Format,
    /// Also prints K2's share string `<name>|<ticket>`.
    #[serde(default)]
    name: Option<String>,
}

pub fn ticket(node: &Node, args: TicketArgs) -> Result<Value> {
    let ticket = BlobTicket::new(node.addr(), hash(&args.hash)?, args.format.into()).to_string();
    let share = args.name.map(|name| format!("{name}|{ticket}"));
    Ok(json!({ "ticket": ticket, "share": share }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParseTicketArgs {
    ticket: String,
}

pub fn parse_ticket(args: ParseTicketArgs) -> Result<Value> {
    let ticket = BlobTicket::from_str(&args.ticket).or_code("BLOB_BAD_TICKET")?;
    Ok(json!({
        "hash": args::to_hex(ticket.hash().as_bytes()),
        "format": format_name(ticket.format()),
        "id": args::to_hex(ticket.addr().id.as_bytes()),
        "addrs": ticket.addr().ip_addrs().map(|addr| addr.to_string()).collect::<Vec<_>>(),
        "relays": ticket.addr().relay_urls().map(|url| url.to_string()).collect::<Vec<_>>(),
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetArgs {
    ticket: String,
    /// Takes the addresses out of the ticket too. K2 does not: it dials by id alone.
    #[serde(default)]
    use_ticket_addrs: bool,
    /// Downloads everything a hash sequence names. K2 downloads the raw blob alone.
    #[serde(default)]
    recursive: bool,
}

/// Downloads by ticket through a new downloader with the ticket's endpoint id as the only provider.
pub async fn get(node: &Node, args: GetArgs) -> Result<Value> {
    let ticket = BlobTicket::from_str(&args.ticket).or_code("BLOB_BAD_TICKET")?;
    if args.use_ticket_addrs {
        node.lookup.add_endpoint_info(ticket.addr().clone());
    }
    let downloader = node.store.downloader(&node.endpoint);
    let provider = vec![ticket.addr().id];
    let done = match args.recursive {
        true => {
            downloader
                .download(HashAndFormat::hash_seq(ticket.hash()), provider)
                .await
        }
        false => downloader.download(ticket.hash(), provider).await,
    };
    done.or_code("BLOB_DOWNLOAD_FAILED")?;
    Ok(json!({ "hash": args::to_hex(ticket.hash().as_bytes()) }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashArgs {
    hash: String,
}

pub async fn status(node: &Node, args: HashArgs) -> Result<Value> {
    Ok(
        match node
            .store
            .blobs()
            .status(hash(&args.hash)?)
            .await
            .or_code("BLOB_FAILED")?
        {
            BlobStatus::NotFound => json!({ "status": "missing" }),
            BlobStatus::Partial { size } => json!({ "status": "partial", "size": size }),
            BlobStatus::Complete { size } => json!({ "status": "complete", "size": size }),
        },
    )
}

/// The length and, up to 1 MiB, the bytes of a complete blob. `matches` says that they hash to the name.
pub async fn read(node: &Node, args: HashArgs) -> Result<Value> {
    let hash = hash(&args.hash)?;
    let bytes = node
        .store
        .blobs()
        .get_bytes(hash)
        .await
        .or_code("BLOB_FAILED")?;
    let data = (bytes.len() <= MAX_PRINTED).then(|| args::to_hex(&bytes));
    Ok(json!({ "size": bytes.len(), "data": data, "matches": Hash::new(&bytes) == hash }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportArgs {
    hash: String,
    path: PathBuf,
}

pub async fn export(node: &Node, args: ExportArgs) -> Result<Value> {
    if !args.path.is_absolute() {
        return Err(fail("BAD_ARGUMENT", "the path must be absolute"));
    }
    let size = node
        .store
        .blobs()
        .export(hash(&args.hash)?, args.path)
        .await
        .or_code("BLOB_FAILED")?;
    Ok(json!({ "size": size }))
}

/// Removes every tag of the hash, K2's way of deleting.
pub async fn delete(node: &Node, args: HashArgs) -> Result<Value> {
    let hash = hash(&args.hash)?;
    let mut tags = node.store.tags().list().await.or_code("BLOB_FAILED")?;
    let mut removed = 0;
    while let Some(tag) = tags.next().await {
        let tag = tag.or_code("BLOB_FAILED")?;
        if tag.hash == hash {
            removed += node
                .store
                .tags()
                .delete(tag.name)
                .await
                .or_code("BLOB_FAILED")?;
        }
    }
    Ok(json!({ "removed": removed }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedContent {
    name: String,
    content: ContentArg,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionArgs {
    files: Vec<NamedContent>,
}

/// Stores the files and a collection of them; the answer names the hash sequence.
pub async fn add_collection(node: &Node, args: CollectionArgs) -> Result<Value> {
    let mut collection = Collection::default();
    for file in args.files {
        let tag = node
            .store
            .blobs()
            .add_slice(file.content.to_bytes()?)
            .await
            .or_code("BLOB_FAILED")?;
        collection.push(file.name, tag.hash);
    }
    let root = collection.store(&node.store).await.or_code("BLOB_FAILED")?;
    node.store
        .tags()
        .create(HashAndFormat::hash_seq(root.hash()))
        .await
        .or_code("BLOB_FAILED")?;
    Ok(json!({ "hash": args::to_hex(root.hash().as_bytes()) }))
}

/// Names and hashes of a collection that is complete here.
pub async fn read_collection(node: &Node, args: HashArgs) -> Result<Value> {
    let collection = Collection::load(hash(&args.hash)?, &node.store)
        .await
        .or_code("BLOB_FAILED")?;
    let files: Vec<Value> = collection
        .iter()
        .map(|(name, hash)| json!({ "name": name, "hash": args::to_hex(hash.as_bytes()) }))
        .collect();
    Ok(json!({ "files": files }))
}

/// The hashes a stored hash sequence lists.
pub async fn read_hash_seq(node: &Node, args: HashArgs) -> Result<Value> {
    let bytes = node
        .store
        .blobs()
        .get_bytes(hash(&args.hash)?)
        .await
        .or_code("BLOB_FAILED")?;
    let sequence = HashSeq::new(bytes)
        .ok_or_else(|| fail("BLOB_FAILED", "the length is not a multiple of 32"))?;
    let hashes: Vec<String> = sequence
        .iter()
        .map(|hash| args::to_hex(hash.as_bytes()))
        .collect();
    Ok(json!({ "hashes": hashes }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectedArgs {
    peer: PeerAddrArg,
    hash: String,
    #[serde(default)]
    format: Format,
}

/// Fetches over one connection dialled here and now, without the downloader's pool.
pub async fn fetch(node: &Node, args: ConnectedArgs) -> Result<Value> {
    let connection = node
        .endpoint
        .connect(args.peer.to_addr()?, iroh_blobs::ALPN)
        .await
        .or_code("NET_FAILED")?;
    let content = HashAndFormat::new(hash(&args.hash)?, args.format.into());
    let stats = node
        .store
        .remote()
        .fetch(connection, content)
        .complete()
        .await
        .or_code("BLOB_DOWNLOAD_FAILED")?;
    Ok(json!({ "payload_bytes": stats.payload_bytes_read }))
}
