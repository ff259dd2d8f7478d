import type { PeerId } from '../ids.ts'

/** Where a peer can be reached: at most one relay URL and any number of `ip:port` / `[ip6]:port` texts. */
export interface PeerAddr {
  readonly id: PeerId
  readonly relayUrl?: string
  readonly direct: readonly string[]
}

export interface CallOptions {
  /** Stops the wait. The underlying operation may go on unseen and is cleaned up when it ends. */
  readonly signal?: AbortSignal | undefined
  /** Gives up after this many ms with `NET_TIMEOUT`. */
  readonly deadlineMs?: number
}

export interface ReadOptions extends CallOptions {
  /** Memory of the caller the bytes may be put into, where the answer then is a part of it; not to be touched before that. */
  readonly into?: Uint8Array | undefined
}

/** Sending half of a stream. After an error every later call fails with the same error. */
export interface SendHalf {
  /**
   * Writes all bytes in call order; waits for flow control. `data` must not change before the promise settles.
   * Rejects `NET_STREAM_STOPPED` (data.streamCode, a number), `NET_CLOSED` or, after our own end, `NET_STREAM_ENDED`.
   * A write that ran into its deadline leaves the stream unusable: an unknown part of it was sent.
   */
  write(data: Uint8Array, options?: CallOptions): Promise<void>
  /** Orderly end (FIN) behind all writes. Says nothing about delivery. Idempotent. */
  finish(): Promise<void>
  /**
   * Abnormal end; the peer's read fails with `NET_STREAM_RESET`. Takes effect at once when no write waits for flow control,
   * else when that piece of the write is through (only closing the connection is quicker). Without effect after `finish`. Never rejects.
   */
  reset(code: bigint): Promise<void>
}

/** Receiving half of a stream. One read at a time. */
export interface RecvHalf {
  /**
   * 1..max bytes (at most 64 KiB), or null at FIN (and at every later call). Rejects `NET_STREAM_RESET` (data.streamCode, a
   * number), `NET_CLOSED`, `NET_STREAM_ENDED` after our own `stop`, or `NET_STREAM_BUSY` while another read is pending.
   * A read that ran into its deadline leaves the stream unusable: the bytes it may still get are lost.
   * What arrived before the peer closed the connection can still be read.
   */
  read(max: number, options?: ReadOptions): Promise<Uint8Array | null>
  /** Tells the peer to stop sending. Takes effect at once when no read is pending, else when that read ends. Never rejects. */
  stop(code: bigint): Promise<void>
}

export interface BiStream {
  readonly send: SendHalf
  readonly recv: RecvHalf
}

export interface CloseInfo {
  /** `local`: we closed it. `remote`: the peer did, with a code. `lost`: time-out or transport error. */
  readonly by: 'local' | 'remote' | 'lost'
  readonly code?: bigint
  /** Reason given by the peer or the transport, cut to 200 characters. For logs only. */
  readonly reason: string
}

/** An established, authenticated connection. Its owner must keep a reference until it is closed. */
export interface Connection {
  /** Unique in this process, for telling several connections to one peer apart. */
  readonly serial: number
  readonly peer: PeerId
  readonly alpn: string
  readonly side: 'dialer' | 'acceptor'
  /** Where an accepted peer called from, see `originOf`; undefined through a relay, which many share, and where we dialed. */
  readonly origin?: string | undefined
  /** Resolves once, never rejects. */
  readonly closed: Promise<CloseInfo>
  readonly isClosed: boolean
  openUni(options?: CallOptions): Promise<SendHalf>
  openBi(options?: CallOptions): Promise<BiStream>
  /**
   * Next stream opened by the peer, in opening order; a silent one surfaces once it, or a later one, carries something.
   * Rejects `NET_CLOSED` when the connection has ended and no arrived stream is left. Giving up loses no stream.
   */
  acceptUni(options?: CallOptions): Promise<RecvHalf>
  acceptBi(options?: CallOptions): Promise<BiStream>
  /** How many streams of each direction the peer may have open towards us (default 100; what was granted stays granted). */
  setMaxStreams(limits: { uni?: number; bi?: number }): void
  /** Discards data that was not acknowledged yet. Codes are cut to 62 bits, reasons to 512 bytes. Idempotent, never throws. */
  close(code: bigint, reason: string): void
  /** Round-trip time in ms where known. */
  rttMs(): number | undefined
}

/** A handshake offered by a stranger. Exactly one of `accept` and `refuse` should be called, soon. */
export interface Incoming {
  /** Completes the handshake. Rejects `NET_HANDSHAKE_FAILED` when the stranger's ALPN or key is wrong. */
  accept(options?: CallOptions): Promise<Connection>
  refuse(): Promise<void>
}

/** One bound endpoint. Implementations: iroh-transport.ts (QUIC), memory-transport.ts (deterministic, in memory). */
export interface Transport {
  readonly id: PeerId
  /** Own addresses as currently known; changes over time (poll, do not watch). */
  localAddr(): PeerAddr
  /** ALPNs answered from now on. */
  setAlpns(alpns: readonly string[]): void
  /** Next incoming attempt; null once the transport is closed. */
  nextIncoming(): Promise<Incoming | null>
  /** Rejects `NET_NO_ADDRESS`, `NET_SELF`, `NET_ALPN`, `NET_WRONG_PEER`, `NET_REFUSED`, `NET_TIMEOUT`, `NET_CLOSED` or `NET_FAILED`. */
  connect(addr: PeerAddr, alpn: string, options?: CallOptions): Promise<Connection>
  /** Addresses the endpoint itself has learned of a peer, if any. */
  knownAddr(peer: PeerId): Promise<PeerAddr | undefined>
  /** Closes all connections with code 0 and releases the sockets (≤ 5 s). Idempotent, never rejects. */
  close(): Promise<void>
}
