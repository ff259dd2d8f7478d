import type { Health } from '../../base/lifecycle.ts'
import type { PeerEvent } from '../../bridges/p2p/port.ts'

export interface PartHealth {
  readonly name: string
  readonly health: Health
}

export interface StatusReport {
  readonly instance: string
  readonly version: string
  readonly uptimeMs: number
  readonly node: {
    readonly id: string
    readonly ticket: string
    readonly addresses: readonly string[]
    /** URL of the relay server through which others reach it; null while there is none. */
    readonly relay: string | null
    readonly topics: readonly { readonly name: string; readonly neighbors: number }[]
    readonly contacts: readonly { readonly name: string; readonly id: string; readonly online: boolean }[]
  }
  readonly parts: readonly PartHealth[]
  readonly counters: Readonly<Record<string, number>>
}

/** What the control API, the CLI and the metrics page may ask of a running gateway. */
export interface Control {
  status(): Promise<StatusReport>
  health(): readonly PartHealth[]
  /** Text in Prometheus' exposition format. */
  metrics(): Promise<string>
  sendToTopic(topic: string, text: string, name: string): Promise<{ readonly messageIds: readonly string[] }>
  /** `author`: key of the person whose text it is. */
  sendDirect(contact: string, text: string, name: string, author?: string): Promise<{ readonly messageIds: readonly string[] }>
  /** Messages as they arrive, from now on; ends with the signal. `filter` is a topic string or a contact. */
  follow(filter: { topic: string } | { contact: string }, signal: AbortSignal): AsyncIterable<PeerEvent>
  lanes(): Promise<readonly object[]>
  deadLetters(limit: number): Promise<readonly object[]>
  replayDeadLetter(id: string): Promise<void>
  discardDeadLetter(id: string): Promise<void>
  /** What became of an event: its routes, rules and deliveries. */
  why(eventId: string): Promise<object | undefined>
}
