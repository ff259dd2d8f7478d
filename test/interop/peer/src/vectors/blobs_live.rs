//! Responses and messages recorded from a live blob provider (blobs.md 7, 8, 16.4, 16.5).

use std::time::Duration;

use iroh::{
    Endpoint, EndpointAddr,
    endpoint::{Connection, ReadError, ReadToEndError, RecvStream},
    protocol::Router,
};
use iroh_blobs::{
    BlobsProtocol, Hash,
    format::collection::Collection,
    protocol::{ChunkRangesSeq, GetManyRequest, GetRequest, ObserveRequest, PushRequest, Request},
    store::mem::MemStore,
};
use serde_json::{Value, json};

use super::{
    Book, From,
    blobs::{SIZES, get, set},
};
use crate::{
    args::{pattern, to_hex},
    error::{OrCode, Result, fail},
    node::loopback_endpoint,
};

const READ_MAX: usize = 1 << 24;
const WAIT: Duration = Duration::from_secs(10);

/// Asks as a client does: one request, FIN, the whole answer.
async fn ask(
    connection: &Connection,
    request: &[u8],
) -> Result<std::result::Result<Vec<u8>, Value>> {
    let (mut send, mut recv) = connection.open_bi().await.or_code("VECTOR_FAILED")?;
    send.write_all(request).await.or_code("VECTOR_FAILED")?;
    send.finish().or_code("VECTOR_FAILED")?;
    match recv.read_to_end(READ_MAX).await {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(ReadToEndError::Read(ReadError::Reset(code))) => {
            Ok(Err(json!({ "from": "wire", "reset": code.into_inner() })))
        }
        Err(error) => Err(fail("VECTOR_FAILED", error)),
    }
}

async fn answer(connection: &Connection, request: &Request) -> Result<Vec<u8>> {
    let bytes = postcard::to_stdvec(request).or_code("VECTOR_FAILED")?;
    ask(connection, &bytes)
        .await?
        .map_err(|reset| fail("VECTOR_FAILED", reset))
}

/// One message of an observe answer, its length prefix included.
async fn observed(recv: &mut RecvStream) -> Result<Vec<u8>> {
    let mut length = [0u8; 1];
    tokio::time::timeout(WAIT, recv.read_exact(&mut length))
        .await
        .or_code("VECTOR_FAILED")?
        .or_code("VECTOR_FAILED")?;
    let mut message = vec![0u8; usize::from(length[0]) + 1];
    message[0] = length[0];
    recv.read_exact(&mut message[1..])
        .await
        .or_code("VECTOR_FAILED")?;
    Ok(message)
}

async fn observe(connection: &Connection, hash: Hash) -> Result<RecvStream> {
    let (mut send, recv) = connection.open_bi().await.or_code("VECTOR_FAILED")?;
    let request = postcard::to_stdvec(&Request::Observe(ObserveRequest::new(hash)))
        .or_code("VECTOR_FAILED")?;
    send.write_all(&request).await.or_code("VECTOR_FAILED")?;
    send.finish().or_code("VECTOR_FAILED")?;
    Ok(recv)
}

/// Everything that needs a provider on the other end of a connection.
pub async fn record(book: &mut Book) -> Result<()> {
    let store = MemStore::new();
    for size in SIZES {
        store
            .blobs()
            .add_slice(pattern(size))
            .await
            .or_code("VECTOR_FAILED")?;
    }
    let endpoint = loopback_endpoint().await?;
    let router = Router::builder(endpoint.clone())
        .accept(iroh_blobs::ALPN, BlobsProtocol::new(&store, None))
        .spawn();
    let client = loopback_endpoint().await?;
    let addr = endpoint.addr();
    let connection = client
        .connect(addr.clone(), iroh_blobs::ALPN)
        .await
        .or_code("VECTOR_FAILED")?;

    responses(book, &connection).await?;
    collections(book, &store, &connection).await?;
    faults(book, &connection).await?;
    observers(book, &client, &addr, &connection).await?;
    push(book, &store, &client, &connection).await?;

    connection.close(0u32.into(), b"");
    router.shutdown().await.or_code("VECTOR_FAILED")?;
    client.close().await;
    Ok(())
}

async fn responses(book: &mut Book, connection: &Connection) -> Result<()> {
    let all: &[u64] = &[0];
    let probe: &[u64] = &[u64::MAX];
    let cases: [(usize, &str, &[u64]); 21] = [
        (0, "whole", all),
        (0, "probe", probe),
        (1, "whole", all),
        (1024, "whole", all),
        (1024, "probe", probe),
        (16_384, "whole", all),
        (16_384, "probe", probe),
        (16_384, "[5,6]", &[5, 6]),
        (16_385, "whole", all),
        (16_385, "probe", probe),
        (50_000, "whole", all),
        (50_000, "probe", probe),
        (50_000, "[16]", &[16]),
        (50_000, "[32]", &[32]),
        (50_000, "[0,16]", &[0, 16]),
        (50_000, "[0,1]", &[0, 1]),
        (50_000, "[0,4,48]", &[0, 4, 48]),
        (50_000, "[9,20]", &[9, 20]),
        (65_537, "whole", all),
        (65_537, "beyond the end [100,200]", &[100, 200]),
        (
            65_537,
            "hole at the last chunk [0,63,64,70]",
            &[0, 63, 64, 70],
        ),
    ];
    for (size, what, bounds) in cases {
        let request = Request::Get(get(Hash::new(pattern(size)), &[bounds], false));
        let bytes = answer(connection, &request).await?;
        book.bytes(&format!("response {size} {what}"), From::Wire, &bytes);
    }
    let many = GetManyRequest::new(
        vec![Hash::new(pattern(1)), Hash::new(pattern(50_000))],
        ChunkRangesSeq::from_ranges([set(&[0]), set(&[16])]),
    );
    let bytes = answer(connection, &Request::GetMany(many)).await?;
    book.bytes("response get_many 1 whole, 50000 [16]", From::Wire, &bytes);
    Ok(())
}

async fn collections(book: &mut Book, store: &MemStore, connection: &Connection) -> Result<()> {
    let mut collection = Collection::default();
    collection.push("a.txt".to_owned(), Hash::new(pattern(1)));
    collection.push("dir/b.bin".to_owned(), Hash::new(pattern(16_385)));
    let root = collection
        .store(store)
        .await
        .or_code("VECTOR_FAILED")?
        .hash();
    let sequence = store
        .blobs()
        .get_bytes(root)
        .await
        .or_code("VECTOR_FAILED")?;
    let meta: [u8; 32] = sequence[..32].try_into().or_code("VECTOR_FAILED")?;
    let meta = store
        .blobs()
        .get_bytes(Hash::from_bytes(meta))
        .await
        .or_code("VECTOR_FAILED")?;
    book.bytes("collection metadata", From::Crate, meta);
    book.bytes("collection hash seq", From::Crate, sequence);
    book.bytes("collection root", From::Crate, root.as_bytes());
    let bytes = answer(connection, &Request::Get(GetRequest::all(root))).await?;
    book.bytes("response collection", From::Wire, bytes);
    Ok(())
}

/// What a requester sees when it asks for something it cannot get.
async fn faults(book: &mut Book, connection: &Connection) -> Result<()> {
    let unknown = postcard::to_stdvec(&Request::Get(GetRequest::blob(Hash::new(
        b"nobody has this",
    ))))
    .or_code("VECTOR_FAILED")?;
    let raw = pattern(50_000);
    let not_a_sequence = Request::Get(GetRequest::all(Hash::new(raw)));
    let not_a_sequence = postcard::to_stdvec(&not_a_sequence).or_code("VECTOR_FAILED")?;
    let mut junk = postcard::to_stdvec(&Request::Get(GetRequest::blob(Hash::new(pattern(1)))))
        .or_code("VECTOR_FAILED")?;
    junk.extend_from_slice(b"junk");
    let cases: [(&str, Vec<u8>); 5] = [
        ("fault unknown hash", unknown),
        ("fault reserved discriminant", vec![5]),
        ("fault truncated body", vec![0, 1, 2, 3]),
        ("fault not a hash seq", not_a_sequence),
        ("fault trailing bytes", junk),
    ];
    for (name, request) in cases {
        match ask(connection, &request).await? {
            Ok(bytes) => book.put(name, json!({ "from": "wire", "finished": true, "hex": to_hex(&bytes[..bytes.len().min(64)]) })),
            Err(reset) => book.put(name, reset),
        }
    }
    Ok(())
}

/// A provider that has a part, then gets the rest while somebody watches.
async fn observers(
    book: &mut Book,
    client: &Endpoint,
    full: &EndpointAddr,
    connection: &Connection,
) -> Result<()> {
    let hash = Hash::new(pattern(50_000));
    book.bytes(
        "observe complete",
        From::Wire,
        observed(&mut observe(connection, hash).await?).await?,
    );
    let unknown = Hash::new(b"nobody has this");
    book.bytes(
        "observe unknown",
        From::Wire,
        observed(&mut observe(connection, unknown).await?).await?,
    );

    let store = MemStore::new();
    let endpoint = loopback_endpoint().await?;
    let router = Router::builder(endpoint.clone())
        .accept(iroh_blobs::ALPN, BlobsProtocol::new(&store, None))
        .spawn();
    let source = endpoint
        .connect(full.clone(), iroh_blobs::ALPN)
        .await
        .or_code("VECTOR_FAILED")?;
    let part = get(hash, &[&[0, 32]], false);
    store
        .remote()
        .execute_get(source.clone(), part)
        .complete()
        .await
        .or_code("VECTOR_FAILED")?;
    let watcher = client
        .connect(endpoint.addr(), iroh_blobs::ALPN)
        .await
        .or_code("VECTOR_FAILED")?;
    let mut events = observe(&watcher, hash).await?;
    book.bytes(
        "observe first 32 chunks",
        From::Wire,
        observed(&mut events).await?,
    );
    let rest = get(hash, &[&[32]], false);
    store
        .remote()
        .execute_get(source, rest)
        .complete()
        .await
        .or_code("VECTOR_FAILED")?;
    let mut differences = Vec::new();
    while !differences.ends_with(&[0x01, 0x20]) && !differences.ends_with(&[0x01, 0x30]) {
        differences.extend(observed(&mut events).await?);
    }
    book.bytes(
        "observe differences up to complete",
        From::Wire,
        differences,
    );
    watcher.close(0u32.into(), b"");
    router.shutdown().await.or_code("VECTOR_FAILED")
}

/// Records what a pusher writes, and whether a default provider takes it.
async fn push(
    book: &mut Book,
    store: &MemStore,
    client: &Endpoint,
    provider: &Connection,
) -> Result<()> {
    let other = MemStore::new();
    let known = other
        .blobs()
        .add_slice(pattern(50_000))
        .await
        .or_code("VECTOR_FAILED")?
        .hash;
    let unknown = other
        .blobs()
        .add_slice(b"pushed by a stranger")
        .await
        .or_code("VECTOR_FAILED")?
        .hash;

    let recorder = loopback_endpoint().await?;
    recorder.set_alpns(vec![iroh_blobs::ALPN.to_vec()]);
    let recording = tokio::spawn({
        let recorder = recorder.clone();
        async move {
            let incoming = recorder
                .accept()
                .await
                .ok_or_else(|| fail("VECTOR_FAILED", "closed"))?;
            let connection = incoming.await.or_code("VECTOR_FAILED")?;
            let (_send, mut recv) = connection.accept_bi().await.or_code("VECTOR_FAILED")?;
            recv.read_to_end(READ_MAX).await.or_code("VECTOR_FAILED")
        }
    });
    let connection = client
        .connect(recorder.addr(), iroh_blobs::ALPN)
        .await
        .or_code("VECTOR_FAILED")?;
    other
        .remote()
        .execute_push(
            connection.clone(),
            PushRequest::new(known, ChunkRangesSeq::root()),
        )
        .complete()
        .await
        .or_code("VECTOR_FAILED")?;
    let bytes = tokio::time::timeout(WAIT, recording)
        .await
        .or_code("VECTOR_FAILED")?
        .or_code("VECTOR_FAILED")??;
    book.bytes("push whole blob", From::Wire, bytes);
    connection.close(0u32.into(), b"");
    recorder.close().await;

    let request = PushRequest::new(unknown, ChunkRangesSeq::root());
    // Sending may succeed or fail, depending on when the refusal arrives; what counts is whether the blob is stored.
    let _sent = other
        .remote()
        .execute_push(provider.clone(), request)
        .complete()
        .await;
    let mut stored = false;
    for _ in 0..50 {
        stored = store.blobs().has(unknown).await.or_code("VECTOR_FAILED")?;
        if stored {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    book.put(
        "push to a default provider",
        json!({ "from": "wire", "stored": stored }),
    );
    Ok(())
}
