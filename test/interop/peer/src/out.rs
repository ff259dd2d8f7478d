//! The one writer of standard output: answers and events, one JSON object per line.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncWriteExt, BufWriter},
    sync::mpsc,
};

use crate::error::Result;

/// Lines that may wait for the reader of our output. When full, the producers wait.
const QUEUED_LINES: usize = 8192;

#[derive(Clone, Debug)]
pub struct Out(mpsc::Sender<String>);

impl Out {
    /// Starts the writer. It ends when the last handle is dropped, after writing what was queued.
    pub fn start() -> (Self, tokio::task::JoinHandle<()>) {
        let (tx, mut rx) = mpsc::channel::<String>(QUEUED_LINES);
        let task = tokio::spawn(async move {
            let mut stdout = BufWriter::new(tokio::io::stdout());
            while let Some(line) = rx.recv().await {
                let written = async {
                    stdout.write_all(line.as_bytes()).await?;
                    stdout.write_all(b"\n").await?;
                    if rx.is_empty() {
                        stdout.flush().await?;
                    }
                    std::io::Result::Ok(())
                };
                if written.await.is_err() {
                    return;
                }
            }
            let _closed = stdout.flush().await;
        });
        (Self(tx), task)
    }

    /// Writes one event. `body` must be an object; the member `event` is added.
    pub async fn event(&self, name: &str, mut body: Value) {
        body["event"] = json!(name);
        self.line(&body).await;
    }

    pub async fn answer(&self, id: &Value, result: Result<Value>) {
        let line = match result {
            Ok(value) => json!({ "id": id, "ok": value }),
            Err(error) => {
                json!({ "id": id, "error": { "code": error.code, "message": error.message } })
            }
        };
        self.line(&line).await;
    }

    /// Like `event`, for callers that cannot wait; a full queue drops the event.
    pub fn try_event(&self, name: &str, mut body: Value) {
        body["event"] = json!(name);
        let _full = self.0.try_send(body.to_string());
    }

    async fn line(&self, value: &Value) {
        // An error means that the writer is gone, that is, nobody reads us any more; end of input ends the process.
        let _gone = self.0.send(value.to_string()).await;
    }
}
