//! Floods a blob provider with requests that are none, under ever new keys, until the time is up.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use iroh::{
    EndpointAddr,
    endpoint::{Connection, ConnectionError},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    args::PeerAddrArg,
    error::{Result, fail},
    node::loopback_endpoint,
};

const MAX_RATE: u32 = 100_000;
const MAX_MS: u64 = 120_000;
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// A connection whose streams all wait for the provider is given up after this time.
const STREAM_WAIT: Duration = Duration::from_secs(1);
/// Connections one key makes before the next key takes its place.
const CONNECTIONS_PER_KEY: usize = 25;

/// Unknown kind, get without a whole hash, hashes that are not there, nothing.
const JUNK: [&[u8]; 4] = [&[7, 1, 2, 3], &[0, 1, 2, 3], &[9, 255, 255, 3], &[]];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FloodArgs {
    peer: PeerAddrArg,
    /// Requests a second that are meant to be sent.
    rate: u32,
    ms: u64,
    /// Keys that attack at the same time.
    #[serde(default = "default_keys")]
    keys: usize,
}

const fn default_keys() -> usize {
    6
}

#[derive(Debug, Default)]
struct Counts {
    /// Numbers handed out to requests.
    taken: AtomicU64,
    /// Requests given to the transport to their end.
    written: AtomicU64,
    /// Stream frames that left in packets: a request is one.
    sent: AtomicU64,
    connections: AtomicU64,
    keys: AtomicU64,
    /// Connections the provider closed with a code.
    closed_by_provider: AtomicU64,
    /// Dials that failed.
    unconnected: AtomicU64,
}

struct Flood {
    peer: EndpointAddr,
    begun: Instant,
    until: Instant,
    rate: f64,
    counts: Counts,
}

/// Sends junk at the rate and answers what became of it.
pub async fn run(args: FloodArgs) -> Result<Value> {
    if args.rate == 0 || args.rate > MAX_RATE || args.ms > MAX_MS || !(1..=64).contains(&args.keys)
    {
        return Err(fail(
            "BAD_ARGUMENT",
            "rate is 1..100000, ms at most 120000, keys 1..64",
        ));
    }
    let begun = Instant::now();
    let flood = Arc::new(Flood {
        peer: args.peer.to_addr()?,
        begun,
        until: begun + Duration::from_millis(args.ms),
        rate: args.rate.into(),
        counts: Counts::default(),
    });
    let attackers: Vec<_> = (0..args.keys)
        .map(|_| tokio::spawn(attack(flood.clone())))
        .collect();
    for attacker in attackers {
        attacker
            .await
            .map_err(|error| fail("PANIC", error))
            .and_then(|done| done)?;
    }
    let counts = &flood.counts;
    Ok(json!({
        "seconds": begun.elapsed().as_secs_f64(),
        "written": counts.written.load(Relaxed),
        "sent": counts.sent.load(Relaxed),
        "connections": counts.connections.load(Relaxed),
        "keys": counts.keys.load(Relaxed),
        "closed_by_provider": counts.closed_by_provider.load(Relaxed),
        "unconnected": counts.unconnected.load(Relaxed),
    }))
}

async fn attack(flood: Arc<Flood>) -> Result<()> {
    while Instant::now() < flood.until {
        let endpoint = loopback_endpoint().await?;
        flood.counts.keys.fetch_add(1, Relaxed);
        for _ in 0..CONNECTIONS_PER_KEY {
            if Instant::now() >= flood.until {
                break;
            }
            let dial = endpoint.connect(flood.peer.clone(), iroh_blobs::ALPN);
            match timeout(CONNECT_WAIT, dial).await {
                Ok(Ok(connection)) => flood.spam(&connection).await,
                _ => {
                    flood.counts.unconnected.fetch_add(1, Relaxed);
                }
            }
        }
        endpoint.close().await;
    }
    Ok(())
}

impl Flood {
    /// Fills the streams of one connection until it ends.
    async fn spam(&self, connection: &Connection) {
        self.counts.connections.fetch_add(1, Relaxed);
        while Instant::now() < self.until {
            let number = self.counts.taken.fetch_add(1, Relaxed);
            let due = self.begun + Duration::from_secs_f64(number as f64 / self.rate);
            if due > Instant::now() {
                sleep_until(due).await;
            }
            match timeout(STREAM_WAIT, request(connection, number)).await {
                Ok(true) => self.counts.written.fetch_add(1, Relaxed),
                _ => {
                    // Somebody else sends it.
                    self.counts.taken.fetch_sub(1, Relaxed);
                    break;
                }
            };
        }
        self.counts
            .sent
            .fetch_add(connection.stats().frame_tx.stream, Relaxed);
        if matches!(
            connection.close_reason(),
            Some(ConnectionError::ApplicationClosed(_))
        ) {
            self.counts.closed_by_provider.fetch_add(1, Relaxed);
        }
        connection.close(0u32.into(), b"");
    }
}

async fn request(connection: &Connection, number: u64) -> bool {
    let Ok((mut send, _recv)) = connection.open_bi().await else {
        return false;
    };
    let junk = JUNK[(number % JUNK.len() as u64) as usize];
    send.write_all(junk).await.is_ok() && send.finish().is_ok()
}
