//! Measured traffic: numbered, time-stamped messages that are counted by the receivers instead of being printed.
//!
//! Layout (big-endian): "K2LD", run u32, sender u16, window u16, number u32, send time u64 (monotonic ns), zeros.
//! With a window, the receiver confirms every window/4 messages: "K2LA", run u32, sender u16, count u32, time u64.
//! The sender keeps at most `window` unconfirmed messages in flight; window 0 sends at a fixed rate.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::{BufMut, Bytes, BytesMut};
use iroh_gossip::api::GossipSender;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    clock::monotonic_ns,
    error::{OrCode, Result, fail},
    node::Node,
};

const DATA: &[u8; 4] = b"K2LD";
const ACK: &[u8; 4] = b"K2LA";
const DATA_HEADER: usize = 24;
const ACK_LENGTH: usize = 22;
const MAX_COUNT: u32 = 1_000_000;
/// How long a windowed sender waits for a confirmation.
const ACK_WAIT: Duration = Duration::from_secs(20);

pub fn is_load(content: &[u8]) -> bool {
    (content.len() >= DATA_HEADER && content.starts_with(DATA))
        || (content.len() == ACK_LENGTH && content.starts_with(ACK))
}

#[derive(Debug, Default)]
struct Received {
    seen: Vec<bool>,
    count: u32,
    duplicates: u32,
    first_ns: u64,
    last_ns: u64,
    latencies_us: Vec<u32>,
}

#[derive(Debug, Default)]
pub struct LoadBook {
    received: Mutex<HashMap<(String, u32), BTreeMap<u16, Received>>>,
    acked: Mutex<HashMap<(u32, u16), u32>>,
    ack_arrived: Notify,
}

fn u32_at(content: &[u8], at: usize) -> u32 {
    content
        .get(at..at + 4)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u32::from_be_bytes)
}
fn u16_at(content: &[u8], at: usize) -> u16 {
    content
        .get(at..at + 2)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u16::from_be_bytes)
}
fn u64_at(content: &[u8], at: usize) -> u64 {
    content
        .get(at..at + 8)
        .and_then(|b| b.try_into().ok())
        .map_or(0, u64::from_be_bytes)
}

impl LoadBook {
    /// Counts one message; returns the confirmation to broadcast, if one is due.
    pub fn take(&self, topic: &str, content: &[u8]) -> Option<Bytes> {
        let run = u32_at(content, 4);
        let sender = u16_at(content, 8);
        if content.starts_with(ACK) {
            let count = u32_at(content, 10);
            if let Ok(mut acked) = self.acked.lock() {
                let known = acked.entry((run, sender)).or_default();
                *known = (*known).max(count);
            }
            self.ack_arrived.notify_waiters();
            return None;
        }
        let now = monotonic_ns();
        let window = u16_at(content, 10);
        let number = u32_at(content, 12);
        if number >= MAX_COUNT {
            return None;
        }
        let mut received = self.received.lock().ok()?;
        let book = received
            .entry((topic.to_owned(), run))
            .or_default()
            .entry(sender)
            .or_default();
        let index = number as usize;
        if book.seen.len() <= index {
            book.seen.resize(index + 1, false);
        }
        if book.seen[index] {
            book.duplicates += 1;
            return None;
        }
        book.seen[index] = true;
        if book.count == 0 {
            book.first_ns = now;
        }
        book.last_ns = now;
        book.count += 1;
        book.latencies_us
            .push((now.saturating_sub(u64_at(content, 16)) / 1000).min(u32::MAX as u64) as u32);
        if window > 0 && book.count % (window as u32 / 4).max(1) == 0 {
            let mut ack = BytesMut::with_capacity(ACK_LENGTH);
            ack.put_slice(ACK);
            ack.put_u32(run);
            ack.put_u16(sender);
            ack.put_u32(book.count);
            ack.put_u64(now);
            return Some(ack.freeze());
        }
        None
    }

    fn acked(&self, run: u32, sender: u16) -> u32 {
        self.acked
            .lock()
            .ok()
            .and_then(|acked| acked.get(&(run, sender)).copied())
            .unwrap_or(0)
    }

    pub fn report(&self, args: &ReportArgs) -> Value {
        let Ok(received) = self.received.lock() else {
            return json!({ "senders": {} });
        };
        let mut senders = serde_json::Map::new();
        if let Some(books) = received.get(&(args.topic.clone(), args.run)) {
            for (sender, book) in books {
                senders.insert(
                    sender.to_string(),
                    json!({
                        "received": book.count,
                        "duplicates": book.duplicates,
                        "span_ns": book.last_ns.saturating_sub(book.first_ns),
                        "latencies_us": if args.latencies { json!(book.latencies_us) } else { Value::Null },
                    }),
                );
            }
        }
        json!({ "senders": senders })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportArgs {
    pub topic: String,
    pub run: u32,
    #[serde(default)]
    pub latencies: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendArgs {
    pub handle: String,
    pub run: u32,
    pub sender: u16,
    pub count: u32,
    pub size: usize,
    /// Messages per second; needed when `window` is 0.
    #[serde(default)]
    pub rate: f64,
    #[serde(default)]
    pub window: u16,
}

/// Sends all messages and answers when the last one was handed to gossip.
pub async fn send(node: &Node, args: SendArgs) -> Result<Value> {
    if args.size < DATA_HEADER || args.size > 4055 || args.count > MAX_COUNT {
        return Err(fail(
            "BAD_ARGUMENT",
            "size is 24..4055 and count at most 1000000",
        ));
    }
    if args.window == 0 && !(args.rate > 0.0 && args.rate <= 100_000.0) {
        return Err(fail("BAD_ARGUMENT", "a rate or a window is needed"));
    }
    let sender = node.topics.sender(&args.handle).await?;
    let started = Instant::now();
    match args.window {
        0 => send_paced(&sender, &args, started).await?,
        _ => send_windowed(&sender, &node.topics.load, &args).await?,
    }
    Ok(json!({ "seconds": started.elapsed().as_secs_f64() }))
}

fn message(args: &SendArgs, number: u32) -> Bytes {
    let mut data = BytesMut::with_capacity(args.size);
    data.put_slice(DATA);
    data.put_u32(args.run);
    data.put_u16(args.sender);
    data.put_u16(args.window);
    data.put_u32(number);
    data.put_u64(monotonic_ns());
    data.resize(args.size, 0);
    data.freeze()
}

async fn send_paced(sender: &GossipSender, args: &SendArgs, started: Instant) -> Result<()> {
    for number in 0..args.count {
        let due = started + Duration::from_secs_f64(number as f64 / args.rate);
        tokio::time::sleep_until(due.into()).await;
        sender
            .broadcast(message(args, number))
            .await
            .or_code("GOSSIP_FAILED")?;
    }
    Ok(())
}

async fn send_windowed(sender: &GossipSender, book: &Arc<LoadBook>, args: &SendArgs) -> Result<()> {
    for number in 0..args.count {
        loop {
            let arrived = book.ack_arrived.notified();
            if number < book.acked(args.run, args.sender) + args.window as u32 {
                break;
            }
            tokio::time::timeout(ACK_WAIT, arrived)
                .await
                .map_err(|_| fail("TIMEOUT", format!("no confirmation after message {number}")))?;
        }
        sender
            .broadcast(message(args, number))
            .await
            .or_code("GOSSIP_FAILED")?;
    }
    Ok(())
}
