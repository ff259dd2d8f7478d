//! Entries, reconciliation messages, frames and gossip operations of documents (docs.md 15).

use std::sync::Arc;

use iroh_blobs::Hash;
use iroh_docs::{
    Author, AuthorHeads, Capability, ContentStatus, Entry, NamespaceId, NamespaceSecret, Record,
    RecordIdentifier, SignedEntry, SyncOutcome,
    actor::{OpenOpts, SyncHandle},
    net::AbortReason,
    store::{DownloadPolicy, Store},
};
use serde::Serialize;
use serde_json::json;

use super::{Book, From, docs_live};
use crate::error::{OrCode, Result};

/// Time of the examples, in microseconds.
const T: u64 = 1_700_000_000_000_000;

/// The crate's frame content, which it keeps to itself.
#[derive(Serialize)]
pub enum Frame<M> {
    Init { namespace: NamespaceId, message: M },
    Sync(M),
    Abort { reason: AbortReason },
}

/// The crate's gossip operation, which it keeps to itself.
#[derive(Serialize)]
enum Op<'a> {
    Put(&'a SignedEntry),
    ContentReady(Hash),
    SyncReport {
        namespace: NamespaceId,
        heads: Vec<u8>,
    },
}

pub struct Examples {
    pub namespace: NamespaceSecret,
    author: Author,
}

impl Examples {
    fn entry(&self, key: &str, content: &[u8], timestamp: u64) -> Entry {
        let id = RecordIdentifier::new(self.namespace.id(), self.author.id(), key);
        Entry::new(
            id,
            Record::new(Hash::new(content), content.len() as u64, timestamp),
        )
    }

    fn signed(&self, key: &str, content: &[u8], timestamp: u64) -> SignedEntry {
        SignedEntry::from_entry(
            self.entry(key, content, timestamp),
            &self.namespace,
            &self.author,
        )
    }
}

pub async fn vectors() -> Result<Book> {
    let mut book = Book::default();
    let examples = Examples {
        namespace: NamespaceSecret::from_bytes(&[1; 32]),
        author: Author::from_bytes(&[2; 32]),
    };
    basics(&mut book, &examples)?;
    let e1 = examples.signed("hello", b"world", T);
    let e2 = examples.signed("alpha", b"1", T + 1);
    let e3 = examples.signed("beta", b"22", T + 2);
    let tombstone = examples.signed("hello", b"", T + 10);
    for (name, entry) in [("E1", &e1), ("E2", &e2), ("E3", &e3), ("TS", &tombstone)] {
        book.postcard(&format!("signed_entry {name}"), From::Crate, entry)?;
    }
    golden(&mut book)?;
    operations(&mut book, &examples, &e1)?;

    init(&mut book, &examples, "0 entries", &[]).await?;
    init(&mut book, &examples, "1 entry", &[&e1]).await?;
    init(&mut book, &examples, "3 entries", &[&e1, &e2, &e3]).await?;
    init(&mut book, &examples, "E2", &[&e2]).await?;
    init(&mut book, &examples, "E3", &[&e3]).await?;
    init(&mut book, &examples, "TS", &[&tombstone]).await?;
    session(&mut book, &examples, "B1", &[], &[&e1]).await?;
    session(&mut book, &examples, "B3", &[], &[&e1, &e2, &e3]).await?;
    session(&mut book, &examples, "T", &[&e2], &[&e3]).await?;
    session(&mut book, &examples, "R", &[&e1], &[&e1, &e2, &e3]).await?;
    docs_live::record(&mut book, &examples).await?;
    Ok(book)
}

fn basics(book: &mut Book, examples: &Examples) -> Result<()> {
    book.bytes(
        "namespace id",
        From::Crate,
        examples.namespace.id().as_bytes(),
    );
    book.bytes("author id", From::Crate, examples.author.id().as_bytes());
    for content in ["", "world", "1", "22"] {
        book.bytes(
            &format!("hash of {content:?}"),
            From::Crate,
            Hash::new(content).as_bytes(),
        );
    }
    book.postcard("varint T", From::Crate, &T)?;
    let entry = examples.entry("hello", b"world", T);
    book.bytes("record identifier E1", From::Crate, entry.id().as_bytes());
    book.bytes("preimage E1", From::Crate, entry.to_vec());
    book.bytes(
        "namespace signature E1",
        From::Crate,
        examples.namespace.sign(&entry.to_vec()).to_bytes(),
    );
    book.bytes(
        "author signature E1",
        From::Crate,
        examples.author.sign(&entry.to_vec()).to_bytes(),
    );
    book.postcard("entry E1", From::Crate, &entry)?;
    book.postcard(
        "capability write",
        From::Crate,
        &Capability::Write(examples.namespace.clone()),
    )?;
    book.postcard(
        "capability read",
        From::Crate,
        &Capability::Read(examples.namespace.id()),
    )?;
    let (write, read) = (
        Capability::Write(examples.namespace.clone()),
        Capability::Read(examples.namespace.id()),
    );
    book.put(
        "capability store kinds",
        json!({ "from": "crate", "write": write.raw().0, "read": read.raw().0 }),
    );
    book.postcard(
        "download policy default",
        From::Crate,
        &DownloadPolicy::default(),
    )?;
    Ok(())
}

/// The golden value that upstream keeps in its own tests.
fn golden(book: &mut Book) -> Result<()> {
    let author = Author::from_bytes(&[0xa1; 32]);
    let namespace = NamespaceSecret::from_bytes(&[0xb2; 32]);
    let id = RecordIdentifier::new(namespace.id(), author.id(), "wire-format-test");
    let entry = SignedEntry::from_entry(Entry::new(id, Record::empty(T)), &namespace, &author);
    book.postcard("signed_entry golden", From::Crate, &entry)?;
    Ok(())
}

fn operations(book: &mut Book, examples: &Examples, e1: &SignedEntry) -> Result<()> {
    let author = examples.author.id();
    let mut heads = AuthorHeads::default();
    book.bytes(
        "heads empty",
        From::Crate,
        heads.encode(None).or_code("VECTOR_FAILED")?,
    );
    heads.insert(author, T + 2);
    let one = heads.encode(None).or_code("VECTOR_FAILED")?;
    book.bytes("heads one", From::Crate, &one);
    heads.insert([0xaa; 32].into(), T + 5);
    book.bytes(
        "heads two",
        From::Crate,
        heads.encode(None).or_code("VECTOR_FAILED")?,
    );
    book.bytes(
        "heads two in 60 bytes",
        From::Crate,
        heads.encode(Some(60)).or_code("VECTOR_FAILED")?,
    );
    heads.insert([0xbb; 32].into(), T + 5);
    book.bytes(
        "heads with equal times",
        From::Crate,
        heads.encode(None).or_code("VECTOR_FAILED")?,
    );

    book.postcard("op put E1", From::Mirror, &Op::Put(e1))?;
    book.postcard(
        "op content ready",
        From::Mirror,
        &Op::ContentReady(Hash::new(b"world")),
    )?;
    let report = Op::SyncReport {
        namespace: examples.namespace.id(),
        heads: one,
    };
    book.postcard("op sync report", From::Mirror, &report)?;
    let put_length = |key_length: usize| {
        let entry = examples.signed(&"k".repeat(key_length), b"world", T);
        postcard::to_stdvec(&Op::Put(&entry))
            .map(|bytes| bytes.len())
            .or_code("VECTOR_FAILED")
    };
    book.put(
        "op put lengths",
        json!({ "from": "mirror", "key 64": put_length(64)?, "key 3821": put_length(3821)? }),
    );
    Ok(())
}

/// A replica of the example document with the given entries; every content counts as complete.
pub async fn replica(examples: &Examples, entries: &[&SignedEntry]) -> Result<SyncHandle> {
    let complete = Arc::new(|_: Hash| -> n0_future::boxed::BoxFuture<ContentStatus> {
        Box::pin(async { ContentStatus::Complete })
    });
    let handle = SyncHandle::spawn(Store::memory(), Some(complete), "vectors".to_owned());
    let id = handle
        .import_namespace(Capability::Write(examples.namespace.clone()))
        .await
        .or_code("VECTOR_FAILED")?;
    handle
        .open(id, OpenOpts::default().sync())
        .await
        .or_code("VECTOR_FAILED")?;
    for entry in entries {
        handle
            .insert_remote(id, (*entry).clone(), [9; 32], ContentStatus::Complete)
            .await
            .or_code("VECTOR_FAILED")?;
    }
    Ok(handle)
}

async fn init(
    book: &mut Book,
    examples: &Examples,
    name: &str,
    entries: &[&SignedEntry],
) -> Result<()> {
    let namespace = examples.namespace.id();
    let handle = replica(examples, entries).await?;
    let message = handle
        .sync_initial_message(namespace)
        .await
        .or_code("VECTOR_FAILED")?;
    let encoded = book.postcard(&format!("opening message {name}"), From::Crate, &message)?;
    book.postcard(
        &format!("init {name}"),
        From::Mirror,
        &Frame::Init { namespace, message },
    )?;
    // The fingerprint closes the message; a set's fingerprint is the XOR of its entries' with that of the empty set.
    let range = &encoded[encoded.len() - 32..];
    let folded: Vec<u8> = range
        .iter()
        .zip(Hash::new(b"").as_bytes())
        .map(|(a, b)| a ^ b)
        .collect();
    book.bytes(&format!("fingerprint of range {name}"), From::Crate, range);
    if entries.len() == 1 {
        book.bytes(&format!("fingerprint {name}"), From::Crate, folded);
    }
    handle.shutdown().await.or_code("VECTOR_FAILED")?;
    Ok(())
}

/// Runs a whole reconciliation between two replicas and prints every message.
async fn session(
    book: &mut Book,
    examples: &Examples,
    name: &str,
    dialer: &[&SignedEntry],
    acceptor: &[&SignedEntry],
) -> Result<()> {
    let namespace = examples.namespace.id();
    let replicas = [
        replica(examples, dialer).await?,
        replica(examples, acceptor).await?,
    ];
    let mut outcomes = [SyncOutcome::default(), SyncOutcome::default()];
    let opening = replicas[0]
        .sync_initial_message(namespace)
        .await
        .or_code("VECTOR_FAILED")?;
    let mut message = Some(opening);
    let mut step = 1;
    while let Some(current) = message {
        if step > 1 {
            book.postcard(
                &format!("session {name} step {step}"),
                From::Mirror,
                &Frame::Sync(&current),
            )?;
        }
        let side = step % 2;
        let outcome = std::mem::take(&mut outcomes[side]);
        let (reply, outcome) = replicas[side]
            .sync_process_message(namespace, current, [side as u8; 32], outcome)
            .await
            .or_code("VECTOR_FAILED")?;
        outcomes[side] = outcome;
        message = reply;
        step += 1;
    }
    book.put(
        &format!("session {name} outcome"),
        json!({
            "from": "crate", "messages": step - 1,
            "dialer": { "sent": outcomes[0].num_sent, "received": outcomes[0].num_recv },
            "acceptor": { "sent": outcomes[1].num_sent, "received": outcomes[1].num_recv },
        }),
    );
    for handle in replicas {
        handle.shutdown().await.or_code("VECTOR_FAILED")?;
    }
    Ok(())
}
