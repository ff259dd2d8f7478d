//! Frames of live document nodes (docs.md 7).

use std::time::Duration;

use iroh::protocol::Router;
use iroh_blobs::store::mem::MemStore;
use iroh_docs::{Capability, DocTicket, NamespaceSecret, net::AbortReason, protocol::Docs};
use iroh_gossip::net::Gossip;
use serde_json::json;

use super::{
    Book, From,
    docs::{Examples, Frame, replica},
};
use crate::{
    args::to_hex,
    error::{OrCode, Result, fail},
    node::loopback_endpoint,
};

const WAIT: Duration = Duration::from_secs(10);

/// The first frame of a live dialler, and how a live acceptor refuses an unknown document.
pub async fn record(book: &mut Book, examples: &Examples) -> Result<()> {
    let endpoint = loopback_endpoint().await?;
    let gossip = Gossip::builder().spawn(endpoint.clone());
    let blobs = MemStore::new();
    let docs = Docs::memory()
        .spawn(endpoint.clone(), (*blobs).clone(), gossip.clone())
        .await
        .or_code("VECTOR_FAILED")?;
    let router = Router::builder(endpoint.clone())
        .accept(iroh_gossip::ALPN, gossip)
        .accept(iroh_docs::ALPN, docs.clone())
        .spawn();

    let other = loopback_endpoint().await?;
    other.set_alpns(vec![iroh_docs::ALPN.to_vec()]);
    let recording = tokio::spawn({
        let other = other.clone();
        async move {
            // The gossip connection that comes along finds no taker here.
            let connection = loop {
                let incoming = other
                    .accept()
                    .await
                    .ok_or_else(|| fail("VECTOR_FAILED", "closed"))?;
                if let Ok(connection) = incoming.await {
                    break connection;
                }
            };
            let (_send, mut recv) = connection.accept_bi().await.or_code("VECTOR_FAILED")?;
            let mut frame = vec![0u8; 4 + 197];
            recv.read_exact(&mut frame).await.or_code("VECTOR_FAILED")?;
            Ok(frame)
        }
    });
    let ticket = DocTicket::new(
        Capability::Write(examples.namespace.clone()),
        vec![other.addr()],
    );
    docs.import(ticket).await.or_code("VECTOR_FAILED")?;
    let frame = tokio::time::timeout(WAIT, recording)
        .await
        .or_code("VECTOR_FAILED")?
        .or_code("VECTOR_FAILED")??;
    book.bytes("frame init 0 entries", From::Wire, frame);

    let unknown = NamespaceSecret::from_bytes(&[7; 32]).id();
    let handle = replica(examples, &[]).await?;
    let message = handle
        .sync_initial_message(examples.namespace.id())
        .await
        .or_code("VECTOR_FAILED")?;
    handle.shutdown().await.or_code("VECTOR_FAILED")?;
    let body = postcard::to_stdvec(&Frame::Init {
        namespace: unknown,
        message,
    })
    .or_code("VECTOR_FAILED")?;
    let connection = other
        .connect(endpoint.addr(), iroh_docs::ALPN)
        .await
        .or_code("VECTOR_FAILED")?;
    let (mut send, mut recv) = connection.open_bi().await.or_code("VECTOR_FAILED")?;
    send.write_all(&(body.len() as u32).to_be_bytes())
        .await
        .or_code("VECTOR_FAILED")?;
    send.write_all(&body).await.or_code("VECTOR_FAILED")?;
    let mut refusal = [0u8; 6];
    tokio::time::timeout(WAIT, recv.read_exact(&mut refusal))
        .await
        .or_code("VECTOR_FAILED")?
        .or_code("VECTOR_FAILED")?;
    book.bytes("frame abort not found", From::Wire, refusal);
    for (name, reason) in [
        ("abort not found", AbortReason::NotFound),
        ("abort already syncing", AbortReason::AlreadySyncing),
        ("abort internal error", AbortReason::InternalServerError),
    ] {
        let bytes = postcard::to_stdvec(&Frame::<()>::Abort { reason }).or_code("VECTOR_FAILED")?;
        book.put(name, json!({ "from": "mirror", "hex": to_hex(bytes) }));
    }
    connection.close(0u32.into(), b"");
    router.shutdown().await.or_code("VECTOR_FAILED")?;
    other.close().await;
    Ok(())
}
