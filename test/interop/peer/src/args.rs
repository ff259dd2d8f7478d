//! Arguments of commands: strict JSON shapes and the text forms of ids.

use std::{collections::BTreeSet, net::SocketAddr, str::FromStr};

use iroh::{EndpointAddr, EndpointId, SecretKey, TransportAddr};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::{OrCode, Result, fail};

/// Reads the argument object of a command. Missing, unknown and ill-typed members are `BAD_ARGUMENT`.
pub fn parse<T: DeserializeOwned>(args: Value) -> Result<T> {
    let args = if args.is_null() {
        Value::Object(Default::default())
    } else {
        args
    };
    serde_json::from_value(args).or_code("BAD_ARGUMENT")
}

pub fn hex(text: &str) -> Result<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .or_code("BAD_ARGUMENT")
}

pub fn hex32(text: &str) -> Result<[u8; 32]> {
    hex(text)?
        .try_into()
        .map_err(|_| fail("BAD_ARGUMENT", "64 hexadecimal characters are needed"))
}

pub fn to_hex(bytes: impl AsRef<[u8]>) -> String {
    data_encoding::HEXLOWER.encode(bytes.as_ref())
}

pub fn endpoint_id(text: &str) -> Result<EndpointId> {
    EndpointId::from_bytes(&hex32(text)?).or_code("BAD_ARGUMENT")
}

pub fn endpoint_ids(texts: &[String]) -> Result<Vec<EndpointId>> {
    texts.iter().map(|text| endpoint_id(text)).collect()
}

pub fn secret_key(text: &str) -> Result<SecretKey> {
    Ok(SecretKey::from_bytes(&hex32(text)?))
}

/// An endpoint address as it is given in commands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerAddrArg {
    pub id: String,
    #[serde(default)]
    pub addrs: Vec<String>,
    #[serde(default)]
    pub relay: Option<String>,
}

impl PeerAddrArg {
    pub fn to_addr(&self) -> Result<EndpointAddr> {
        let mut addrs = BTreeSet::new();
        for text in &self.addrs {
            addrs.insert(TransportAddr::Ip(
                SocketAddr::from_str(text).or_code("BAD_ARGUMENT")?,
            ));
        }
        if let Some(url) = &self.relay {
            addrs.insert(TransportAddr::Relay(url.parse().or_code("BAD_ARGUMENT")?));
        }
        Ok(EndpointAddr {
            id: endpoint_id(&self.id)?,
            addrs,
        })
    }
}

/// Content given as hex, as text, or as a length: then byte i is i mod 251.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContentArg {
    #[serde(default)]
    pub hex: Option<String>,
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub pattern: Option<usize>,
}

/// Largest content a command may ask us to make up.
const MAX_PATTERN: usize = 1 << 30;

impl ContentArg {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        match (&self.hex, &self.text, self.pattern) {
            (Some(text), None, None) => hex(text),
            (None, Some(text), None) => Ok(text.as_bytes().to_vec()),
            (None, None, Some(size)) if size <= MAX_PATTERN => Ok(pattern(size)),
            _ => Err(fail(
                "BAD_ARGUMENT",
                "content is one of hex, text, pattern (at most 2^30)",
            )),
        }
    }
}

/// The test data of the specifications: byte i = i mod 251.
pub fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i % 251) as u8).collect()
}
