//! Frames of `/iroh-gossip/1` (gossip.md 12). The inner message types of the crate are private, so each message is
//! built from a mirror and then decoded and encoded again by the crate's own public message type.

use std::{collections::BTreeSet, net::SocketAddr};

use bytes::Bytes;
use iroh::{EndpointId, RelayUrl};
use iroh_gossip::{
    TopicId,
    proto::{PeerData, topic::Message},
};
use serde::Serialize;
use serde_json::json;

use super::{Book, From, key, relay};
use crate::{
    args::to_hex,
    error::{OrCode, Result, fail},
};

#[derive(Serialize)]
enum Body {
    Swarm(Swarm),
    Gossip(Broadcast),
}

#[derive(Clone, Serialize)]
struct PeerInfo(EndpointId, Option<PeerData>);

#[derive(Serialize)]
enum Priority {
    High,
    Low,
}

#[derive(Serialize)]
enum Swarm {
    Join(Option<PeerData>),
    ForwardJoin(PeerInfo, u16),
    Shuffle(EndpointId, Vec<PeerInfo>, u16),
    ShuffleReply(Vec<PeerInfo>),
    Neighbor(Priority, Option<PeerData>),
    Disconnect(bool, bool),
}

#[derive(Serialize)]
enum Scope {
    Swarm(u16),
    Neighbors,
}

#[derive(Serialize)]
enum Broadcast {
    Gossip([u8; 32], Bytes, Scope),
    Prune,
    Graft(Option<[u8; 32]>, u16),
    IHave(Vec<([u8; 32], u16)>),
}

#[derive(Serialize)]
struct AddrInfo {
    relay_url: Option<RelayUrl>,
    direct_addresses: BTreeSet<SocketAddr>,
}

fn addr_info(relay_url: Option<&str>, sockets: &[&str]) -> Result<Vec<u8>> {
    let mut direct_addresses = BTreeSet::new();
    for text in sockets {
        direct_addresses.insert(text.parse().or_code("VECTOR_FAILED")?);
    }
    let relay_url = relay_url.map(relay).transpose()?;
    postcard::to_stdvec(&AddrInfo {
        relay_url,
        direct_addresses,
    })
    .or_code("VECTOR_FAILED")
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut out = (body.len() as u32).to_be_bytes().to_vec();
    out.extend_from_slice(body);
    out
}

fn id(content: &[u8]) -> [u8; 32] {
    *blake3::hash(content).as_bytes()
}

/// Decodes the mirror's bytes with the crate and returns what the crate encodes.
fn through_crate(name: &str, body: &Body) -> Result<Vec<u8>> {
    let mirrored = postcard::to_stdvec(body).or_code("VECTOR_FAILED")?;
    let message: Message<EndpointId> = postcard::from_bytes(&mirrored).or_code("VECTOR_FAILED")?;
    let encoded = postcard::to_stdvec(&message).or_code("VECTOR_FAILED")?;
    if encoded != mirrored {
        return Err(fail(
            "VECTOR_FAILED",
            format!("{name}: the crate encodes other bytes than its mirror"),
        ));
    }
    Ok(encoded)
}

pub fn vectors() -> Result<Book> {
    let mut book = Book::default();
    let (a, b, c) = (key(1).public(), key(2).public(), key(3).public());
    let topic = TopicId::from_bytes(std::array::from_fn(|i| i as u8));
    let header = frame(&postcard::to_stdvec(&topic).or_code("VECTOR_FAILED")?);
    book.bytes("header", From::Crate, &header);

    let empty = addr_info(None, &[])?;
    let full = addr_info(
        Some("https://relay.example.com."),
        &["192.0.2.1:4433", "[2001:db8::1]:443"],
    )?;
    let v4 = addr_info(None, &["127.0.0.1:7"])?;
    book.bytes("addr_empty", From::Mirror, &empty);
    book.bytes("addr_full", From::Mirror, &full);
    book.bytes("addr_v4", From::Mirror, &v4);

    let data = |bytes: &[u8]| Some(PeerData::new(bytes.to_vec()));
    let (hello, long) = (Bytes::from_static(b"hello"), Bytes::from(vec![0x61; 200]));
    let messages = vec![
        ("join_none", Body::Swarm(Swarm::Join(None))),
        ("join_emptydata", Body::Swarm(Swarm::Join(data(&[])))),
        ("join_full", Body::Swarm(Swarm::Join(data(&full)))),
        (
            "forward_join",
            Body::Swarm(Swarm::ForwardJoin(PeerInfo(c, data(&v4)), 6)),
        ),
        (
            "forward_join_nodata",
            Body::Swarm(Swarm::ForwardJoin(PeerInfo(c, None), 0)),
        ),
        (
            "shuffle",
            Body::Swarm(Swarm::Shuffle(
                a,
                vec![
                    PeerInfo(b, data(&v4)),
                    PeerInfo(c, None),
                    PeerInfo(a, data(&empty)),
                ],
                6,
            )),
        ),
        (
            "shuffle_reply",
            Body::Swarm(Swarm::ShuffleReply(vec![
                PeerInfo(b, None),
                PeerInfo(c, data(&v4)),
            ])),
        ),
        (
            "shuffle_reply_empty",
            Body::Swarm(Swarm::ShuffleReply(vec![])),
        ),
        (
            "neighbor_high",
            Body::Swarm(Swarm::Neighbor(Priority::High, data(&empty))),
        ),
        (
            "neighbor_low",
            Body::Swarm(Swarm::Neighbor(Priority::Low, None)),
        ),
        (
            "disconnect_alive",
            Body::Swarm(Swarm::Disconnect(true, false)),
        ),
        (
            "disconnect_quit",
            Body::Swarm(Swarm::Disconnect(false, false)),
        ),
        (
            "gossip_swarm0",
            Body::Gossip(Broadcast::Gossip(
                id(&hello),
                hello.clone(),
                Scope::Swarm(0),
            )),
        ),
        (
            "gossip_swarm300",
            Body::Gossip(Broadcast::Gossip(
                id(&hello),
                hello.clone(),
                Scope::Swarm(300),
            )),
        ),
        (
            "gossip_neighbors",
            Body::Gossip(Broadcast::Gossip(
                id(&hello),
                hello.clone(),
                Scope::Neighbors,
            )),
        ),
        (
            "gossip_200",
            Body::Gossip(Broadcast::Gossip(id(&long), long.clone(), Scope::Swarm(1))),
        ),
        (
            "gossip_emptycontent",
            Body::Gossip(Broadcast::Gossip(id(&[]), Bytes::new(), Scope::Swarm(0))),
        ),
        ("prune", Body::Gossip(Broadcast::Prune)),
        (
            "graft_id",
            Body::Gossip(Broadcast::Graft(Some(id(&hello)), 2)),
        ),
        ("graft_noid", Body::Gossip(Broadcast::Graft(None, 2))),
        (
            "ihave_two",
            Body::Gossip(Broadcast::IHave(vec![(id(&hello), 1), (id(&long), 128)])),
        ),
        ("ihave_empty", Body::Gossip(Broadcast::IHave(vec![]))),
    ];
    for (name, body) in &messages {
        book.bytes(name, From::Crate, frame(&through_crate(name, body)?));
    }

    let mut first_stream = header;
    first_stream.extend(frame(&through_crate(
        "join_full",
        &Body::Swarm(Swarm::Join(data(&full))),
    )?));
    book.bytes("first_stream", From::Crate, first_stream);

    let largest = Bytes::from(vec![0; 4057]);
    let body = Body::Gossip(Broadcast::Gossip(
        id(&largest),
        largest.clone(),
        Scope::Swarm(0),
    ));
    book.bytes(
        "largest_sendable",
        From::Crate,
        frame(&through_crate("largest_sendable", &body)?),
    );
    judged(&mut book, &hello);
    Ok(book)
}

/// Odd bodies (gossip.md 12.6) and what the crate's decoder makes of them.
fn judged(book: &mut Book, hello: &[u8]) {
    let hello_id = id(hello);
    let gossip = |tail: &[u8]| [&[1, 0][..], &hello_id, &[5], hello, tail].concat();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("unknown layer", vec![2, 0]),
        ("unknown swarm message", vec![0, 6]),
        ("unknown gossip message", vec![1, 4]),
        ("bad option tag", vec![0, 0, 2]),
        ("bad bool", vec![0, 5, 2, 0]),
        ("unknown priority", vec![0, 4, 2, 0]),
        ("truncated id", [&[1, 0][..], &hello_id[..31]].concat()),
        (
            "truncated content",
            [&[1, 0][..], &hello_id, &[6], hello].concat(),
        ),
        ("unknown scope", gossip(&[2])),
        ("round 65536", gossip(&[0, 0x80, 0x80, 0x04])),
        ("round of four bytes", gossip(&[0, 0x80, 0x80, 0x80, 0x00])),
        (
            "fewer entries than announced",
            [&[1, 3, 5][..], &hello_id, &[1]].concat(),
        ),
        (
            "id is no curve point",
            [&[0, 1][..], &[2], &[0; 31], &[0, 6]].concat(),
        ),
        ("round 65535", gossip(&[0, 0xff, 0xff, 0x03])),
        ("prune with trailing bytes", vec![1, 1, 0xff, 0xff]),
        ("over-long discriminant", vec![0x80, 0, 0, 0]),
        ("obsolete flag set", vec![0, 5, 1, 1]),
    ];
    let verdicts: Vec<_> = bodies
        .into_iter()
        .map(|(what, body)| {
            let decoded = postcard::from_bytes::<Message<EndpointId>>(&body);
            json!({ "what": what, "hex": to_hex(&body), "accepted": decoded.is_ok() })
        })
        .collect();
    book.put(
        "judged_bodies",
        json!({ "from": "crate", "bodies": verdicts }),
    );
}
