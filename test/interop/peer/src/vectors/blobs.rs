//! Hashes, trees and requests (blobs.md 16.1 to 16.3); the rest of that section is recorded, see `blobs_live`.

use bao_tree::{BlockSize, ChunkNum, ChunkRanges, io::outboard::PreOrderMemOutboard};
use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use iroh_blobs::{
    Hash,
    protocol::{ChunkRangesSeq, GetManyRequest, GetRequest, ObserveRequest, RangeSpec, Request},
};

use super::{Book, From, blobs_live};
use crate::{
    args::pattern,
    error::{Result, fail},
};

pub const SIZES: [usize; 13] = [
    0, 1, 1023, 1024, 1025, 2048, 16_383, 16_384, 16_385, 32_768, 32_769, 50_000, 65_537,
];
const GROUP: BlockSize = BlockSize::from_chunk_log(4);

/// A set given by its boundaries: from the first to before the second, and so on; an odd count is open-ended.
pub fn set(bounds: &[u64]) -> ChunkRanges {
    let mut ranges = ChunkRanges::empty();
    for pair in bounds.chunks(2) {
        ranges |= match pair {
            [from, to] => ChunkRanges::from(ChunkNum(*from)..ChunkNum(*to)),
            [from] => ChunkRanges::from(ChunkNum(*from)..),
            _ => ChunkRanges::empty(),
        };
    }
    ranges
}

pub async fn vectors() -> Result<Book> {
    let mut book = Book::default();
    trees(&mut book)?;
    requests(&mut book)?;
    blobs_live::record(&mut book).await?;
    Ok(book)
}

fn trees(book: &mut Book) -> Result<()> {
    for size in SIZES {
        let data = pattern(size);
        let hash = Hash::new(&data);
        book.bytes(&format!("hash {size}"), From::Crate, hash.as_bytes());
        let outboard = PreOrderMemOutboard::create(&data, GROUP);
        if outboard.root.as_bytes() != hash.as_bytes() {
            return Err(fail("VECTOR_FAILED", "outboard and hash disagree"));
        }
        book.bytes(&format!("outboard {size}"), From::Crate, outboard.data);
    }
    let data = pattern(50_000);
    let cv = |from: usize, to: usize| {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(from as u64).update(&data[from..to]);
        hasher.finalize_non_root()
    };
    let parts = [
        ("cv chunk 0", 0, 1024),
        ("cv chunk 1", 1024, 2048),
        ("cv group 0", 0, 16_384),
        ("cv group 1", 16_384, 32_768),
        ("cv group 2", 32_768, 49_152),
        ("cv group 3", 49_152, 50_000),
    ];
    for (name, from, to) in parts {
        book.bytes(name, From::Crate, cv(from, to));
    }
    let left = merge_subtrees_non_root(&cv(0, 16_384), &cv(16_384, 32_768), Mode::Hash);
    let right = merge_subtrees_non_root(&cv(32_768, 49_152), &cv(49_152, 50_000), Mode::Hash);
    book.bytes("cv parent 0..32768", From::Crate, left);
    book.bytes("cv parent 32768..50000", From::Crate, right);
    book.bytes(
        "cv top as root",
        From::Crate,
        merge_subtrees_root(&left, &right, Mode::Hash).as_bytes(),
    );
    book.bytes(
        "cv top not as root",
        From::Crate,
        merge_subtrees_non_root(&left, &right, Mode::Hash),
    );
    Ok(())
}

pub fn get(hash: Hash, sets: &[&[u64]], open: bool) -> GetRequest {
    let sets: Vec<ChunkRanges> = sets.iter().map(|bounds| set(bounds)).collect();
    let sequence = match open {
        true => ChunkRangesSeq::from_ranges_infinite(sets),
        false => ChunkRangesSeq::from_ranges(sets),
    };
    GetRequest::new(hash, sequence)
}

fn requests(book: &mut Book) -> Result<()> {
    let specs: [(&str, &[u64]); 8] = [
        ("nothing", &[]),
        ("everything", &[0]),
        ("from chunk 64", &[64]),
        ("from chunk 10000", &[10_000]),
        ("chunks 0..63", &[0, 64]),
        ("chunks 1..2 and 9..12", &[1, 3, 9, 13]),
        ("last chunk", &[u64::MAX]),
        ("chunk 0 and last chunk", &[0, 1, u64::MAX]),
    ];
    for (name, bounds) in specs {
        book.postcard(
            &format!("range_spec {name}"),
            From::Crate,
            &RangeSpec::new(set(bounds)),
        )?;
    }
    let hash = Hash::new(pattern(50_000));
    let gets: [(&str, GetRequest); 11] = [
        ("whole raw blob", GetRequest::blob(hash)),
        ("hash seq, everything", GetRequest::all(hash)),
        ("bytes 10000..20000", get(hash, &[&[9, 20]], false)),
        ("resume from chunk 16", get(hash, &[&[16]], false)),
        (
            "chunks 16..31 and from 33",
            get(hash, &[&[16, 32, 33]], false),
        ),
        (
            "size probe",
            GetRequest::new(hash, ChunkRangesSeq::verified_size()),
        ),
        (
            "chunk 0 and last chunk",
            get(hash, &[&[0, 1, u64::MAX]], false),
        ),
        (
            "root and sizes of all children",
            GetRequest::new(hash, ChunkRangesSeq::verified_child_sizes()),
        ),
        ("child 1 only", get(hash, &[&[], &[], &[0]], false)),
        (
            "rest of child 1 and all later",
            get(hash, &[&[], &[], &[1_000_000], &[0]], true),
        ),
        ("nothing", get(hash, &[], false)),
    ];
    for (name, request) in gets {
        book.postcard(&format!("get {name}"), From::Crate, &Request::Get(request))?;
    }
    book.postcard(
        "observe",
        From::Crate,
        &Request::Observe(ObserveRequest::new(hash)),
    )?;
    let one = Hash::new(pattern(1));
    let many = |ranges| Request::GetMany(GetManyRequest::new(vec![one, hash], ranges));
    let complete = ChunkRangesSeq::from_ranges([set(&[0]), set(&[0])]);
    book.postcard("get_many complete", From::Crate, &many(complete))?;
    book.postcard(
        "get_many open-ended",
        From::Crate,
        &many(ChunkRangesSeq::all()),
    )?;
    Ok(())
}
