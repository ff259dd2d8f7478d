export type { LinkProfile, MemoryNetworkOptions } from './memory-network.ts'
export { MemoryNetwork } from './memory-network.ts'
export type { MemoryBindOptions, MemoryTransport } from './memory-transport.ts'
export { streamCodeOf } from './net-errors.ts'
export type {
  BiStream,
  CallOptions,
  CloseInfo,
  Connection,
  Incoming,
  PeerAddr,
  RecvHalf,
  SendHalf,
  Transport,
} from './transport.ts'
