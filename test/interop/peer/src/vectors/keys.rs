//! Ids, signatures, endpoint, blob and document tickets, pkarr packets (discovery.md 3, 4, 19; blobs.md 12; docs.md 10).

use iroh::{EndpointId, SecretKey};
use iroh_blobs::{BlobFormat, Hash, ticket::BlobTicket};
use iroh_dns::pkarr::SignedPacket;
use iroh_docs::{Capability, DocTicket, NamespaceId, NamespaceSecret};
use iroh_tickets::{Ticket, endpoint::EndpointTicket};
use serde_json::json;

use super::{Book, From, addr, key};
use crate::{
    args::{self, to_hex},
    error::{OrCode, Result, fail},
};

fn base32(bytes: &[u8]) -> String {
    data_encoding::BASE32_NOPAD.encode(bytes).to_lowercase()
}

pub fn vectors() -> Result<Book> {
    let mut book = Book::default();
    for byte in 1..=3u8 {
        let secret = key(byte);
        let id = secret.public();
        book.put(
            &format!("key_{byte}"),
            json!({
                "from": "crate",
                "seed": to_hex([byte; 32]),
                "id": to_hex(id.as_bytes()),
                "base32": base32(id.as_bytes()),
                "z32": id.to_z32(),
                "short": id.fmt_short().to_string(),
                "signature_of_hello": to_hex(secret.sign(b"hello").to_bytes()),
            }),
        );
    }
    endpoint_tickets(&mut book)?;
    blob_tickets(&mut book)?;
    doc_tickets(&mut book)?;
    pkarr(&mut book)?;
    Ok(book)
}

fn ticket<T: Ticket>(book: &mut Book, name: &str, ticket: &T) {
    book.put(
        name,
        json!({ "from": "crate", "text": ticket.encode_string(), "hex": to_hex(ticket.encode_bytes()) }),
    );
}

fn endpoint_tickets(book: &mut Book) -> Result<()> {
    let id = key(1).public();
    ticket(
        book,
        "endpoint_ticket_id_only",
        &EndpointTicket::new(addr(id, None, &[])?),
    );
    let full = addr(
        id,
        Some("https://use1-1.relay.n0.iroh.link."),
        &["127.0.0.1:1024", "192.0.2.1:443", "[::1]:1024"],
    )?;
    ticket(book, "endpoint_ticket_full", &EndpointTicket::new(full));
    Ok(())
}

/// The id of the blob ticket examples.
fn ticket_id() -> Result<EndpointId> {
    let bytes = args::hex32("ae58ff8833241ac82d6ff7611046ed67b5072d142c588d0063e942d9a75502b6")?;
    EndpointId::from_bytes(&bytes).or_code("VECTOR_FAILED")
}

fn blob_tickets(book: &mut Book) -> Result<()> {
    let id = ticket_id()?;
    let hash = Hash::from_bytes(args::hex32(
        "0b84d358e4c8be6c38626b2182ff575818ba6bd3f4b90464994be14cb354a072",
    )?);
    ticket(
        book,
        "blob_ticket_raw",
        &BlobTicket::new(addr(id, None, &[])?, hash, BlobFormat::Raw),
    );
    ticket(
        book,
        "blob_ticket_hash_seq",
        &BlobTicket::new(addr(id, None, &[])?, hash, BlobFormat::HashSeq),
    );
    let data = Hash::new(args::pattern(50_000));
    let full = addr(
        id,
        Some("https://relay.example.com."),
        &["127.0.0.1:1234", "[::1]:4433"],
    )?;
    let full = BlobTicket::new(full, data, BlobFormat::Raw);
    ticket(book, "blob_ticket_full", &full);

    let text = full.encode_string();
    let upper = format!("blob{}", text["blob".len()..].to_uppercase());
    let candidates = [
        ("prefix in capitals", text.to_uppercase()),
        ("payload in capitals", upper),
        ("leading blank", format!(" {text}")),
        ("one more character", format!("{text}a")),
        ("eight more characters", format!("{text}aaaaaaaa")),
    ];
    let judged: Vec<_> = candidates
        .iter()
        .map(|(what, text)| json!({ "what": what, "text": text, "accepted": text.parse::<BlobTicket>().is_ok() }))
        .collect();
    book.put(
        "judged_blob_tickets",
        json!({ "from": "crate", "texts": judged }),
    );
    Ok(())
}

fn doc_tickets(book: &mut Book) -> Result<()> {
    let secret = NamespaceSecret::from_bytes(&[1; 32]);
    let node = key(3).public();
    let read = Capability::Read(secret.id());
    ticket(
        book,
        "doc_ticket_write",
        &DocTicket::new(Capability::Write(secret), vec![addr(node, None, &[])?]),
    );
    ticket(
        book,
        "doc_ticket_read",
        &DocTicket::new(read.clone(), vec![addr(node, None, &[])?]),
    );
    let full = addr(
        node,
        Some("https://relay.example.com."),
        &["127.0.0.1:1234"],
    )?;
    ticket(
        book,
        "doc_ticket_read_full",
        &DocTicket::new(read.clone(), vec![full]),
    );
    let id = ticket_id()?;
    let upstream = Capability::Read(NamespaceId::from(id.as_bytes()));
    ticket(
        book,
        "doc_ticket_upstream_case",
        &DocTicket::new(upstream, vec![addr(id, None, &[])?]),
    );
    let nobody = DocTicket::new(read, vec![]).encode_string();
    book.put(
        "doc_ticket_without_nodes",
        json!({ "from": "crate", "text": nobody, "accepted": nobody.parse::<DocTicket>().is_ok() }),
    );
    Ok(())
}

/// A packet with a fixed time: the DNS message is the crate's, the signature is checked by the crate.
fn pkarr(book: &mut Book) -> Result<()> {
    let secret: SecretKey = key(1);
    let micros: u64 = 1_750_000_000_000_000;
    let packet = SignedPacket::from_txt_strings(
        &secret,
        "_iroh",
        ["relay=https://use1-1.relay.n0.iroh.link./"],
        30,
    )
    .or_code("VECTOR_FAILED")?;
    let message = packet.encoded_packet().to_vec();
    book.bytes("pkarr_message", From::Crate, &message);
    let mut signed = format!("3:seqi{micros}e1:v{}:", message.len()).into_bytes();
    signed.extend_from_slice(&message);
    let mut payload = secret.sign(&signed).to_bytes().to_vec();
    payload.extend_from_slice(&micros.to_be_bytes());
    payload.extend_from_slice(&message);
    let checked =
        SignedPacket::from_relay_payload(&secret.public(), &payload).or_code("VECTOR_FAILED")?;
    if checked.to_relay_payload() != payload {
        return Err(fail(
            "VECTOR_FAILED",
            "the packet changed on its way through the crate",
        ));
    }
    book.bytes("pkarr_payload", From::Crate, payload);
    Ok(())
}
