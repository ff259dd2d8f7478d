//! K2's postcard marketplace messages, topics and tracker keys.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    args,
    error::{OrCode, Result},
};

/// The three messages of the library, in wire order. No application sends them.
#[derive(Debug, Serialize, Deserialize)]
pub enum MarketMessage {
    Offer {
        id: String,
        node_id: String,
        topic: String,
        action: String,
        subtopic: Option<String>,
        category: Option<String>,
        skill: Option<String>,
        title: String,
        description: String,
        price_min: u64,
        price_max: u64,
        currency: String,
        timestamp: u64,
    },
    Request {
        id: String,
        node_id: String,
        topic: String,
        subtopic: Option<String>,
        category: Option<String>,
        skill: Option<String>,
        title: String,
        description: String,
        budget_min: u64,
        budget_max: u64,
        currency: String,
        timestamp: u64,
    },
    Match {
        offer_id: String,
        request_id: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncodeArgs {
    message: MarketMessage,
}

pub fn encode(args: EncodeArgs) -> Result<Value> {
    let bytes = postcard::to_stdvec(&args.message).or_code("BAD_ARGUMENT")?;
    Ok(json!({ "hex": args::to_hex(bytes) }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecodeArgs {
    hex: String,
}

pub fn decode(args: DecodeArgs) -> Result<Value> {
    let message: MarketMessage =
        postcard::from_bytes(&args::hex(&args.hex)?).or_code("MARKET_BAD_MESSAGE")?;
    serde_json::to_value(message).or_code("MARKET_BAD_MESSAGE")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicArgs {
    name: String,
}

/// Topic id of a topic string, and the key it has at the tracker: the hash of the id.
pub fn topic(args: TopicArgs) -> Result<Value> {
    let topic = blake3::hash(args.name.as_bytes());
    Ok(json!({
        "name": args.name,
        "topic": args::to_hex(topic.as_bytes()),
        "tracker_key": args::to_hex(blake3::hash(topic.as_bytes()).as_bytes()),
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DmTopicArgs {
    a: String,
    b: String,
}

/// The topic of two people: their ids as text, sorted.
pub fn dm_topic(args: DmTopicArgs) -> Result<Value> {
    let (low, high) = if args.a <= args.b {
        (args.a, args.b)
    } else {
        (args.b, args.a)
    };
    topic(TopicArgs {
        name: format!("dm:{low}-{high}"),
    })
}
