//! A live K2-like peer for interop tests. Without arguments it serves JSON lines: a command per line on standard
//! input, answers and events on standard output. `vectors` prints what the crates encode and ends.

mod args;
mod blobs;
mod clock;
mod command;
mod desktop;
mod dm;
mod docs;
mod error;
mod flood;
mod gossip;
mod invite;
mod load;
mod logs;
mod market;
mod node;
mod out;
mod relay;
mod vectors;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::{
    command::{Peer, Request},
    error::{OrCode, Result, fail},
    out::Out,
};

/// Longest line that is read; a longer one is answered with an error and skipped.
const MAX_LINE: u64 = 64 << 20;
/// How long the node may take to close when the input ends.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [] => serve().await,
        ["vectors", folder] => vectors::write(&PathBuf::from(folder)).await,
        _ => Err(fail(
            "USAGE",
            "usage: k2-interop-peer | k2-interop-peer vectors <folder>",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {}", error.code, error.message);
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<()> {
    let (out, writer) = Out::start();
    logs::install(out.clone());
    let peer = Arc::new(Peer::new(out.clone()));
    let mut stdin = BufReader::new(tokio::io::stdin());
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut stdin)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await
            .or_code("INPUT_FAILED")?;
        if read == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && read as u64 == MAX_LINE {
            skip_line(&mut stdin).await?;
            out.answer(&Value::Null, Err(fail("BAD_JSON", "the line is too long")))
                .await;
            continue;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Request>(&line) {
            Ok(request) => start(request, peer.clone(), out.clone()),
            Err(error) => out.answer(&Value::Null, Err(fail("BAD_JSON", error))).await,
        }
    }
    let _too_slow = tokio::time::timeout(CLOSE_WAIT, peer.close()).await;
    // The log forwarder keeps a handle of the output, so the writer is not awaited to its end, only given time to drain.
    drop(out);
    let _drained = tokio::time::timeout(Duration::from_millis(200), writer).await;
    Ok(())
}

async fn skip_line(stdin: &mut BufReader<tokio::io::Stdin>) -> Result<()> {
    loop {
        let available = stdin.fill_buf().await.or_code("INPUT_FAILED")?;
        if available.is_empty() {
            return Ok(());
        }
        let (used, ended) = match available.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (available.len(), false),
        };
        stdin.consume(used);
        if ended {
            return Ok(());
        }
    }
}

/// Commands run side by side; a caller that needs an order waits for the answer. A panic is answered, not fatal.
fn start(request: Request, peer: Arc<Peer>, out: Out) {
    tokio::spawn(async move {
        let Request { id, cmd, args } = request;
        let task = tokio::spawn(async move { peer.run(&cmd, args).await });
        let result = match task.await {
            Ok(result) => result,
            Err(error) => Err(fail("PANIC", error)),
        };
        out.answer(&id, result).await;
    });
}
