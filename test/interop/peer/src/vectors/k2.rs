//! Topics, messages and files of K2 itself (k2-application.md 1, 2, 5.1, 5.7, 6.2).

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::Aead};
use iroh_docs::{Capability, DocTicket, NamespaceSecret};
use serde_json::{Value, json};

use super::{Book, From, addr, key};
use crate::{
    args::to_hex,
    error::{OrCode, Result},
    invite::Request,
    market::MarketMessage,
};

pub fn vectors() -> Result<Book> {
    let mut book = Book::default();
    let (a, b) = (
        to_hex(key(1).public().as_bytes()),
        to_hex(key(2).public().as_bytes()),
    );
    let dm = format!("dm:{b}-{a}");
    for name in [
        "Digital Assets",
        "Goods",
        "Freelance Job",
        "digital assets",
        "Goods ",
        dm.as_str(),
    ] {
        let topic = blake3::hash(name.as_bytes());
        book.put(
            &format!("topic {}", if name == dm { "dm" } else { name }),
            json!({
                "from": "crate", "name": name,
                "topic": to_hex(topic.as_bytes()),
                "tracker_key": to_hex(blake3::hash(topic.as_bytes()).as_bytes()),
            }),
        );
    }
    market(&mut book)?;
    json_messages(&mut book, &a, &b);
    invitations(&mut book)?;
    identity(&mut book)?;
    Ok(book)
}

fn text(value: &str) -> String {
    value.to_owned()
}

fn market(book: &mut Book) -> Result<()> {
    let some = |value: &str| Some(text(value));
    book.postcard(
        "market_offer",
        From::Mirror,
        &MarketMessage::Offer {
            id: text("K2-1"),
            node_id: text("ab"),
            topic: text("Goods"),
            action: text("sell"),
            subtopic: some("Fashion"),
            category: None,
            skill: None,
            title: text("Hat"),
            description: text("Red"),
            price_min: 5,
            price_max: 300,
            currency: text("USD"),
            timestamp: 1_700_000_000,
        },
    )?;
    book.postcard(
        "market_request",
        From::Mirror,
        &MarketMessage::Request {
            id: text("K2-2"),
            node_id: text("cd"),
            topic: text("Freelance Job"),
            subtopic: None,
            category: some("Tech & IT"),
            skill: some("IT Support / Networking"),
            title: text("Fix"),
            description: text("PC"),
            budget_min: 0,
            budget_max: 16_384,
            currency: text("VND"),
            timestamp: 1_700_000_000,
        },
    )?;
    let matched = MarketMessage::Match {
        offer_id: text("K2-1"),
        request_id: text("K2-2"),
    };
    book.postcard("market_match", From::Mirror, &matched)?;
    book.postcard(
        "market_offer_crypto",
        From::Mirror,
        &MarketMessage::Offer {
            id: text("K2-18BCFE56800-DEADBEEF"),
            node_id: text("test-node"),
            topic: text("Digital Assets"),
            action: text("Sell"),
            subtopic: None,
            category: some("Tokens"),
            skill: None,
            title: text("Bitcoin"),
            description: text("Selling 1 BTC"),
            price_min: 50_000,
            price_max: 55_000,
            currency: text("USD"),
            timestamp: 123_456_789,
        },
    )?;
    Ok(())
}

/// The JSON serialiser sorts members here as it does in K2.
fn json_messages(book: &mut Book, a: &str, b: &str) {
    let messages: [(&str, Value); 4] = [
        (
            "json_offer",
            json!({
                "sender_node_id": a, "message_type": "offer", "topic": "Goods", "timestamp": 1_750_464_000,
                "form_data": {
                    "topic": "Goods", "action": "sell", "title": "iPhone 15 Pro", "description": "Unlocked, boxed",
                    "selection": { "subtopic": "Electronics & Devices" },
                    "priceRange": { "min": 700, "max": 800, "currency": "USD" },
                    "location": "Hà Nội", "condition": "new", "brand": "Apple",
                },
            }),
        ),
        (
            "json_interest",
            json!({
                "sender_node_id": b, "target_node_id": a, "message_type": "interest", "topic": "Goods",
                "timestamp": 1_750_464_005,
                "form_data": {
                    "topic": "Goods", "action": "buy", "title": "Need an iPhone 15", "description": "",
                    "selection": { "subtopic": "Electronics & Devices" },
                    "priceRange": { "min": 500, "max": 750, "currency": "USD" },
                    "location": "", "condition": "any",
                },
            }),
        ),
        (
            "json_chat",
            json!({ "type": "chat_message", "sender_node_id": a, "content": "Hello!", "timestamp": 1_750_464_000_123u64 }),
        ),
        (
            "json_direct_message",
            json!({ "sender_node_id": a, "sender_name": "Alice", "content": "Hello!", "timestamp": 1_711_234_567_890u64 }),
        ),
    ];
    for (name, value) in messages {
        let text = value.to_string();
        let id = to_hex(blake3::hash(text.as_bytes()).as_bytes());
        book.put(
            name,
            json!({ "from": "crate", "text": text, "length": text.len(), "message_id": id }),
        );
    }
}

fn invitations(book: &mut Book) -> Result<()> {
    let secret = NamespaceSecret::from_bytes(&[3; 32]);
    let folder = to_hex(secret.id().as_bytes());
    let node = addr(key(1).public(), None, &[])?;
    let read = DocTicket::new(Capability::Read(secret.id()), vec![node.clone()]).to_string();
    let write = DocTicket::new(Capability::Write(secret), vec![node]).to_string();
    book.text("invite_read_ticket", read);
    let invitation = Request::Invitation {
        folder_id: folder.clone(),
        folder_name: text("Photos"),
        ticket: write,
    };
    for (name, request) in [
        ("invite_invitation", invitation),
        ("invite_query", Request::QueryStatus(folder)),
    ] {
        book.text(
            name,
            serde_json::to_string(&request).or_code("VECTOR_FAILED")?,
        );
    }
    Ok(())
}

fn identity(book: &mut Book) -> Result<()> {
    let cipher =
        Aes256Gcm::new_from_slice(b"k2-network-identity-storage-key!").or_code("VECTOR_FAILED")?;
    let file = cipher
        .encrypt(Nonce::from_slice(b"k2-id-nonce!"), &[1u8; 32][..])
        .or_code("VECTOR_FAILED")?;
    book.bytes("identity_enc", From::Crate, file);
    Ok(())
}
