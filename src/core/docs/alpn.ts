/** Name of the protocol on the wire (docs 7.1). */
export const DOCS_ALPN = '/iroh-sync/1'
