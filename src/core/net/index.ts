export type { IrohMode } from './iroh-bind.ts'
export type { IrohTransportOptions } from './iroh-transport.ts'
export { bindIrohTransport } from './iroh-transport.ts'
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
