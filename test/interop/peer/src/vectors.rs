//! Prints every byte example of the specifications as the crates encode it, one JSON file per area.
//!
//! Each vector says where its bytes come from: `crate` (encoded by the public types of the crate), `wire` (recorded
//! from a live endpoint), `mirror` (the crate keeps the type to itself or is not published: a type of the same shape,
//! written from the specification, encoded by the same serialiser).

mod blobs;
mod blobs_live;
mod docs;
mod docs_live;
mod gossip;
mod k2;
mod keys;
mod tracker;

use std::{net::SocketAddr, path::Path};

use iroh::{EndpointAddr, EndpointId, RelayUrl, SecretKey, TransportAddr};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    args::to_hex,
    error::{OrCode, Result},
};

/// Contents longer than this are given by length, BLAKE3 and their first bytes only.
const MAX_FULL: usize = 12_000;
const HEAD: usize = 192;

#[derive(Clone, Copy)]
pub enum From {
    Crate,
    Wire,
    Mirror,
}

/// One area's vectors by name.
#[derive(Default)]
pub struct Book(Map<String, Value>);

impl Book {
    pub fn bytes(&mut self, name: &str, from: From, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let from = match from {
            From::Crate => "crate",
            From::Wire => "wire",
            From::Mirror => "mirror",
        };
        let mut value = json!({ "from": from, "length": bytes.len(), "blake3": to_hex(blake3::hash(bytes).as_bytes()) });
        match bytes.len() <= MAX_FULL {
            true => value["hex"] = json!(to_hex(bytes)),
            false => value["head"] = json!(to_hex(&bytes[..HEAD])),
        }
        self.put(name, value);
    }

    /// Encodes a value with the serialiser all these crates use.
    pub fn postcard(&mut self, name: &str, from: From, value: &impl Serialize) -> Result<Vec<u8>> {
        let bytes = postcard::to_stdvec(value).or_code("VECTOR_FAILED")?;
        self.bytes(name, from, &bytes);
        Ok(bytes)
    }

    pub fn text(&mut self, name: &str, text: impl Into<String>) {
        let text: String = text.into();
        self.put(name, json!({ "from": "crate", "text": text }));
    }

    pub fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }
}

/// Keys of the specifications: seeds of 32 equal bytes.
pub fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32])
}

pub fn relay(text: &str) -> Result<RelayUrl> {
    text.parse().or_code("VECTOR_FAILED")
}

pub fn addr(id: EndpointId, relay_url: Option<&str>, sockets: &[&str]) -> Result<EndpointAddr> {
    let mut addr = EndpointAddr::new(id);
    if let Some(text) = relay_url {
        addr.addrs.insert(TransportAddr::Relay(relay(text)?));
    }
    for text in sockets {
        let socket: SocketAddr = text.parse().or_code("VECTOR_FAILED")?;
        addr.addrs.insert(TransportAddr::Ip(socket));
    }
    Ok(addr)
}

pub async fn write(folder: &Path) -> Result<()> {
    tokio::fs::create_dir_all(folder)
        .await
        .or_code("VECTOR_FAILED")?;
    let areas = [
        ("gossip", gossip::vectors()?),
        ("keys", keys::vectors()?),
        ("blobs", blobs::vectors().await?),
        ("docs", docs::vectors().await?),
        ("tracker", tracker::vectors()?),
        ("k2", k2::vectors()?),
    ];
    for (name, book) in areas {
        let file = json!({
            "about": "Printed by the Rust peer (test/interop/peer); do not edit. See docs/interop.md.",
            "crates": crate::command::crates(),
            "vectors": book.0,
        });
        let mut text = serde_json::to_string_pretty(&file).or_code("VECTOR_FAILED")?;
        text.push('\n');
        tokio::fs::write(folder.join(format!("{name}.json")), text)
            .await
            .or_code("VECTOR_FAILED")?;
    }
    Ok(())
}
