//! Messages of `n0/tracker/1` (discovery.md 6, 19). The crate is not published: mirrors of its types, with the real
//! hash, id and signature types inside.

use iroh::{EndpointId, Signature};
use iroh_blobs::{Hash, HashAndFormat};
use serde::Serialize;

use super::{Book, From, key};
use crate::{
    args,
    error::{OrCode, Result},
};

#[derive(Clone, Serialize)]
enum AnnounceKind {
    Partial,
    Complete,
}

#[derive(Clone, Serialize)]
struct Announce {
    host: EndpointId,
    content: HashAndFormat,
    kind: AnnounceKind,
    timestamp: u64,
}

#[derive(Clone, Serialize)]
struct SignedAnnounce {
    announce: Announce,
    signature: Signature,
}

#[derive(Serialize)]
struct Query {
    content: HashAndFormat,
    complete: bool,
    verified: bool,
}

#[derive(Serialize)]
enum Request {
    Announce(SignedAnnounce),
    Query(Query),
}

#[derive(Serialize)]
enum Response {
    QueryResponse(Vec<SignedAnnounce>),
}

pub fn vectors() -> Result<Book> {
    let mut book = Book::default();
    let secret = key(1);
    let topic = Hash::new(b"laptops");
    let content = HashAndFormat::raw(Hash::new(topic.as_bytes()));
    book.bytes("topic_id", From::Crate, topic.as_bytes());
    book.bytes("tracker_key", From::Crate, content.hash.as_bytes());
    book.postcard("hash_and_format", From::Crate, &content)?;
    book.bytes("dm_topic_a_b", From::Crate, Hash::new(b"dm:a-b").as_bytes());
    book.postcard("timestamp", From::Crate, &1_750_000_000_000_000u64)?;

    let announce = Announce {
        host: secret.public(),
        content,
        kind: AnnounceKind::Complete,
        timestamp: 1_750_000_000_000_000,
    };
    let preimage = book.postcard("announce_preimage", From::Mirror, &announce)?;
    let signed = SignedAnnounce {
        announce: announce.clone(),
        signature: secret.sign(&preimage),
    };
    book.bytes(
        "announce_signature",
        From::Crate,
        signed.signature.to_bytes(),
    );
    book.postcard(
        "announce_request",
        From::Mirror,
        &Request::Announce(signed.clone()),
    )?;
    let query = |complete, verified| {
        Request::Query(Query {
            content,
            complete,
            verified,
        })
    };
    book.postcard("query_request", From::Mirror, &query(false, false))?;
    book.postcard(
        "query_request_complete_verified",
        From::Mirror,
        &query(true, true),
    )?;
    book.postcard(
        "response_empty",
        From::Mirror,
        &Response::QueryResponse(vec![]),
    )?;
    book.postcard(
        "response_one",
        From::Mirror,
        &Response::QueryResponse(vec![signed]),
    )?;

    let partial = Announce {
        kind: AnnounceKind::Partial,
        ..announce
    };
    let preimage = postcard::to_stdvec(&partial).or_code("VECTOR_FAILED")?;
    let signed = SignedAnnounce {
        announce: partial,
        signature: secret.sign(&preimage),
    };
    book.postcard(
        "announce_request_partial",
        From::Mirror,
        &Request::Announce(signed),
    )?;
    let default_tracker =
        args::hex32("71853750efc1219d7976639087c5fb25cf8d4b49f6d509366f2e094a3f781623")?;
    let default_tracker = EndpointId::from_bytes(&default_tracker).or_code("VECTOR_FAILED")?;
    book.text("default_tracker_z32", default_tracker.to_z32());
    Ok(book)
}
