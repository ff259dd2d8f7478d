export { peerChannel } from './peer-channel.ts'
export { toPeerEvent } from './peer-events.ts'
export type { PeerNode } from './peer-port.ts'
export { NodePeerPort } from './peer-port.ts'
