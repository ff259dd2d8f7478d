export type { AddrScope } from './addr-scope.ts'
export { LOOPBACK_ONLY, ROUTABLE, readAddr } from './addr-scope.ts'
export type { AddressBookEntry, AddressSource } from './address-book.ts'
export { AddressBook } from './address-book.ts'
export type { AlpnHandler, RouterLimits, RouterStats } from './alpn-router.ts'
export type { AddressLookup } from './dial-race.ts'
export type { DialerLimits, DialerStats, DialOptions } from './dialer.ts'
export type { EndpointStats, HandleOptions, K2EndpointOptions, OpenEndpointOptions } from './endpoint.ts'
export { K2Endpoint, openEndpoint } from './endpoint.ts'
export { hasRelays, type IrohMode, type IrohReach } from './iroh-bind.ts'
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
