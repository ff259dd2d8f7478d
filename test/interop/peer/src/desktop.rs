//! What the desktop application makes of gossip content, and what it writes. Its core passes content on as it is; its
//! interface reads JSON. Senders, targets and topics are taken as they are said: nothing compares them with a peer.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    args,
    error::{OrCode, Result},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    hex: String,
    own_id: String,
}

/// A candidate of the market, a line of a chat, or `ignored` with the reason.
pub fn read(args: ReadArgs) -> Result<Value> {
    let bytes = args::hex(&args.hex)?;
    Ok(match serde_json::from_slice::<Map<String, Value>>(&bytes) {
        Ok(message) => shown(&message, &args.own_id),
        Err(_) => ignored("no JSON object"),
    })
}

fn shown(message: &Map<String, Value>, own_id: &str) -> Value {
    let Some(sender) = text(message, "sender_node_id") else {
        return ignored("no sender");
    };
    if sender == own_id {
        return ignored("own");
    }
    match text(message, "message_type") {
        Some(kind @ ("offer" | "interest")) => candidate(kind, sender, message),
        Some(_) => ignored("unknown kind"),
        None => match text(message, "content") {
            Some(content) => json!({
                "kind": "chat", "sender": sender, "content": content,
                "name": text(message, "sender_name").map_or_else(|| format!("User-{}", short(sender)), str::to_owned),
            }),
            None => ignored("no text"),
        },
    }
}

fn candidate(kind: &str, sender: &str, message: &Map<String, Value>) -> Value {
    let form = message
        .get("form_data")
        .and_then(Value::as_object)
        .unwrap_or(message);
    let title = text(form, "title")
        .or_else(|| text(form, "description"))
        .map_or_else(|| format!("Offer from {}", short(sender)), str::to_owned);
    let name =
        text(form, "sender_name").map_or_else(|| format!("Peer {}", short(sender)), str::to_owned);
    let range = &form.get("priceRange").cloned().unwrap_or(Value::Null);
    json!({
        "kind": kind, "sender": sender, "title": title, "name": name,
        "min": range["min"], "max": range["max"], "currency": range["currency"],
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase", tag = "kind")]
pub enum WriteArgs {
    Offer {
        sender: String,
        form: Map<String, Value>,
    },
    Interest {
        sender: String,
        target: String,
        form: Map<String, Value>,
    },
    Chat {
        sender: String,
        content: String,
    },
}

/// The bytes it would broadcast.
pub fn write(args: WriteArgs) -> Result<Value> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .or_code("CLOCK_FAILED")?;
    let message = match args {
        WriteArgs::Offer { sender, form } => json!({
            "form_data": form, "message_type": "offer", "sender_node_id": sender,
            "timestamp": now.as_secs(), "topic": form.get("topic"),
        }),
        WriteArgs::Interest {
            sender,
            target,
            form,
        } => json!({
            "form_data": form, "message_type": "interest", "sender_node_id": sender,
            "target_node_id": target, "timestamp": now.as_secs(), "topic": form.get("topic"),
        }),
        WriteArgs::Chat { sender, content } => json!({
            "content": content, "sender_node_id": sender,
            "timestamp": now.as_millis() as u64, "type": "chat_message",
        }),
    };
    let bytes = serde_json::to_vec(&message).or_code("ENCODE_FAILED")?;
    Ok(json!({ "hex": args::to_hex(bytes) }))
}

fn text<'a>(object: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    object.get(member).and_then(Value::as_str)
}

fn short(sender: &str) -> String {
    sender.chars().take(8).collect()
}

fn ignored(why: &str) -> Value {
    json!({ "kind": "ignored", "why": why })
}
