//! Warnings of the network crates become events, so that a test can demand that nothing was logged about us.

use std::fmt::{Debug, Write};

use serde_json::json;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::filter_fn,
    layer::{Context, SubscriberExt},
};

use crate::out::Out;

const PROTOCOLS: [&str; 3] = ["iroh_gossip", "iroh_docs", "iroh_blobs"];
/// Longest message that is passed on, in characters.
const MAX_MESSAGE: usize = 600;

struct Forward(Out);

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _infallible = write!(self.0, "{value:?}");
        } else {
            let _infallible = write!(self.0, " {}={value:?}", field.name());
        }
    }
}

impl<S: Subscriber> Layer<S> for Forward {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let line = text.0.lines().next().unwrap_or_default();
        let meta = event.metadata();
        if *meta.level() > Level::WARN && !tells_of_a_bad_stream(line) {
            return;
        }
        let line: String = line.chars().take(MAX_MESSAGE).collect();
        self.0.try_event(
            "log",
            json!({ "level": meta.level().as_str(), "target": meta.target(), "message": line }),
        );
    }
}

/// Debug lines that matter: a stream that ended with an error, a connection whose receiving side gave up.
fn tells_of_a_bad_stream(line: &str) -> bool {
    line.starts_with("recv stream closed with error")
        || (line.starts_with("connection closed") && line.contains("Read"))
}

/// Warnings of the protocol crates, and the debug lines of `iroh_gossip` that carry an error: undecodable frames are
/// reported at that level only.
fn is_wanted(meta: &Metadata<'_>) -> bool {
    let target = meta.target();
    if *meta.level() <= Level::WARN {
        return PROTOCOLS.iter().any(|name| target.starts_with(name));
    }
    *meta.level() == Level::DEBUG
        && (target == "iroh_gossip::net::util"
            || (target == "iroh_gossip::net" && meta.fields().field("error").is_some()))
}

pub fn install(out: Out) {
    let subscriber =
        tracing_subscriber::registry().with(Forward(out).with_filter(filter_fn(is_wanted)));
    let _already_set = tracing::subscriber::set_global_default(subscriber);
}
