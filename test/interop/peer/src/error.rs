//! Failures a command can have. Every one becomes a JSON object with a stable code; none ends the process.

use std::fmt::Display;

#[derive(Debug)]
pub struct PeerError {
    pub code: &'static str,
    pub message: String,
}

pub type Result<T> = std::result::Result<T, PeerError>;

/// Builds an error from anything printable; chains of causes are printed in one line.
pub fn fail(code: &'static str, message: impl Display) -> PeerError {
    let mut message = format!("{message:#}");
    if let Some(end) = message.find('\n') {
        message.truncate(end);
    }
    PeerError { code, message }
}

/// Gives the error of a foreign result a code.
pub trait OrCode<T> {
    fn or_code(self, code: &'static str) -> Result<T>;
}

impl<T, E: Display> OrCode<T> for std::result::Result<T, E> {
    fn or_code(self, code: &'static str) -> Result<T> {
        self.map_err(|error| fail(code, error))
    }
}
